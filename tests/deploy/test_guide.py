"""Every command of the guide, as a reader would type it, one page after the other.

A page's blocks are run in their order, in one folder, before the demo API and a Redis:

    ```yaml file=NAME         is written into that file; append=NAME adds to it
    ```sh                     is run by bash, and has to succeed
    ```sh background          starts larder, which stays until the page starts another
    ```sh repeat              is run again until it prints what the next block shows
    ```sh demo                starts the API and the Redis of scripts/demo, which stay until the page ends
    ```sh package             is run by test_package.py, as it changes the system
    ```text output            what the block before has to print: these lines in this order, … for anything

A page that starts no larder gets one. The addresses of the pages are fixed; here they become free ports.
"""
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

import pytest

from support.larder import REPOSITORY, binary, clean_environment
from support.ports import free_port
from support.process import Process
from support.waiting import PATIENCE, until
from support import raw_client

GUIDE = os.path.join(REPOSITORY, "config", "guide")
PAGES = sorted(
    os.path.relpath(os.path.join(folder, name), GUIDE)
    for folder, _, names in os.walk(GUIDE)
    for name in names
    if name.endswith(".md")
)
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)

# The commands that ask a running larder take its usual admin address; here it is another.
WRAPPER = """#!/bin/bash
case $1 in
    stats | purge | top | tail | advise) exec {binary} "$1" --admin http://127.0.0.1:9180 "${{@:2}}" ;;
    serve) case "$*" in *-c*) ;; *) set -- "$@" --admin 127.0.0.1:9180 ;; esac ;;
esac
exec {binary} "$@"
"""

USUAL = """listen: 127.0.0.1:8080
admin: 127.0.0.1:9180
origin: http://127.0.0.1:8000
redis: redis://127.0.0.1:6379/0
routes:
  - {match: GET /articles, key: "articles:list:{skip=0}:{limit=20}", ttl: 60s}
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 5m}
"""


PACKAGE_STEPS = {"scripts/package", "sudo apt install ./build/package/larder_*.deb", "sudo systemctl stop larder"}


class Reader:
    """Somebody who follows a page."""

    def __init__(self, folder, api, redis):
        self.folder = str(folder)
        self.ports = {"8080": free_port(), "9180": free_port(), "8000": api, "6379": redis}
        self.larder = self.demo = None
        self.repeated = None  # the block that is run again while it does not print what it should
        self.output = ""
        os.makedirs(os.path.join(self.folder, "bin"))
        self.write("bin/larder", WRAPPER.format(binary=binary()))
        os.chmod(os.path.join(self.folder, "bin/larder"), 0o755)

    def here(self, text):
        """The text with this reader's ports."""
        return re.sub(r"\b(8080|9180|8000|6379)\b", lambda match: str(self.ports[match[1]]), text)

    def write(self, name, text, mode="w"):
        with open(os.path.join(self.folder, name), mode) as file:
            file.write(self.here(text))

    def environment(self, more=None):
        own = {**clean_environment(more), "LC_ALL": "C.UTF-8"}
        own["PATH"] = os.path.join(self.folder, "bin") + ":" + os.environ["PATH"]
        return own

    def run(self, code):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(code)],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.output = done.stdout + done.stderr
        assert done.returncode == 0, f"{code}\n{self.output}{self.larder.log() if self.larder else ''}"

    def start(self, code):
        self.end_larder()
        words = shlex.split(self.here(code))
        variables = [word for word in words if re.match(r"[A-Z_]+=", word)]
        log = os.path.join(self.folder, "log")
        with open(log, "w"):
            pass
        environment = self.environment(dict(word.split("=", 1) for word in variables))
        command = [os.path.join(self.folder, "bin/larder"), *words[len(variables) + 1 :]]
        assert words[len(variables)] == "larder", code
        self.larder = Process(command, log, env=environment, folder=self.folder)
        until(self.is_ready, timeout=20, what="larder")
        self.output = self.larder.log()

    def is_ready(self):
        assert self.larder.is_running(), self.larder.log()
        return (
            raw_client.get(self.ports["9180"], "/readyz", timeout=2).status == 200
            and " serves with " in self.larder.log()
        )

    def start_demo(self, code):
        assert code.strip() == "scripts/demo"
        self.ports["8000"], self.ports["6379"] = free_port(), free_port()
        command = ["scripts/demo", "--api", self.ports["8000"], "--redis", self.ports["6379"]]
        self.demo = Process(command, os.path.join(self.folder, "demo.log"), folder=REPOSITORY)
        until(lambda: "Ctrl-C stops it" in self.demo.log() or not self.demo.is_running(), timeout=60, what="the demo")
        assert self.demo.is_running(), self.demo.log()
        self.output = self.demo.log()

    def expect_soon(self, text):
        code, self.repeated = self.repeated, None
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.expect(text)
            except AssertionError:
                if code is None or time.monotonic() > deadline:
                    raise
            self.run(code)

    def expect(self, text):
        at = 0
        for line in filter(None, self.here(text).splitlines()):
            pattern = ".*".join(re.escape(part) for part in line.strip().split("…"))
            found = re.compile(pattern, re.I).search(self.output, at)
            assert found, f"{line!r} is not in what was printed:\n{self.output}"
            at = found.end()

    def stop(self):
        try:
            self.end_larder()
        finally:
            if self.demo is not None:
                demo, self.demo = self.demo, None
                demo.signal(signal.SIGINT)
                demo.wait(45)

    def end_larder(self):
        if self.larder is None:
            return
        larder, self.larder = self.larder, None
        larder.signal(signal.SIGTERM)
        try:
            assert larder.wait(45) == 0, larder.log()
        finally:
            larder.kill()

    def follow(self, language, words, text):
        if language == "yaml" and words[:1] and "=" in words[0]:
            kind, name = words[0].split("=")
            self.write(name, text, "a" if kind == "append" else "w")
        elif language == "sh" and words[:1] == ["background"]:
            self.start(text)
        elif language == "sh" and words == ["demo"]:
            self.start_demo(text)
        elif language == "sh" and words == ["package"]:
            assert set(text.splitlines()) <= PACKAGE_STEPS
        elif language == "sh" and words in ([], ["repeat"]):
            self.run(text)
            self.repeated = text if words else None
        elif language == "text" and words == ["output"]:
            self.expect_soon(text)
        else:
            assert language in ("python", "yaml") and not words, f"what is to be done with ```{language} {words}?"


