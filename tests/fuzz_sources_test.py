#!/usr/bin/python3
"""The fuzzers are linked from a list of sources (tests/fuzz/CMakeLists.txt), and only where clang is: the ordinary build
replays their inputs with all of larder. A source that the list lacks is found here in every build: the list has to hold
the source beside each header that a target or a listed source includes, directly or through other headers.
"""
import os
import re
import sys

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIST = os.path.join(REPOSITORY, "tests", "fuzz", "CMakeLists.txt")
INCLUDE = re.compile(r'^#include "([\w/]+\.hpp)"', re.M)
# Includes what it declares members of; none of the listed sources calls them.
NOT_FOLLOWED = {"admin/backend.hpp"}


def read(path):
    with open(path) as file:
        return file.read()


def sources_in(folder):
    return {f"{folder}/{name}" for name in os.listdir(os.path.join(REPOSITORY, folder)) if name.endswith(".cpp")}


def listed_sources():
    text = read(LIST)
    listed = {f"proxy/{path}" for path in re.findall(r"SOURCE_DIR}/proxy/([\w/]+\.cpp)", text)}
    for folder in re.findall(r"SOURCE_DIR}/proxy/(\w+)/\*\.cpp", text):
        listed |= sources_in(f"proxy/{folder}")
    return {path for path in listed if os.path.exists(os.path.join(REPOSITORY, path))}


def missing_sources(listed):
    """{source that is not listed: what includes its header}"""
    missing, seen = {}, set()
    waiting = [*sorted(listed), *sorted(sources_in("tests/fuzz/targets"))]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for header in INCLUDE.findall(read(os.path.join(REPOSITORY, path))):
            found = f"proxy/{header}"
            if header in NOT_FOLLOWED or not os.path.exists(os.path.join(REPOSITORY, found)):
                continue
            waiting.append(found)
            source = found[: -len("hpp")] + "cpp"
            if source not in listed and os.path.exists(os.path.join(REPOSITORY, source)):
                missing.setdefault(source, path)
    return missing


def main():
    listed = listed_sources()
    missing = missing_sources(listed)
    for source, path in sorted(missing.items()):
        print(f"{source} is not in tests/fuzz/CMakeLists.txt, but {path} includes its header")
    print(f"{len(listed)} sources of the fuzzers, {len(missing)} missing")
    return 1 if missing or not listed else 0


if __name__ == "__main__":
    sys.exit(main())
