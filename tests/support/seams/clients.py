"""One who asks and changes, over connections of their own, and records all of it."""
import json
import random
import threading
import time

from ..raw_client import Connection, Malformed, request, request_bytes
from .catalog import HOSTS, LANGUAGES, etag
from .history import Read

USERS = ("ann", "bob")
TIMEOUT = 12.0


def state_of(body):
    """What the beginning of a body tells; None where it is not one of the origin's."""
    if not body.startswith(b"state=") or b";" not in body:
        return None
    version, host, language, asked, user = body[6 : body.index(b";")].decode().split("|")
    return int(version), {"host": host, "language": language, "request": asked, "user": user}


class Client:
    """A thread with connections of its own, one to each instance."""

    def __init__(self, scene, number, step=None, pause=0.0):
        self.scene, self.number, self.pause = scene, number, pause
        self.dice = random.Random(scene.plan.seed * 1009 + number)
        self.connections, self.answered, self.starts, self._count = {}, {}, {}, 0
        self.reads, self.purges, self.bursts, self.versions = [], [], [], {}
        self._step = step
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.scene.over.is_set():
            try:
                if not self.scene.quiet or self._step.__name__ == "reader":
                    self._step(self)
            except Exception as error:  # shown at the end of the run
                self.scene.errors.append(f"client {self.number}: {error!r}")
                raise
            self.scene.over.wait(self.pause * self.dice.uniform(0.5, 1.5))

    def request_id(self):
        self._count += 1
        return "%03x%05x" % (self.number, self._count)

    def some_instance(self):
        able = [instance for instance in self.scene.instances if instance.available]
        return self.dice.choice(able) if able else None

    def exchange(self, instance, record, method, target, fields, body=None, host="a.test", pause=0.0):
        """One request; the response, or None with the error noted in the record."""
        if self.starts.get(instance.number) != instance.starts:
            self._drop(instance)
        connection = self.connections.get(instance.number)
        self.starts[instance.number] = instance.starts
        record.begin = time.monotonic()
        try:
            if connection is None:
                connection = self.connections[instance.number] = Connection(
                    instance.port, TIMEOUT, receive_buffer=16384 if pause else None
                )
                self.answered[instance.number] = False
            if hasattr(record, "reused"):
                record.reused = self.answered[instance.number]
            if pause:
                return self._slowly(connection, record, method, target, fields, host, pause)
            response = connection.request(method, target, fields, body, host=host)
            record.end, record.status = time.monotonic(), response.status
            self.answered[instance.number] = True
            if (response.field("connection") or "").lower() == "close":
                self._drop(instance)
            return response
        except (OSError, Malformed, AssertionError) as error:
            record.end, record.error = time.monotonic(), repr(error)[:200]
            self._drop(instance)
            return None

    def _slowly(self, connection, record, method, target, fields, host, pause):
        connection.send(request_bytes(method, target, fields, host=host))
        time.sleep(pause)
        response = connection.read_response(method)
        record.end, record.status, record.paused = time.monotonic(), response.status, pause
        self.answered[record.instance] = True
        if (response.field("connection") or "").lower() == "close":
            self._drop(self.scene.instances[record.instance])
        return response

    def _drop(self, instance):
        connection = self.connections.pop(instance.number, None)
        if connection is not None:
            connection.close()

    def connect(self, instance, connection):
        """Goes on over this connection; None: over a new one."""
        self._drop(instance)
        if connection is not None:
            (
                self.connections[instance.number],
                self.answered[instance.number],
                self.starts[instance.number],
            ) = (connection, True, instance.starts)

    def leave(self):
        """Gives what it has seen to the history."""
        for connection in self.connections.values():
            connection.close()
        self.scene.history.reads += self.reads
        self.scene.history.purges += self.purges

    # ---- reading

    def read(
        self,
        instance,
        kind,
        subject,
        method="GET",
        host=None,
        language=None,
        conditional=False,
        partial=False,
        pause=0.0,
    ):
        record = Read(
            0.0,
            0.0,
            instance.number,
            kind,
            subject,
            method,
            host or self.dice.choice(HOSTS),
            language or self.dice.choice(LANGUAGES),
        )
        record.request_id = self.request_id()
        fields = {"Accept-Language": record.language, "X-Request": record.request_id}
        if kind == "user":
            record.who = fields["Authorization"] = self.dice.choice(USERS)
        known = self.versions.get((kind, subject))
        if conditional and known:
            fields["If-None-Match"] = etag(kind, subject, known)
        if partial:
            fields["Range"] = "bytes=0-99"
        target = f"/{kind}/{subject}" + (self.dice.choice(("", "?page=1")) if kind in ("list", "extra") else "")
        response = self.exchange(instance, record, method, target, fields, host=record.host, pause=pause)
        self.reads.append(record)
        if response is not None:
            self._look(record, response, known)
        return record

    def _look(self, record, response, known):
        record.x_cache, record.cache_status = response.x_cache or "", response.cache_status or ""
        record.tags = tuple((response.field("surrogate-key") or "").split())
        record.set_cookie = response.field("set-cookie") is not None
        if record.status == 304:
            record.version = known
        elif record.method == "HEAD":
            own = response.field("etag")
            record.version = int(own.rstrip('"').rsplit("-", 1)[1]) if own else None
        else:
            state = state_of(response.body)
            if state:
                record.version, record.seen = state
            elif record.status in (200, 206):
                record.error = f"not the origin's body: {response.body[:80]!r}"
        if response.field("etag") and record.version and record.status == 200:
            self.versions[record.kind, record.subject] = record.version

    # ---- changing

    def change(self, purge, target, instance=None, before=0, after=0, late="", fields=()):
        """An unsafe request through the instance, or to the origin itself; what it answered."""
        asked = self.request_id()
        words = {"X-Request": asked, "X-Before": before, "X-After": after, **dict(fields)}
        if late:
            words["X-Late"] = late
        if instance is None:
            response = request(self.scene.origin.port, "PUT", target, words, b"", timeout=TIMEOUT)
            told = response.json()
            purge.version, purge.committed = told["version"], told["committed"]
            return response
        purge.late, purge.origin = late, (before + after) / 1000
        if late:
            purge.how = asked  # until the origin's records tell
        response = self.exchange(instance, purge, "PUT", target, words, b"")
        if response is None:
            return None
        purge.cache_status = response.cache_status or ""
        purge.acknowledged = "redis-down" not in purge.cache_status and "redis-timeout" not in purge.cache_status
        if purge.status == 200:
            told = response.json()
            purge.version, purge.committed, purge.late = told["version"], told["committed"], ""
            purge.how = purge.how if not late else "PUT"
        elif purge.status == 503 and not late:
            purge.acknowledged = False
        return response

    def purge(self, instance, record, body):
        """POST /purge with what is recorded."""
        record.begin = time.monotonic()
        try:
            response = instance.admin("POST", "/purge", body=body, timeout=TIMEOUT)
        except (OSError, AssertionError) as error:
            record.end, record.error = time.monotonic(), repr(error)[:200]
            return
        record.end, record.status = time.monotonic(), response.status
        try:
            told = response.json()
        except json.JSONDecodeError:
            told = {}
        record.acknowledged = (
            response.status == 200 and told.get("acknowledged", True) is True and told.get("status") != "journalled"
        )
