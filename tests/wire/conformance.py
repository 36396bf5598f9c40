"""Requests through larder, each with the origin's answer and the expected result: RFC 9110 and 9111 from outside.

    run(world, [step([("Cache-Control", "max-age=60")]), step(asked=False)])

A number in Date, Expires, Last-Modified or If-Modified-Since is a time in seconds relative to now. No test waits for an
entry to become old; the response carries an Age instead.
"""
import itertools
import time
from email.utils import formatdate

from support.scripted_origin import reply

DATES = ("date", "expires", "last-modified", "if-modified-since")
PATHS = itertools.count(1)

CONFIGURATION = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: <redis>
memory: <memory>
threads: 2
routes:
  - {match: "GET /ttl/{rest*}", key: "ttl:{path}", ttl: 60}
  - {match: "GET /heuristic/{rest*}", key: "heuristic:{path}", heuristic: 10%}
  - {match: "GET /honour/{rest*}", key: "honour:{path}", client_no_cache: honour}
  - {match: "GET /{rest*}", key: "{path}"}
"""


def at(offset):
    return formatdate(time.time() + offset, usegmt=True)


def pairs(fields):
    listed = fields.items() if isinstance(fields, dict) else fields
    return [
        (name, at(value) if isinstance(value, (int, float)) and name.lower() in DATES else str(value))
        for name, value in listed
    ]


class Step:
    """One request, the answer the origin has for it, and what is expected.

    asked: the origin gets the request (True), does not (False), or confirms the entry by "etag" or "lm" with a 304.
    gives: the status the client gets (default: `status`); has, lacks: fields of the client's response; text: its body;
    sent: fields that the origin must get; path: appended to the row's own path;
    answer: a reply in place of status, fields and body.
    """

    def __init__(
        self,
        fields=(),
        asked=True,
        request=(),
        method="GET",
        status="200 OK",
        body=None,
        gives=None,
        has=(),
        lacks=(),
        text=None,
        sent=(),
        path="",
        answer=None,
        send_body=None,
        x_cache=None,
        cache_status=None,
    ):
        self.fields, self.asked, self.request, self.method, self.status = fields, asked, request, method, status
        self.body, self.gives, self.has, self.lacks, self.text = body, gives, has, lacks, text
        self.sent, self.path, self.answer, self.send_body, self.x_cache, self.cache_status = (
            sent,
            path,
            answer,
            send_body,
            x_cache,
            cache_status,
        )


step = Step


class World:
    """One larder before one scripted origin, for many sequences, each at a path of its own."""

    def __init__(self, origin, larder):
        self.origin, self.larder = origin, larder


def run(world, steps, under="/c/"):
    """Plays the steps at a fresh path; returns the client's responses."""
    base = f"{under}{next(PATHS)}"
    responses = []
    for number, one in enumerate(steps, 1):
        responses.append(_play(world, base + one.path, one, number, base))
    return responses


def _answer(one, number, base):
    fields = [
        (name, value.replace("<base>", base) if isinstance(value, str) else value) for name, value in pairs(one.fields)
    ]

    def answer(request):
        if one.answer is not None:
            return one.answer(request) if callable(one.answer) else one.answer
        asks = {"etag": "if-none-match", "lm": "if-modified-since"}.get(one.asked)
        if asks and request.field(asks):
            return reply("304 Not Modified", fields)
        body = f"body {number}" if one.body is None else one.body
        return reply(one.status, fields, "" if one.status[:3] in ("204", "304") else body)

    return answer


def _play(world, target, one, number, base):
    where = f"request {number}, {one.method} {target}"
    world.origin.on(target, _answer(one, number, base))
    before = world.origin.count(target)
    got = world.larder.request(one.method, target, pairs(one.request), one.send_body)
    seen = world.origin.requests(target)[before:]
    if one.asked:
        assert len(seen) == 1, f"{where}: the origin saw {seen}, the client got {got}"
    elif one.asked is False:
        assert not seen, f"{where}: the origin was asked: {seen[0].head!r}, the client got {got}"
    if one.asked == "etag":
        assert seen[0].field("if-none-match"), f"{where}: no If-None-Match in {seen[0].head!r}"
    if one.asked == "lm":
        assert seen[0].field("if-modified-since"), f"{where}: no If-Modified-Since in {seen[0].head!r}"
    for name, value in pairs(one.sent):
        found = seen[0].field(name)
        assert found == (None if value == "None" else value), f"{where}: the origin was sent {name}: {found}"
    expected = one.gives or (int(one.status[:3]) if one.answer is None else got.status)
    assert got.status == expected, f"{where}: {got} instead of {expected}"
    for name, value in pairs(one.has):
        assert got.field(name) == value, f"{where}: {name}: {got.field(name)} instead of {value}"
    for name in one.lacks:
        assert got.field(name) is None, f"{where}: {name}: {got.field(name)} should not be there"
    if one.text is not None:
        assert got.body == one.text.encode(), f"{where}: {got}"
    if one.x_cache is not None:
        assert got.x_cache == one.x_cache, f"{where}: {got}"
    if one.cache_status is not None:
        assert one.cache_status in got.cache_status, f"{where}: {got}"
    return got
