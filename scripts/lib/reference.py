#!/usr/bin/python3
"""Makes the guide's reference of the JSON Schema:

    larder schema | scripts/lib/reference.py >config/guide/reference/configuration.md
"""
import json
import sys

HEAD = """# Every key of the configuration

Made of what `larder schema` prints. Durations: `250ms`, `60s`, `5m`, `1h`, `7d`; a bare number is seconds. Sizes: `8KB`, `64MB`,
`1GB`. Any value may be `${NAME}` or `${NAME:-default}`, taken from the environment, or `${file:/path}`, taken from a file.
"""


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def default_of(schema):
    if "default" not in schema:
        return ""
    value = schema["default"]
    words = {True: "on", False: "off", None: ""}
    text = words[value] if isinstance(value, bool) or value is None else value
    return f"`{text if isinstance(text, str) else json.dumps(text)}`" if text != "" else '`""`'


def parts(schema, path):
    """(path, schema) of what stands below: of a map, of a list's items, of each form that a value may have."""
    for name, below in schema.get("properties", {}).items():
        yield f"{path}.{name}" if path else name, below
    if isinstance(schema.get("items"), dict):
        yield from parts(schema["items"], path + "[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from parts(schema["additionalProperties"], path + ".NAME")
    for form in schema.get("anyOf", []) + schema.get("oneOf", []):
        yield from parts(form, path)


def walk(schema, path=""):
    seen = set()
    for name, below in parts(schema, path):
        if name in seen:
            continue
        seen.add(name)
        yield name, below
        yield from walk(below, name)


def merged(rows):
    """One row for a key that stands in a map and in the maps of a list: what either says of it."""
    names = {name for name, _ in rows}
    found = {}
    for name, one in rows:
        plain = name.replace("[]", "", 1)
        shown = plain if plain in names else name
        found.setdefault(shown, {}).update(
            {key: value for key, value in one.items() if key in ("default", "description")}
        )
    return found.items()


def main():
    schema = json.load(sys.stdin)
    print(HEAD)
    for top, below in schema["properties"].items():
        print(f"## {top}\n\n{below.get('description', '')}\n")
        if default_of(below):
            print(f"Default: {default_of(below)}\n")
        rows = merged(list(walk(below, top)))
        if rows:
            print("| key | default | meaning |\n|---|---|---|")
            for name, one in rows:
                print(f"| `{name}` | {cell(default_of(one))} | {cell(one.get('description', ''))} |")
            print()


main()
