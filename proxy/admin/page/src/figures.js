import {at, definitions, element, milliseconds, number, percent, size, span} from "./elements.js";
import {Table} from "./table.js";
import {offerRoutes} from "./entries.js";

const times = [["mean ms", "mean_ms"], ["p50 ms", "p50_ms"], ["p90 ms", "p90_ms"], ["p99 ms", "p99_ms"]];
const time = (row, member) => milliseconds(row.latency.count ? row.latency[member] : null);
const timeColumns = times.map(([name, member]) => ({name, value: row => row.latency[member], show: row => time(row, member)}));

const latency = new Table(at("latency"), "Latency by cache status", [
  {name: "X-Cache", value: row => row.word, text: true},
  {name: "requests", value: row => row.latency.count, show: row => number(row.latency.count)}, ...timeColumns]);

const total = reasons => Object.values(reasons).reduce((sum, count) => sum + count, 0);

// The reasons as shares of a bar; the words are beside it for those who do not see it, and on top of it for the others.
function reasonBar(reasons) {
  const sorted = Object.entries(reasons).filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  if (!sorted.length) return "-";
  const words = sorted.map(([reason, count]) => reason + " " + number(count)).join(", ");
  const parts = sorted.map(([, count]) => {
    const part = element("span");
    part.style.flexGrow = count;
    return part;
  });
  return element("div", {title: words}, element("div", {class: "bar", "aria-hidden": "true"}, ...parts), element("span", {class: "dim"}, words));
}

const routes = new Table(at("routes"), "Routes", [
  {name: "path", value: row => row.path, text: true},
  {name: "requests", value: row => row.total, show: row => number(row.total)},
  {name: "hit rate", value: row => row.hit_ratio, show: row => percent(row.hit_ratio)},
  {name: "p50 ms", value: row => row.latency.p50_ms, show: row => time(row, "p50_ms")},
  {name: "p99 ms", value: row => row.latency.p99_ms, show: row => time(row, "p99_ms")},
  {name: "saved s", value: row => row.origin_seconds_saved, show: row => number(row.origin_seconds_saved, 1)},
  {name: "age p50 s", value: row => row.age?.p50_seconds, show: row => number(row.age?.count ? row.age.p50_seconds : null, 0)},
  {name: "not stored", value: row => total(row.not_stored), show: row => reasonBar(row.not_stored), text: true},
], {sort: 1});

const checks = new Table(at("checks"), "Hits that were compared with the origin", [
  {name: "path", value: row => row.path, text: true},
  {name: "same", value: row => row.audit?.same, show: row => number(row.audit?.same)},
  {name: "different", value: row => row.audit?.different, show: row => row.audit?.different
    ? element("span", {class: "bad"}, number(row.audit.different)) : number(row.audit?.different)},
  {name: "failed", value: row => row.audit?.failed, show: row => number(row.audit?.failed)},
  {name: "wrong / million", value: row => row.audit?.wrong_per_million, show: row => number(row.audit?.wrong_per_million)},
  {name: "at most (95 %)", value: row => row.audit?.at_most_per_million, show: row => number(row.audit?.at_most_per_million)},
  {name: "their age p50", value: row => row.audit?.wrong_age_seconds?.p50, show: row => row.audit?.wrong_age_seconds ? span(row.audit.wrong_age_seconds.p50) : "-"},
  {name: "shadow match", value: row => row.shadow?.match, show: row => number(row.shadow?.match)},
  {name: "mismatch", value: row => row.shadow?.mismatch, show: row => row.shadow?.mismatch
    ? element("span", {class: "bad"}, number(row.shadow.mismatch)) : number(row.shadow?.mismatch)},
], {sort: 0, descending: false});

const upWord = up => up === false ? element("span", {class: "bad"}, "down") : up === null ? "-" : element("span", {class: "good"}, "up");
const reasons = counts => Object.entries(counts).filter(([, count]) => count > 0).map(([name, count]) => name + " " + number(count)).join(", ") || "none";

const origins = new Table(at("origins"), "Origin servers", [
  {name: "server", value: row => row.server, text: true},
  {name: "state", value: row => row.up, show: row => upWord(row.up), text: true},
  {name: "addresses", value: row => row.addresses?.length ?? 0, text: true, show: row => (row.addresses ?? []).map(one => one.address
    + (one.up ? "" : " down") + (one.reachable ? "" : " unreachable") + ", " + one.connections + " open").join("; ") || "-"},
  {name: "requests", value: row => row.latency.count, show: row => number(row.latency.count)},
  {name: "p50 ms", value: row => row.latency.p50_ms, show: row => time(row, "p50_ms")},
  {name: "p99 ms", value: row => row.latency.p99_ms, show: row => time(row, "p99_ms")},
  {name: "failures", value: row => total(row.errors), show: row => reasons(row.errors), text: true},
]);

const redis = new Table(at("redis"), "Operations on Redis", [
  {name: "operation", value: row => row.word, text: true},
  {name: "requests", value: row => row.latency.count, show: row => number(row.latency.count)}, ...timeColumns]);

const byWord = object => Object.entries(object).map(([word, figures]) => ({word, latency: figures}));

function redisWord(state) {
  if (!state.configured) return "off";
  return state.up ? ["up", "good"] : ["down (breaker " + state.breaker + ")", "bad"];
}

const nodes = new Table(at("nodes"), "Redis servers", [
  {name: "Redis server", value: row => row.address, show: row => row.address || "not known yet", text: true},
  {name: "state", value: row => row.up, show: row => upWord(row.up), text: true},
  {name: "breaker", value: row => row.breaker, text: true},
]);

export function showFigures(now, before, seconds) {
  at("version").textContent = now.version;
  at("state").textContent = "up for " + span(now.uptime_seconds);
  definitions(at("figures"), [
    ["Requests/s", number(before && seconds > 0 ? (now.requests.total - before.requests.total) / seconds : null, 1)],
    ["Hit rate", percent(now.requests.hit_ratio)],
    ["Requests", number(now.requests.total)],
    ["Origin time saved", span(now.routes.reduce((sum, route) => sum + route.origin_seconds_saved, 0))],
    ["Joined a fetch", number(now.requests.coalesced)],
    ["Clients", number(now.client_connections)],
    ["Purges pending", [number(now.purges.pending), now.purges.pending ? "bad" : ""]],
  ]);
  latency.show(byWord(now.latency));
  routes.show(now.routes.filter(route => route.total > 0 || route.path !== "other"));
  const compared = now.routes.filter(route => route.audit || route.shadow);
  at("checks-part").hidden = !compared.length;
  checks.show(compared);
  offerRoutes(now.routes.map(route => route.path));
  origins.show(now.origins);
  definitions(at("stores"), [
    ["Redis", redisWord(now.redis)],
    ["Redis failures", reasons(now.redis.errors)],
    ["Memory", size(now.memory.bytes)], ["In memory", number(now.memory.entries)],
    ["Evicted", number(now.memory.evictions)],
  ]);
  at("troubles").replaceChildren(...now.redis.troubles.map(trouble =>
    element("p", {class: "bad"}, "Redis, " + trouble.concerns + ": " + trouble.text + " " + trouble.remedy)));
  nodes.show(now.redis.nodes);
  redis.show(byWord(now.redis.operations));
}
