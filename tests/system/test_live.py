"""Requests as they happen (/events, `larder tail`) and the heaviest keys (/top, `larder top`)."""
import functools
import json
import os
import signal
import socket
import subprocess

import pytest

from support import larder as larder_command
from support.larder import binary
from support.scripted_origin import reply
from support.waiting import until

TEXT = """
listen: <listen>
admin: <admin>
origin: <origin>
memory: 64MB
routes:
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 300}
  - {match: "GET /mine", key: "mine:{header:x-user}", ttl: 300}
"""


@pytest.fixture
def larder(origin, start_larder):
    for number in range(5):
        origin.on(f"GET /articles/{number}", reply(body=b"x" * (100 * (number + 1))))
    origin.on("GET /mine", reply(body=b"mine"))
    origin.on("GET /other", reply("404 Not Found", fields={"Set-Cookie": "a=b"}, body=b""))
    return start_larder(TEXT, origin=origin.url)


class Feed:
    """The events of /events as they come."""

    def __init__(self, larder, query=""):
        self._socket = socket.create_connection(("127.0.0.1", larder.admin_port), timeout=10)
        self._socket.sendall(f"GET /events{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self._text = b""
        self.head = self._until(b"\r\n\r\n").decode()
        assert self._until(b"\n\n") == b": listening\n\n"

    def _until(self, end):
        while end not in self._text:
            block = self._socket.recv(65536)
            assert block, "the feed ended"
            self._text += block
        part, self._text = self._text.split(end, 1)
        return part + end

    def next(self):
        """The name and the data of the next event."""
        while True:
            lines = self._until(b"\n\n").decode().splitlines()
            if lines[0].startswith("event: "):
                return lines[0][7:], json.loads(lines[1][6:])

    def close(self):
        self._socket.close()


def test_a_listener_gets_each_request(larder):
    feed = Feed(larder)
    assert "text/event-stream" in feed.head
    larder.get("/articles/1?token=s3cret", {"X-Request-Id": "r-1"})
    larder.get("/articles/1?token=s3cret")
    name, first = feed.next()
    assert name == "request" and first["cache"] == "MISS" and first["status"] == 200
    assert first["target"] == "/articles/1?token=" and first["route"] == "/articles/{id}"
    assert first["client"] == "127.0.0.1" and first["method"] == "GET" and first["request_id"] == "r-1"
    assert 0 < first["origin_milliseconds"] <= first["milliseconds"] and first["time"].endswith("Z")
    _, second = feed.next()
    assert second["cache"] == "HIT" and second["origin_milliseconds"] == 0 and second["detail"] == ""
    feed.close()


def test_filters_hold_all_together(larder):
    feed = Feed(larder, "?status=404&cache=BYPASS&client=127.0.0.0/8")
    larder.get("/articles/1")
    larder.get("/articles/404")
    larder.get("/other")
    _, event = feed.next()
    assert event["target"] == "/other" and event["detail"] == "no-route"
    feed.close()
    wrong = larder.admin("GET", "/events?status=many")
    assert wrong.status == 400 and "expected" in wrong.json()["detail"]


def test_a_listener_that_does_not_read_loses_events_and_is_told_how_many(larder):
    feed = Feed(larder)
    count = 12000
    connection = larder.connect()
    for _ in range(count):
        connection.send(b"GET /articles/1?" + b"a" * 200 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.read_response().status == 200
    requests = lost = 0
    while requests + lost < count:
        name, data = feed.next()
        requests += name == "request"
        lost += data["events"] if name == "lost" else 0
    assert requests + lost == count and requests >= 1024
    feed.close()


def test_bytes_that_are_no_text_end_no_listener(larder):
    """A target is bytes, JSON is UTF-8 (RFC 8259, 8.1)."""
    feed = Feed(larder)
    with larder.connect() as client:
        client.send(b"GET /articles/1\xff HTTP/1.1\r\nHost: a\r\n\r\n")
        client.read_response()
    assert feed.next()[1]["target"] == "/articles/1\ufffd"
    feed.close()
    assert larder.admin("GET", "/explain?url=/articles/%ff").json()["route"]
    with larder.connect() as client:
        client.send(b"PURGE /articles/1\xff HTTP/1.1\r\nHost: a\r\n\r\n")
        client.read_response()
    assert larder.admin("GET", "/purges").json()["purges"][0]["source"] == "purge"


def test_tail_prints_one_line_a_request(larder):
    admin = f"http://127.0.0.1:{larder.admin_port}"
    command = [binary(), "tail", "--admin", admin, "route=/articles/{id}"]
    # A shell starts what it puts in the background with this signal ignored.
    heeds_interrupt = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    tail = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0, preexec_fn=heeds_interrupt)
    try:
        lines = []

        def one_came():
            larder.get("/other")
            larder.get("/articles/2?a=1")
            os.set_blocking(tail.stdout.fileno(), False)
            lines.extend((tail.stdout.read(65536) or b"").decode().splitlines())
            return lines

        until(one_came, what="a line of tail")
        words = lines[0].split(" ")
        assert words[1:4] == ["127.0.0.1", "GET", "/articles/2?a="]
        assert words[4] == "200" and words[5] in ("MISS", "HIT") and "\x1b" not in lines[0]
        tail.send_signal(signal.SIGINT)
        tail.wait(10)
    finally:
        tail.kill()
        tail.wait()


def test_tail_says_what_is_wrong(larder):
    admin = f"http://127.0.0.1:{larder.admin_port}"
    wrong = larder_command.run("tail", "--admin", admin, "colour=red")
    assert wrong.returncode == 1 and "unknown filter colour" in wrong.stderr
    assert larder_command.run("tail", "--admin", admin, "red").returncode == 2
    assert larder_command.run("tail", "--admin", "http://127.0.0.1:1").returncode == 1


def test_top_ranks_keys(larder):
    def is_stored(target):
        return larder.admin("GET", f"/explain?method=GET&url={target}").json()["decision"] == "hit"

    for number in range(5):
        larder.get(f"/articles/{number}")
        until(lambda: is_stored(f"/articles/{number}"), what="the entry: a fetch answers before it has stored")
        for _ in range(number):
            larder.get(f"/articles/{number}")
    larder.get("/mine", {"X-User": "alice"})

    def top(by):
        answer = larder.admin("GET", f"/top?by={by}")
        assert answer.status == 200, answer
        assert answer.json()["by"] == by
        return {key["key"]: key for key in answer.json()["keys"]}

    # A request counts once its last byte is out.
    until(lambda: len(top("misses")) == 6 and "articles:4" in top("hits") and top("hits")["articles:4"]["value"] == 4)
    hits = top("hits")
    assert list(hits) == ["articles:4", "articles:3", "articles:2", "articles:1"]
    assert hits["articles:4"]["value"] == 4 and hits["articles:4"]["error"] == 0
    assert hits["articles:4"]["route"] == "/articles/{id}"
    misses = top("misses")
    assert len(misses) == 6 and misses["articles:0"]["value"] == 1 and "mine:***" in misses
    assert top("origin-time")["articles:0"]["value"] > 0
    assert list(top("bytes"))[0] == "articles:4"
    assert larder.admin("GET", "/top?by=beauty").status == 400
    assert larder.admin("GET", "/top").json()["by"] == "hits"
    admin = f"http://127.0.0.1:{larder.admin_port}"
    shown = larder_command.run("top", "--admin", admin, "--by", "hits").stdout.splitlines()
    assert shown[0].split() == ["hits", "error", "key"] and shown[1].split() == ["4", "0", "articles:4"]
    assert larder_command.run("top", "--admin", admin, "--by", "beauty").returncode == 2


def test_advise_tells_what_would_pay(larder, origin):
    origin.on("GET /orders/17", reply(body=b"order"))
    for _ in range(60):
        larder.get("/orders/17")
    for number in range(7):
        larder.get(f"/articles/1?ref={number}")
    advice = larder.admin("GET", "/advise").json()["advice"]
    assert [(item["kind"], item["route"]) for item in advice] == [
        ("uncached-route", "/orders/{id}"),
        ("useless-parameter", "/articles/{id}"),
    ]
    assert advice[0]["figures"]["requests"] == 60 and "60 times" in advice[0]["text"]
    admin = f"http://127.0.0.1:{larder.admin_port}"
    shown = larder_command.run("advise", "--admin", admin).stdout
    assert "uncached-route  /orders/{id}" in shown and max(map(len, shown.splitlines())) <= 80
