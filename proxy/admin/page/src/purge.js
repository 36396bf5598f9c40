import {at, element, moment, number} from "./elements.js";
import {get, post} from "./api.js";
import {Table} from "./table.js";

const what = row => ["keys", "patterns", "tags", "urls", "hosts", "prefixes"].flatMap(kind =>
  (row[kind] ?? []).map(item => kind.replace(/s$/, "") + " " + item)).concat(row.everything ? ["everything"] : []).join(", ");

const purges = new Table(at("purges"), "Purges, newest first", [
  {name: "time", value: row => row.time, show: row => moment(row.time), text: true},
  {name: "what", value: row => what(row) + (row.soft ? " (soft)" : "") + (row.repeat ? " (again)" : ""), text: true},
  {name: "source", value: row => [row.source, row.route].filter(Boolean).join(" "), text: true},
  {name: "who", value: row => [row.token, row.who].filter(Boolean).join(" "), text: true},
  {name: "ms", value: row => row.milliseconds, show: row => number(row.milliseconds, 1)},
  {name: "state", value: row => row.acknowledged ? "done" : "owed", text: true},
]);

export async function showPurges() {
  const answer = await get("purges");
  at("purges-part").hidden = false;
  purges.show(answer.purges.slice(0, 100));
}

const counted = purged => Object.entries(purged).map(([kind, count]) => [kind, Array.isArray(count) ? count.length : count])
  .filter(([, count]) => count).map(([kind, count]) => number(count) + " " + (count === 1 ? kind.replace(/s$/, "") : kind)).join(", ");

function dryAnswer(answer) {
  return element("ul", {}, ...answer.would_purge.map(one => {
    const [kind, name] = Object.entries(one).find(([key]) => !["entries", "sample"].includes(key)) ?? ["", ""];
    const sample = (one.sample ?? []).join(", ");
    return element("li", {}, kind + " " + name + ": " + number(one.entries) + (one.entries === 1 ? " entry" : " entries")
      + (sample ? " (" + sample + ")" : ""));
  }));
}

async function send(event) {
  event.preventDefault();
  const dry = event.submitter?.name === "dry";
  const items = at("purge-items").value.split("\n").map(line => line.trim()).filter(Boolean);
  const kind = at("purge-kind").value, order = {[kind]: kind === "everything" ? true : items};
  if (at("purge-soft").checked) order.soft = true;
  if (dry) order.dry_run = true;
  try {
    const answer = await post("purge", order);
    at("purge-answer").replaceChildren(answer.would_purge ? dryAnswer(answer)
      : "Purged " + (counted(answer.purged) || "what was named") + (answer.acknowledged === false ? "; Redis is told as soon as it can be reached." : "."));
    if (!dry) showPurges().catch(() => {});
  } catch (error) {
    at("purge-answer").replaceChildren(element("span", {class: "bad"}, error.message));
  }
}

// A purge of everything has no list.
at("purge-kind").addEventListener("change", () => {
  const all = at("purge-kind").value === "everything";
  at("purge-which").hidden = all;
  at("purge-items").required = !all;
});
at("purge-form").addEventListener("submit", send);
