#!/usr/bin/python3
"""What a comment or a document of the source cites exists: files, members of types, guarantees. What is not part of the
repository is not cited.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DOCUMENTS = ("README.md", "proxy/README.md", "tests/README.md", "tests/origin/README.md", "config/larder.yaml")
SOURCES = (".cpp", ".hpp", ".py")

ELSEWHERE = re.compile(r"\b(CONTRACT|DESIGN|STYLE)\b")
FILE = re.compile(r"(?<![\w/.<-])((?:[a-z_]+/)+[a-z_0-9]+\.(?:hpp|cpp|py|md|yaml))\b")
BARE = re.compile(r"`((?:[a-z_]+/)+[a-z_0-9]+)`")
MEMBER = re.compile(r"(?<![\w:])([A-Z]\w+)::([A-Za-z_]\w+)")
GUARANTEE = re.compile(r"\b[Gg]uarantee (\d+)")
SYSTEM = re.compile(r"^(boost|sys|linux|nlohmann|openssl|prometheus|spdlog)/")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def source_files():
    for top in ("proxy", "tests"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith(SOURCES):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def comments_of(path, text):
    """The comments as one text, a line of it for each line of the source."""
    mark = "#" if path.endswith(".py") else "//"
    lines = []
    for line in text.split("\n"):
        code = re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)
        lines.append(code.split(mark, 1)[1] if mark in code else "")
    return "\n".join(lines)


def exists(cited):
    places = ("", "proxy/", "tests/", "tests/unit/", "tests/origin/", "config/", "scripts/")
    return any(os.path.exists(os.path.join(ROOT, place + cited)) for place in places)


def problems_of(path, text, code_words, guarantees):
    prose = text if path.endswith((".md", ".yaml")) else comments_of(path, text)
    for number, line in enumerate(prose.split("\n"), 1):
        at = f"{path}:{number}"
        for word in ELSEWHERE.findall(line):
            yield f"{at}: {word} is no document of this repository"
        for cited in FILE.findall(line):
            if not SYSTEM.match(cited) and not exists(cited):
                yield f"{at}: there is no file {cited}"
        if path.endswith(".md"):
            for cited in BARE.findall(line):
                if not any(exists(cited + end) for end in (".hpp", ".cpp", ".py", "")):
                    yield f"{at}: there is no {cited}"
        for kind, member in MEMBER.findall(line):
            if kind not in code_words or member not in code_words:
                yield f"{at}: there is no {kind}::{member}"
        for cited in GUARANTEE.findall(line):
            if cited not in guarantees:
                yield f"{at}: proxy/README.md has no guarantee {cited}"


def words_of_code(files):
    words = set()
    for path in files:
        text = re.sub(r"//[^\n]*", "", read(path))
        words.update(re.findall(r"\w+", text))
    return words


def check_itself(code_words, guarantees):
    def wrong(text, path="a.cpp"):
        return list(problems_of(path, text, code_words, guarantees))

    assert wrong("// see DESIGN section 2")
    assert wrong("// see flow/nowhere.hpp")
    assert wrong("// RedisTransport::never_was")
    assert wrong("// guarantee 17")
    assert wrong("the mechanism (`flow/nowhere`)", "a.md")
    assert not wrong('const char* text = "DESIGN";  // guarantee 1, http/fields.hpp')


def main():
    files = list(source_files())
    code_words = words_of_code(path for path in files if path.endswith((".cpp", ".hpp")))
    guarantees = set(re.findall(r"^(\d)\. \*\*", read("proxy/README.md"), re.M))
    check_itself(code_words, guarantees)
    problems = []
    for path in [*files, *DOCUMENTS]:
        if os.path.basename(path) != os.path.basename(__file__):
            problems.extend(problems_of(path, read(path), code_words, guarantees))
    for problem in problems:
        print(problem)
    print(f"{len(files)} files, {len(problems)} citations of what is not there")
    sys.exit(1 if problems else 0)


main()
