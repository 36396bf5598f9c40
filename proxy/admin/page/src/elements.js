// What the page is made of. Values become text nodes only, so that no key or path can become markup.

export const at = id => document.getElementById(id);

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties))
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  made.append(...children.map(child => child instanceof Node ? child : String(child)));
  return made;
}

export const number = (value, digits = 0) => value === null || value === undefined || Number.isNaN(value) ? "-"
  : value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
export const percent = ratio => ratio === null || ratio === undefined ? "-" : number(ratio * 100, 1) + " %";
export const milliseconds = value => number(value, value !== null && value < 10 ? 3 : 1);

const clock = new Intl.DateTimeFormat([], {hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23"});
const day = new Intl.DateTimeFormat([], {month: "short", day: "numeric"});

// As the charts show it; with the day, unless that is today.
export function moment(text) {
  const time = new Date(text), today = new Date().toDateString() === time.toDateString();
  return (today ? "" : day.format(time) + " ") + clock.format(time);
}

export function size(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  for (; bytes >= 1024 && unit + 1 < units.length; ++unit) bytes /= 1024;
  return number(bytes, unit ? 1 : 0) + " " + units[unit];
}

export function span(seconds) {
  const parts = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = parts.findIndex(([, length]) => seconds >= length);
  if (first < 0) return number(seconds, seconds > 0 ? 1 : 0) + " s";
  return parts.slice(first, first + 2).map(([name, length]) => {
    const count = Math.floor(seconds / length);
    seconds -= count * length;
    return count + " " + name;
  }).join(" ");
}

// Pairs of name and value; a value may be [text, class].
export function definitions(into, pairs) {
  into.replaceChildren(...pairs.map(([name, value]) => {
    const [text, kind] = Array.isArray(value) ? value : [value, ""];
    return element("div", {}, element("dt", {}, name), element("dd", {class: kind}, text));
  }));
}
