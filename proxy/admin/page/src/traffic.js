import {at, number, percent} from "./elements.js";
import {Chart} from "./charts.js";

const rates = new Chart("rate-chart", [["all", "--c"], ["from the cache", "--a"], ["failed", "--bad"]]);
const hits = new Chart("hit-chart", [["hit rate", "--b"]], {percent: true});
let history = null;

const sum = numbers => numbers.reduce((total, one) => total + one, 0);
const range = () => document.querySelector("[name=range]:checked").value;

export function showTraffic(answer = history) {
  history = answer;
  if (!history) return;
  const series = history[range()], step = series.step_seconds;
  const times = series.requests.map((_, index) => series.begin + index * step);
  const perSecond = counts => counts.map(count => count / step);
  const span = range() === "day" ? 86400 : 3600;
  rates.show([times, perSecond(series.requests), perSecond(series.served), perSecond(series.errors)], span);
  hits.show([times, series.asked.map((asked, index) => asked ? series.served[index] / asked * 100 : null)], span);
  const asked = sum(series.asked);
  at("traffic-text").textContent = "Last " + range() + ": " + number(sum(series.requests)) + " requests, hit rate "
    + percent(asked ? sum(series.served) / asked : null) + ", " + number(sum(series.errors)) + " failed, "
    + number(sum(series.origin_seconds_saved), 1) + " s of the origin's time saved, " + number(sum(series.purges)) + " purges.";
}

export function redrawCharts() {
  rates.draw();
  hits.draw();
}

for (const choice of document.querySelectorAll("[name=range]")) choice.addEventListener("change", () => showTraffic());
