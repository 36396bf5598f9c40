"""The origin of a run, a process of its own: python3 -m support.seams.origin PORT SEED

The version that an answer shows is fixed when the origin reads it; sending it may take long after
that. A body begins with
state=VERSION|HOST|LANGUAGE|REQUEST|USER; and tells so what was read, and for which request.

PUT /thing/SUBJECT (and any other unsafe method on any path) changes the subject. X-Before and
X-After: milliseconds that pass
before and after the change. X-Late: answered (the answer comes as late as X-Before says), cut (the
connection ends first).
GET /log tells all that happened.
"""
import asyncio
import json
import random
import sys
import time
from email.utils import formatdate

from ..ports import HOST
from .catalog import DATE_GRAIN, KINDS, TAGS_OF_MANY, cold_kind, etag

MANY = " ".join("s{subject}-i%d" % number for number in range(TAGS_OF_MANY))
LONG = "l" * 300
HINT = "Link: </style.css?" + "x" * 900 + ">; rel=preload\r\n"


class State:
    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.versions, self.changed, self.changes = {}, {}, {}
        self.fetches, self.writes = [], {}
        self.answers = 0

    def version(self, subject):
        return self.versions.setdefault(subject, 1)

    def change(self, subject):
        version = self.version(subject) + 1
        self.versions[subject], self.changed[subject] = version, time.time()
        now = time.monotonic()
        self.changes.setdefault(subject, []).append((now, version))
        return version, now


class Answer:
    """One representation, as it was when it was read."""

    def __init__(self, state, kind_name, subject, fields, method):
        kind = cold_kind(int(subject)) if kind_name == "cold" else KINDS[kind_name]
        self.kind, self.version, self.method = kind, state.version(subject), method
        state.answers += 1
        self.not_modified, self.lines = False, ["Content-Type: text/plain"]
        age = kind.max_age
        if kind.etag:
            own = etag(kind_name, subject, self.version)
            self.lines.append("ETag: " + own)
            self.not_modified = own in fields.get("if-none-match", "")
        if kind.dated:
            changed = int(state.changed.get(subject, 1_700_000_000)) // DATE_GRAIN * DATE_GRAIN
            own = formatdate(changed, usegmt=True)
            self.lines.append("Last-Modified: " + own)
            self.not_modified = fields.get("if-modified-since") == own
        if self.not_modified and kind.renewed_age:
            age = kind.renewed_age
        if age is not None:
            self.lines.append(f"Cache-Control: max-age={age}")
        if kind.vary:
            self.lines.append("Vary: Accept-Language")
        if kind.tags:
            tags = f"s{subject}-a{state.answers}"
            if kind.tags == "many":
                tags += " " + MANY.replace("{subject}", subject) + f" s{subject}-{LONG}"
            self.lines.append("Surrogate-Key: " + tags)
        if kind.cookie:
            self.lines.append("Set-Cookie: who=" + fields.get("x-request", "-"))
        text = "state=%06d|%s|%s|%s|%s;" % (
            self.version,
            fields.get("host", "-"),
            fields.get("accept-language", "--"),
            fields.get("x-request", "-"),
            fields.get("authorization", "-"),
        )
        self.body = text.encode().ljust(kind.bytes, b".")
        self.delay = self._delay(state.dice, kind)

    @staticmethod
    def _delay(dice, kind):
        if dice.random() < kind.slow:
            return 0.3 if kind.slow == 1.0 else dice.choice((0.02, 0.05, 0.1, 0.2, 0.4))
        return dice.choice((0, 0, 0, 0, 0.002, 0.005, 0.015))

    def head(self):
        status = "304 Not Modified" if self.not_modified else "200 OK"
        lines = [f"HTTP/1.1 {status}", *self.lines]
        if not self.not_modified:
            lines.append(
                "Transfer-Encoding: chunked"
                if self.kind.chunked and self.method != "HEAD"
                else f"Content-Length: {len(self.body)}"
            )
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def framed_body(self):
        if self.not_modified or self.method == "HEAD":
            return b""
        if not self.kind.chunked:
            return self.body
        half = len(self.body) // 2
        return (
            b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (self.body[:half], self.body[half:]))
            + b"0\r\n\r\n"
        )


class Connection:
    def __init__(self, state, reader, writer):
        self.state, self.reader, self.writer = state, reader, writer

    async def serve(self):
        try:
            while await self._answer_one():
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.writer.close()

    async def _answer_one(self):
        head = await self.reader.readuntil(b"\r\n\r\n")
        begin = time.monotonic()
        first, *rest = head[:-4].decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        fields = {}
        for line in rest:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        if fields.get("content-length", "0") != "0":
            await self.reader.readexactly(int(fields["content-length"]))
        parts = target.split("?")[0].strip("/").split("/")
        if target == "/log":
            self._send_log()
        elif method in ("GET", "HEAD"):
            await self._read(begin, method, parts, fields)
        else:
            return await self._write(parts, fields)
        return fields.get("connection", "").lower() != "close"

    async def _read(self, begin, method, parts, fields):
        if len(parts) != 2 or parts[0] not in KINDS:
            self.writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        answer = Answer(self.state, *parts, fields, method)
        for number in range(answer.kind.hints):
            size = 1 if answer.kind.hints < 8 else 16
            self.writer.write(b"HTTP/1.1 103 Early Hints\r\n" + HINT.encode() * size + b"\r\n")
        row = [
            begin,
            float("inf"),
            parts[0],
            parts[1],
            method,
            304 if answer.not_modified else 200,
            answer.version,
            "if-none-match" in fields or "if-modified-since" in fields,
        ]
        self.state.fetches.append(row)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        self.writer.write(answer.head() + answer.framed_body())
        row[1] = time.monotonic()

    async def _write(self, parts, fields):
        await asyncio.sleep(int(fields.get("x-before", 0)) / 1000)
        late, subject = fields.get("x-late", ""), parts[-1]
        if late == "cut":
            self.writer.close()
            await asyncio.sleep(int(fields.get("x-after", 0)) / 1000)
        version, now = self.state.change(subject)
        note = self.state.writes[fields.get("x-request", "-")] = [version, now, 0.0]
        if late == "cut":
            return False
        await asyncio.sleep(int(fields.get("x-after", 0)) / 1000)
        body = json.dumps({"version": version, "committed": now}).encode()
        extra = "".join(f"{name}: {fields['x-' + name]}\r\n" for name in ("location",) if "x-" + name in fields)
        self.writer.write(
            (
                f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{extra}" f"Content-Length: {len(body)}\r\n\r\n"
            ).encode()
            + body
        )
        note[2] = time.monotonic()
        return True

    def _send_log(self):
        state = self.state
        body = json.dumps({"fetches": state.fetches, "changes": state.changes, "writes": state.writes}).encode()
        self.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def serve(port, seed):
    state = State(seed)
    server = await asyncio.start_server(
        lambda reader, writer: Connection(state, reader, writer).serve(),
        HOST,
        port,
        limit=1 << 20,
        backlog=1024,
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
