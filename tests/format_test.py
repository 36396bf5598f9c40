#!/usr/bin/python3
"""All C++ is laid out as .clang-format says; `scripts/format` does it.

The test needs clang-format 14, the version of Debian 12, because other versions lay out differently.
"""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def sources():
    for top in ("proxy", "tests"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith((".cpp", ".hpp")):
                    yield os.path.join(folder, name)


def is_laid_out(text):
    done = subprocess.run(
        ["clang-format", "--assume-filename=a.cpp", f"--style=file:{ROOT}/.clang-format"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout == text


def main():
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True).stdout
    if "version 14." not in version:
        sys.exit(f"this needs clang-format 14, not: {version.strip()}")
    assert is_laid_out("int a = 1;\n") and not is_laid_out("int  a=1;\n"), "the check can fail"
    files = list(sources())
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], capture_output=True, text=True)
    wrong = sorted(
        {line.split(":")[0] for line in done.stderr.splitlines() if "code should be clang-formatted" in line}
    )
    for path in wrong:
        print(f"{os.path.relpath(path, ROOT)} is not laid out: run scripts/format")
    print(f"{len(files)} files, {len(wrong)} not laid out")
    sys.exit(1 if wrong or done.returncode else 0)


main()
