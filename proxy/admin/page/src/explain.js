import {at, element} from "./elements.js";
import {get} from "./api.js";

const words = value => value === null || value === undefined ? "-" : Array.isArray(value) ? value.map(words).join("\n") || "-"
  : typeof value === "object" ? Object.entries(value).map(([name, one]) => name + ": " + words(one)).join("\n") : String(value);

async function ask(event) {
  event.preventDefault();
  const query = new URLSearchParams({method: at("explain-method").value, url: at("explain-url").value});
  for (const line of at("explain-fields").value.split("\n").map(line => line.trim()).filter(Boolean)) query.append("header", line);
  try {
    const answer = await get("explain?" + query);
    // What people want to know first.
    const {decision, reason, ...rest} = answer;
    const pairs = Object.entries({decision, reason, ...rest}).filter(([, value]) => value !== undefined);
    at("explain-answer").replaceChildren(element("dl", {class: "plain"}, ...pairs.map(([name, value]) => {
      const text = words(value);
      return element("div", {class: text.length > 40 || text.includes("\n") ? "row" : ""},
        element("dt", {}, name.replaceAll("_", " ")), element("dd", {}, text));
    })));
  } catch (error) {
    at("explain-answer").replaceChildren(element("span", {class: "bad"}, error.message));
  }
}

at("explain-form").addEventListener("submit", ask);