@pytest.fixture
def reader(scene, demo, redis, tmp_path):
    redis("PING")
    return scene(Reader(tmp_path, demo.port, redis.port))


def read(page):
    with open(os.path.join(GUIDE, page)) as file:
        return file.read()


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("page", [page for page in PAGES if BLOCK.search(read(page))])
def test_the_page_can_be_followed(page, reader):
    blocks = [(language, words.split(), text) for language, words, text in BLOCK.findall(read(page))]
    if not any(words[:1] == ["background"] for _, words, _ in blocks):
        reader.write("larder.yaml", USUAL)
        reader.start("larder serve -c larder.yaml")
        redis_is_up = b"larder_redis_up 1"
        until(lambda: redis_is_up in raw_client.get(reader.ports["9180"], "/metrics").body, what="Redis")
    for block in blocks:
        reader.follow(*block)


def headings(text):
    return {re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in re.findall(r"^#+ (.*)$", text, re.M)}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    folder = os.path.dirname(os.path.join(GUIDE, page))
    for target in re.findall(r"\]\(([^)]*)\)", read(page)):
        path, _, anchor = target.partition("#")
        full = os.path.normpath(os.path.join(folder, path)) if path else os.path.join(GUIDE, page)
        assert os.path.exists(full), target
        if anchor:
            with open(full) as other:
                assert anchor in headings(other.read()), target


def test_every_page_is_in_the_list():
    linked = set(re.findall(r"\]\(([^)#]*)\)", read("README.md")))
    assert linked == set(PAGES) - {"README.md"}


def test_the_reasons_that_a_page_names_are_those_of_larder():
    with open(os.path.join(REPOSITORY, "proxy/cache/outcome.cpp")) as source:
        known = set(re.findall(r'^    "([a-z-]+)"', source.read(), re.M))
    rows = re.findall(r"^\| [^|]* \| (`[^|]*`) \|", read("explanation/never-cached.md"), re.M)
    named = set(re.findall(r"`([a-z-]+)`", " ".join(rows)))
    assert len(named) > 10 and named - known == set()


def test_the_reference_is_made_of_the_schema():
    with open(os.path.join(REPOSITORY, "config/larder.schema.json")) as schema:
        made = subprocess.run(
            ["/usr/bin/python3", "scripts/lib/reference.py"], cwd=REPOSITORY, stdin=schema, capture_output=True, text=True
        )
    assert read("reference/configuration.md") == made.stdout, (
        "run: scripts/lib/reference.py <config/larder.schema.json >config/guide/reference/configuration.md"
    )
