#!/usr/bin/python3
"""Includes go one way only:

main -> cli, server -> admin -> wire -> flow -> redis -> store, origin, observe -> net -> cache -> route -> http -> base

settings/settings.hpp and settings/problem.hpp are plain data and may be included by all but http and base; what else is
in settings/ belongs to main, server, observe and flow. base, http, route and cache are pure: no I/O library, clock or
thread; only base/clock.hpp asks what time it is, for the others to call.
"""
import os
import re
import sys

PROXY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "proxy")

MAY_INCLUDE = {
    "main": {
        "cli",
        "server",
        "admin",
        "wire",
        "flow",
        "redis",
        "store",
        "origin",
        "observe",
        "settings",
        "net",
        "cache",
        "route",
        "http",
        "base",
    },
    "cli": {"flow", "redis", "observe", "settings", "cache", "route", "http", "base"},
    "server": {
        "admin",
        "wire",
        "flow",
        "redis",
        "store",
        "origin",
        "observe",
        "settings",
        "net",
        "cache",
        "route",
        "http",
        "base",
    },
    "admin": {"flow", "redis", "store", "origin", "observe", "settings", "net", "cache", "route", "http", "base"},
    "wire": {"flow", "redis", "store", "origin", "observe", "settings", "net", "cache", "route", "http", "base"},
    "flow": {"redis", "store", "origin", "observe", "settings", "net", "cache", "route", "http", "base"},
    "observe": {"settings", "cache", "route", "http", "base"},
    "redis": {"store", "net", "cache", "route", "http", "base"},
    "store": {"net", "cache", "route", "http", "base"},
    "origin": {"net", "cache", "route", "http", "base"},
    "net": {"base"},
    "settings": {"cache", "route", "http", "base"},
    "cache": {"route", "http", "base"},
    "route": {"http", "base"},
    "http": {"base"},
    "base": set(),
}
PLAIN_SETTINGS = {"settings/settings.hpp", "settings/problem.hpp"}
NO_SETTINGS = {"http", "base"}
PURE = {"base", "http", "route", "cache"}
IMPURE = re.compile(
    r"boost/(asio|beast)|hiredis|spdlog|<thread>|<mutex>|<condition_variable>|prometheus/|<sys/socket\.h>"
)
IMPURE_USE = re.compile(r"\bco_await\b|\b(system_clock|steady_clock|\w*Clock)::now\s*\(|\b(wall|steady)_now\s*\(")
THE_CLOCK = "base/clock.hpp"
MAY_WAIT = {"admin", "wire", "main", "server", "flow", "origin", "redis", "store", "net"}
ASIO_COMPILED_ONCE = {"base/asio_compiled.cpp", "base/asio_ssl_compiled.cpp"}
INCLUDE = re.compile(r'^\s*#\s*include\s+("([^"]+)"|<[^>]+>)', re.M)


def problems_of(path, text):
    """What is wrong with one file; path is relative to proxy/."""
    layer = path.split("/")[0] if "/" in path else "main"
    if layer not in MAY_INCLUDE:
        return [f"{path}: the layer {layer} is not known to {os.path.basename(__file__)}"]
    problems = []
    for whole, own in INCLUDE.findall(text):
        if own and "/" not in own:
            problems.append(f"{path}: {whole} is not relative to proxy/")
        elif own and own in PLAIN_SETTINGS:
            if layer in NO_SETTINGS:
                problems.append(f"{path}: {layer} must not know {own}")
        elif own and own.split("/")[0] != layer and own.split("/")[0] not in MAY_INCLUDE[layer]:
            problems.append(f"{path}: {layer} must not include {own}")
        elif layer in PURE and path not in ASIO_COMPILED_ONCE and IMPURE.search(whole):
            problems.append(f"{path}: {layer} is pure and must not include {whole}")
    code = re.sub(r"//[^\n]*", "", text)
    if layer in PURE and path != THE_CLOCK and IMPURE_USE.search(code):
        problems.append(f"{path}: {layer} is pure: {IMPURE_USE.search(code)[0]} has no place in it")
    if layer not in MAY_WAIT and "co_await" in code:
        problems.append(f"{path}: co_await appears only in {', '.join(sorted(MAY_WAIT))}")
    return sorted(set(problems))


def check_itself():
    """The checker must be able to fail."""
    assert problems_of("http/a.cpp", '#include "route/b.hpp"\n')
    assert problems_of("store/a.cpp", '#include "flow/b.hpp"\n')
    assert problems_of("cache/a.cpp", "#include <boost/asio.hpp>\n")
    assert problems_of("base/a.hpp", '#include "settings/settings.hpp"\n')
    assert problems_of("store/a.hpp", '#include "settings/load_settings.hpp"\n')
    assert problems_of("route/a.cpp", "auto now = std::chrono::steady_clock::now();\n")
    assert problems_of("cache/a.cpp", "auto now = wall_now();\n")
    assert not problems_of(
        "store/a.hpp", '#include "settings/settings.hpp"\n#include "store/b.hpp"\n#include "base/c.hpp"\n'
    )
    assert not problems_of("main.cpp", '#include "server/server.hpp"\n')


def main():
    check_itself()
    problems, files = [], 0
    for folder, _, names in os.walk(PROXY):
        for name in names:
            if name.endswith((".hpp", ".cpp")):
                files += 1
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as source:
                    problems += problems_of(os.path.relpath(path, PROXY), source.read())
    print("\n".join(problems) or f"{files} files, every include goes the right way")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
