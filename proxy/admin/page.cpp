#include "admin/page.hpp"

namespace larder::admin {
namespace {

// The script shows values as text nodes only, so that no key or path can become markup.
constexpr std::string_view page = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>larder</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; }
dl { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; } dt { opacity: .7; } dd { margin: 0; font-size: 1.5rem; }
#state { opacity: .7; }
</style></head><body>
<h1>larder <span id="version"></span></h1><p id="state">loading</p>
<form id="login" hidden><label>Token <input id="token" type="password" autocomplete="off"></label> <button>Show</button></form>
<dl id="figures"></dl>
<h2>Latency by cache status</h2><table id="latency"></table>
<h2>Routes</h2><table id="routes"></table>
<p><a href="metrics">/metrics</a> <a href="stats">/stats</a> <a href="config">/config</a></p>
<script>
"use strict";
const at = id => document.getElementById(id);
let token = "", before = null;
const number = (value, digits = 0) =>
  value == null ? "-" : value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
const percent = value => value == null ? "-" : number(value * 100, 1) + " %";
function element(name, text) { const e = document.createElement(name); e.textContent = text; return e; }
function row(cells, name) { const tr = element("tr", ""); tr.append(...cells.map(c => element(name, c))); return tr; }
function table(id, heads, rows) { at(id).replaceChildren(row(heads, "th"), ...rows.map(cells => row(cells, "td"))); }
function show(now, seconds) {
  const rate = before ? (now.requests.total - before.requests.total) / seconds : null;
  const origin = now.origins.map(o => o.up === false ? "down" : "up").join(", ") || "-";
  const troubles = now.redis.troubles.map(t => ": " + t.concerns + ": " + t.text).join("");
  const redis = (!now.redis.configured ? "off" : now.redis.up ? "up" : "down (breaker " + now.redis.breaker + ")") + troubles;
  at("version").textContent = now.version;
  at("state").textContent = "up for " + number(now.uptime_seconds) + " s";
  const figures = [["Requests per second", number(rate, 1)], ["Hit rate", percent(now.requests.hit_ratio)],
    ["Requests", number(now.requests.total)], ["Clients", number(now.client_connections)], ["Redis", redis],
    ["Origin", origin], ["In memory", number(now.memory.bytes / 1048576, 1) + " MB"],
    ["Purges pending", number(now.purges.pending)]];
  at("figures").replaceChildren(...figures.map(([name, value]) => {
    const div = element("div", ""); div.append(element("dt", name), element("dd", value)); return div; }));
  table("latency", ["", "requests", "mean ms", "p50 ms", "p90 ms", "p99 ms"], Object.entries(now.latency).map(([word, l]) =>
    [word, number(l.count), number(l.mean_ms, 3), number(l.p50_ms, 3), number(l.p90_ms, 3), number(l.p99_ms, 3)]));
  table("routes", ["path", "requests", "hit rate", "p50 ms", "p99 ms", "origin seconds saved"], now.routes.map(r =>
    [r.path, number(r.total), percent(r.hit_ratio), number(r.latency.p50_ms, 3), number(r.latency.p99_ms, 3),
     number(r.origin_seconds_saved, 1)]));
}
let asked = 0;
async function refresh() {
  try {
    const answer = await fetch("stats", {headers: token ? {Authorization: "Bearer " + token} : {}});
    at("login").hidden = answer.status !== 401;
    if (!answer.ok) throw new Error(answer.status === 401 ? "a token is needed" : "status " + answer.status);
    const now = await answer.json(), time = performance.now();
    show(now, (time - asked) / 1000);
    before = now; asked = time;
  } catch (error) { at("state").textContent = String(error.message || error); }
}
at("login").addEventListener("submit", event => { event.preventDefault(); token = at("token").value; refresh(); });
refresh(); setInterval(refresh, 2000);
</script></body></html>
)html";

}  // namespace

std::string_view admin_page() { return page; }

}  // namespace larder::admin
