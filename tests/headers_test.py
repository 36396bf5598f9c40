#!/usr/bin/python3
"""Every header compiles alone: it includes all that it uses, whoever includes it first.

The build itself proves it of those that a source includes before anything else; here the others are compiled.

headers_test.py [COMPILER [HEADER...]]   the headers of proxy/ and tests/ with g++, or those named
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLAGS = (
    "-std=c++20 -fsyntax-only -O0 -w -x c++ -DBOOST_ASIO_SEPARATE_COMPILATION -DBOOST_BEAST_SEPARATE_COMPILATION "
    "-DBOOST_ASIO_NO_DEPRECATED -DLARDER_VERSION=\"0\""
).split()
INCLUDES = [f"-I{ROOT}/proxy", f"-I{ROOT}/tests"]


def files(ending):
    for top in ("proxy", "tests"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            yield from (os.path.join(folder, name) for name in sorted(names) if name.endswith(ending))


def proved_by_the_build():
    """Headers that are the first include of a source, with no macro before it that could matter."""
    for path in files(".cpp"):
        with open(path, encoding="utf-8") as source:
            first = re.search(r"^\s*#[^\n]*", source.read(), re.M)
        included = first and re.match(r'\s*#\s*include\s+"([^"]+)"', first[0])
        if included:
            yield from (os.path.join(ROOT, top, included[1]) for top in ("proxy", "tests"))


def headers():
    proved = set(proved_by_the_build())
    return [path for path in files(".hpp") if path not in proved]


def fault_of(compiler, header):
    """The compiler's words, or nothing. Included twice: a header guards itself."""
    text = f'#include "{header}"\n#include "{header}"\n'
    done = subprocess.run([compiler, *FLAGS, *INCLUDES, "-"], input=text, capture_output=True, text=True)
    return (
        "" if done.returncode == 0 else f"{os.path.relpath(header, ROOT)} does not compile alone:\n{done.stderr[:1500]}"
    )


def check_itself(compiler):
    """The checker must be able to fail."""
    with tempfile.TemporaryDirectory() as folder:
        for text, good in (
            ("#pragma once\n#include <string>\ninline std::string a;\n", True),
            ("#pragma once\nstd::string a;\n", False),
            ("struct A {};\n", False),
        ):
            path = os.path.join(folder, "a.hpp")
            with open(path, "w") as file:
                file.write(text)
            assert bool(fault_of(compiler, path)) != good, text


def main():
    compiler = sys.argv[1] if len(sys.argv) > 1 else "g++"
    check_itself(compiler)
    chosen = [os.path.abspath(name) for name in sys.argv[2:]] or headers()
    jobs = int(os.environ.get("JOBS", "1"))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        faults = list(filter(None, pool.map(lambda header: fault_of(compiler, header), chosen)))
    print("\n".join(faults) or f"{len(chosen)} headers, each compiles alone")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
