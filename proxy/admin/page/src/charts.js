import uPlot from "uplot";
import {at} from "./elements.js";

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const clock = new Intl.DateTimeFormat([], {hour: "2-digit", minute: "2-digit", hourCycle: "h23"});

function options(width, lines, percent, range) {
  const axis = {stroke: colour("--dim"), grid: {stroke: colour("--line"), width: 1}, ticks: {stroke: colour("--line")}};
  return {
    width, height: 200, legend: {live: false}, cursor: {y: false},
    scales: {x: {range}, y: {range: (_, __, most) => [0, percent ? 100 : Math.max(most * 1.1, 0.1)]}},
    axes: [{...axis, values: (_, times) => times.map(time => clock.format(time * 1000))}, {...axis, size: 50}],
    // A rate has no value where nobody asked: points show the values that stand alone.
    series: [{}, ...lines.map(([label, name]) => ({label, stroke: colour(name), width: 1.5, spanGaps: false,
      points: percent ? {show: true, size: 4, fill: colour(name)} : {}}))],
  };
}

export class Chart {
  constructor(id, lines, {percent = false} = {}) {
    Object.assign(this, {into: at(id), lines, percent, data: null, plot: null});
    new ResizeObserver(() => this.fit()).observe(this.into);
  }

  get width() { return Math.max(this.into.clientWidth, 200); }

  // `span`: so many seconds are shown, up to the last value, however few values there are yet.
  show(data, span) {
    this.data = data;
    this.span = span;
    if (this.plot) this.plot.setData(data);
    else this.draw();
  }

  // Anew, in the colours of now.
  draw() {
    this.plot?.destroy();
    const range = () => [this.data[0].at(-1) - this.span, this.data[0].at(-1)];
    this.plot = this.data ? new uPlot(options(this.width, this.lines, this.percent, range), this.data, this.into) : null;
  }

  fit() {
    if (this.plot && this.plot.width !== this.width) this.plot.setSize({width: this.width, height: 200});
  }
}
