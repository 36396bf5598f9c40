import {at, element, number, size, span} from "./elements.js";
import {get} from "./api.js";
import {Table} from "./table.js";

let found = [], next = null;

const entries = new Table(at("entries"), "Entries", [
  {name: "key", value: row => row.key, show: row => element("button", {type: "button", onclick: () => view(row.key)}, row.key), text: true},
  {name: "route", value: row => row.route, text: true},
  {name: "age", value: row => row.age, show: row => span(row.age)},
  {name: "left", value: row => row.ttl, show: row => row.ttl < 0 ? "stale" : span(row.ttl)},
  {name: "size", value: row => row.bytes, show: row => size(row.bytes)},
  {name: "tags", value: row => (row.tags ?? []).join(", "), text: true},
  {name: "tier", value: row => row.tier, text: true},
  {name: "variants", value: row => row.variants, show: row => number(row.variants)},
], {sort: 0, descending: false});

const fault = error => element("span", {class: "bad"}, error.message);

async function search(more) {
  const query = new URLSearchParams({prefix: at("entries-prefix").value});
  if (at("entries-route").value) query.set("route", at("entries-route").value);
  if (more && next) query.set("after", next);
  try {
    const answer = await get("entries?" + query);
    found = more ? found.concat(answer.entries) : answer.entries;
    next = answer.next;
    at("entries-next").hidden = !next;
    at("entries").dataset.empty = "";
    entries.show(found);
    at("entry").replaceChildren(found.length ? "" : "No key begins so.");
  } catch (error) {
    at("entry").replaceChildren(fault(error));
  }
}

function oneVariant(variant) {
  const head = "status " + variant.status + ", age " + span(variant.age) + ", " + size(variant.bytes) + "\n"
    + (variant.headers ?? []).map(([name, value]) => name + ": " + value).join("\n");
  const body = variant.body_base64 ? "(no text)" : variant.body ?? "";
  return element("pre", {tabindex: 0}, head + (body ? "\n\n" + body : ""));
}

function difference(diff) {
  if (!diff) return "";
  if (diff.same) return element("p", {class: "good"}, "The origin answers the same.");
  const headers = (diff.headers ?? []).map(([name, here, there]) => name + ": " + (here ?? "(none)") + " -> " + (there ?? "(none)")).join("\n");
  return element("div", {}, element("p", {class: "bad"}, "The origin answers otherwise."),
    element("pre", {tabindex: 0}, [diff.status && diff.status[0] !== diff.status[1] ? "status " + diff.status.join(" -> ") : "", headers, diff.body].filter(Boolean).join("\n")));
}

async function view(key, diff = false) {
  try {
    const answer = await get("entry?" + new URLSearchParams({key, body: "1", ...(diff ? {diff: "1"} : {})}));
    at("entry").replaceChildren(element("h3", {}, answer.key),
      element("button", {type: "button", onclick: () => view(key, true)}, "Compare with the origin"),
      difference(answer.diff), ...answer.variants.map(oneVariant));
  } catch (error) {
    at("entry").replaceChildren(fault(error));
  }
}

// The paths of routes, to choose from.
export function offerRoutes(paths) {
  const choice = at("entries-route"), known = new Set([...choice.options].map(option => option.value));
  choice.append(...paths.filter(path => path !== "other" && !known.has(path)).map(path => element("option", {value: path}, path)));
}

at("entries-form").addEventListener("submit", event => { event.preventDefault(); search(false); });
at("entries-next").addEventListener("click", () => search(true));
