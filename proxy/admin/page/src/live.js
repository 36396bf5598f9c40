import {at, milliseconds, moment, number} from "./elements.js";
import {fields} from "./api.js";
import {Table} from "./table.js";

const shown = 200;
let rows = [], lost = 0, stop = null, drawing = false;

const live = new Table(at("live"), "Requests as they happen, newest first", [
  {name: "time", value: row => row.time, show: row => moment(row.time), text: true},
  {name: "client", value: row => row.client, text: true},
  {name: "request", value: row => row.method + " " + row.target, text: true},
  {name: "status", value: row => row.status},
  {name: "X-Cache", value: row => row.cache + (row.detail ? " " + row.detail : ""), text: true},
  {name: "ms", value: row => row.milliseconds, show: row => milliseconds(row.milliseconds)},
  {name: "origin ms", value: row => row.origin_milliseconds, show: row => milliseconds(row.origin_milliseconds)},
]);

function draw() {
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    live.show(rows);
    at("live-state").textContent = number(rows.length) + " requests" + (lost ? ", " + number(lost) + " not shown: too many at once" : "");
  }, 250);
}

function take(event) {
  const kind = /^event: *(.*)$/m.exec(event)?.[1], data = /^data: *(.*)$/m.exec(event)?.[1];
  if (!data) return;
  if (kind === "lost") lost += JSON.parse(data).events;
  else rows = [JSON.parse(data), ...rows].slice(0, shown);
  draw();
}

// Read with fetch, since EventSource cannot send the token.
async function listen(signal) {
  const query = new URLSearchParams(at("live-filter").value.split(/\s+/).filter(Boolean).map(filter => {
    const [name, ...value] = filter.split("=");
    return [name, value.join("=")];
  }));
  const response = await fetch("events?" + query, {headers: fields(), signal});
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).detail ?? "status " + response.status);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = "";;) {
    const {value, done} = await reader.read();
    if (done) return;
    const events = (text + value.replaceAll("\r", "")).split("\n\n");
    text = events.pop();
    events.forEach(take);
  }
}

function end(message = "") {
  stop?.abort();
  stop = null;
  at("live-button").textContent = "Start";
  at("live-button").setAttribute("aria-pressed", "false");
  if (message) at("live-state").textContent = message;
}

at("live-form").addEventListener("submit", event => {
  event.preventDefault();
  if (stop) return end();
  rows = [];
  lost = 0;
  live.show(rows);
  at("live").dataset.empty = "No request has come yet.";
  stop = new AbortController();
  const own = stop;
  at("live-button").textContent = "Stop";
  at("live-button").setAttribute("aria-pressed", "true");
  at("live-state").textContent = "listening";
  listen(own.signal).then(() => end("larder ended the stream"), error => { if (error.name !== "AbortError") end(error.message); });
});
