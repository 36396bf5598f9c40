import {at, element, milliseconds, number, size} from "./elements.js";
import {get} from "./api.js";
import {Table} from "./table.js";

export async function showAdvice() {
  const {advice} = await get("advise");
  at("advice-part").hidden = false;
  at("advice").replaceChildren(...(advice.length ? advice : [{kind: "", text: "Nothing yet: the traffic so far gives no reason for a change."}])
    .map(one => element("li", {}, one.kind ? element("strong", {}, one.kind.replaceAll("-", " ") + ": ") : "", one.text)));
}

const by = () => document.querySelector("[name=by]:checked").value;
const shown = value => by() === "bytes" ? size(value) : by() === "origin-time" ? milliseconds(value) + " ms" : number(value);

const top = new Table(at("top"), "Heaviest keys", [
  {name: "key", value: row => row.key, text: true},
  {name: "route", value: row => row.route, text: true},
  {name: "about", value: row => row.value, show: row => shown(row.value)},
  {name: "at most too much by", value: row => row.error, show: row => shown(row.error)},
]);

export async function showTop() {
  const {keys} = await get("top?limit=10&by=" + by());
  at("top-part").hidden = false;
  top.show(keys);
}

for (const choice of document.querySelectorAll("[name=by]")) choice.addEventListener("change", () => showTop().catch(() => {}));
