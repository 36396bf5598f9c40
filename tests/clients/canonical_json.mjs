// Prints JSON documents in many spellings beside the text that another writer of RFC 8785 makes of
// them. node canonical_json.mjs DOCUMENTS SEED: a line for each hundred of them, an array:
// {"body": as spelled, "canonical": as canonicalised}
import canonicalize from "canonicalize";

const [documents, seed] = process.argv.slice(2).map(Number);
const together = 100;

let state = seed >>> 0;
function chance() { // mulberry32
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
const below = count => Math.floor(chance() * count);
const one = list => list[below(list.length)];
const many = (most, make) => Array.from({ length: below(most + 1) }, make);

// Any double below 2^53: what is beyond is no I-JSON (RFC 7493, 2.2), and larder passes it.
const bits = new DataView(new ArrayBuffer(8));
function number() {
  const kind = below(4);
  if (kind === 0) return one([-0, below(2000) - 1000]);
  if (kind === 1) return Math.floor((chance() * 2 - 1) * 2 ** 53);
  if (kind === 2) return (below(2_000_000) - 1_000_000) / one([10, 100, 1000, 3, 7e9]);
  while (true) {
    bits.setUint32(0, below(2 ** 32));
    bits.setUint32(4, below(2 ** 32));
    const value = bits.getFloat64(0);
    if (Math.abs(value) < 2 ** 53) return value;
  }
}

const characters = [..."aZ09 \"\\/\b\f\n\r\t\u0000\u001f\u007f\u0080äß€\u2028\ud7ff\ue000\ufb33\uffff😀\u{10000}\u{10ffff}"];
const text = most => many(most, () => one(characters)).join("");

function value(depth) {
  const kind = below(depth > 4 ? 5 : 8);
  if (kind === 0) return one([null, true, false]);
  if (kind < 3) return number();
  if (kind < 5) return text(8);
  if (kind === 5) return many(4, () => value(depth + 1));
  // Without a prototype, so that "__proto__" would be a name like the others.
  const members = Object.create(null);
  for (const name of many(6, () => text(4))) members[name] = value(depth + 1);
  return members;
}

const blank = () => chance() < 0.7 ? "" : many(3, () => one([" ", "\t", "\n", "\r"])).join("");
const short = { '"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escape(unit) {
  const hex = unit.charCodeAt(0).toString(16).padStart(4, "0");
  return "\\u" + (chance() < 0.5 ? hex : hex.toUpperCase());
}

function spellText(string) {
  const spelled = [...string].map(character => {
    if (character in short && (chance() < 0.6)) return short[character];
    const must = character < " " || character === '"' || character === "\\";
    return must || chance() < 0.3 ? character.split("").map(escape).join("") : character;
  });
  return '"' + spelled.join("") + '"';
}

function spellNumber(number) {
  const plain = Object.is(number, -0) ? "-0" : String(number);
  if (chance() < 0.3) return number.toExponential().replace("e", one(["e", "E"]));
  return /^-?\d+$/.test(plain) && chance() < 0.3 ? plain + one([".0", "e0", ".000E+00", "e-0"]) : plain;
}

function spell(value) {
  if (typeof value === "string") return spellText(value);
  if (typeof value === "number") return spellNumber(value);
  if (value === null || typeof value === "boolean") return String(value);
  const around = text => blank() + text + blank();
  if (Array.isArray(value)) return "[" + (value.map(item => around(spell(item))).join(",") || blank()) + "]";
  const names = Object.keys(value);
  for (let i = names.length - 1; i > 0; --i) {
    const k = below(i + 1);
    [names[i], names[k]] = [names[k], names[i]];
  }
  const members = names.map(name => around(spellText(name)) + ":" + around(spell(value[name])));
  return "{" + (members.join(",") || blank()) + "}";
}

for (let made = 0; made < documents; made += together) {
  const list = Array.from({ length: together }, () => value(0));
  console.log(JSON.stringify({ body: spell(list), canonical: canonicalize(list) }));
}
