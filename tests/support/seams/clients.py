"""Who asks and who changes: readers, writers, purgers, bursts, and readers that do not read."""
import json
import random
import threading
import time
from dataclasses import dataclass

from ..raw_client import Connection, ConnectionEnded, Malformed, request
from .catalog import HOSTS, LANGUAGES, TAGGED, TAGS_OF_MANY, WRITTEN, cold_kind, etag
from .configuration import pattern_of
from .history import Burst, Purge, Read

USERS = ("ann", "bob")
TIMEOUT = 12.0


def state_of(body):
    """What the beginning of a body tells; None where it is not one of the origin's."""
    if not body.startswith(b"state=") or b";" not in body:
        return None
    version, host, language, asked, user = body[6:body.index(b";")].decode().split("|")
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
                if not self.scene.quiet or self._step is reader:
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
                connection = self.connections[instance.number] = Connection(instance.port, TIMEOUT, receive_buffer=16384 if pause else None)
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
        from ..raw_client import request_bytes
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
            self.connections[instance.number], self.answered[instance.number], self.starts[instance.number] = connection, True, instance.starts

    def leave(self):
        """Gives what it has seen to the history."""
        for connection in self.connections.values():
            connection.close()
        self.scene.history.reads += self.reads
        self.scene.history.purges += self.purges

    # ---- reading

    def read(self, instance, kind, subject, method="GET", host=None, language=None, conditional=False, partial=False, pause=0.0):
        record = Read(0.0, 0.0, instance.number, kind, subject, method, host or self.dice.choice(HOSTS), language or self.dice.choice(LANGUAGES))
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
        record.acknowledged = response.status == 200 and told.get("acknowledged", True) is True and told.get("status") != "journalled"


# ---- what the clients do

def reader(client):
    plan, dice, instance = client.scene.plan, client.dice, client.some_instance()
    if instance is None:
        return
    spots = client.scene.spots
    if client.scene.quiet or (spots and dice.random() < plan.revisits):
        look(client, instance, dice.choice(client.scene.quiet or spots))
        return
    kind, subject = dice.choices(plan.kinds, plan.weights)[0], dice.choice(plan.subjects)
    method = "HEAD" if dice.random() < plan.heads else "GET"
    conditional = method == "GET" and dice.random() < 0.15
    client.read(instance, kind, subject, method, conditional=conditional, partial=not conditional and method == "GET" and dice.random() < 0.05)


def slow_reader(client):
    instance = client.some_instance()
    if instance is None:
        return
    client.read(instance, client.dice.choice(("big", "early")), client.dice.choice(client.scene.plan.subjects), pause=client.dice.choice((0.1, 0.3, 0.6)))


@dataclass(frozen=True)
class Spot:
    """What is looked at before a purge, so that there is an entry, right after it, and again and again later."""
    kind: str
    subject: str
    host: str
    language: str


def look(client, instance, spot):
    return client.read(instance, spot.kind, spot.subject, host=spot.host, language=spot.language)


def look_everywhere(client, spots):
    for spot in spots:
        for instance in client.scene.instances:
            if instance.available:
                look(client, instance, spot)


def write(client, instance, subject):
    record = Purge(0.0, 0.0, instance.number, subject, 0, kinds=WRITTEN, how="PUT")
    client.change(record, f"/thing/{subject}", instance)
    client.purges.append(record)


def warm(client, record, kinds):
    """Fills the caches of some instances with what is to be purged."""
    plan = client.scene.plan
    able = {kind: plan.weights[plan.kinds.index(kind)] for kind in kinds if kind in plan.kinds} or dict.fromkeys(kinds, 1)
    spot = Spot(client.dice.choices(*zip(*able.items()))[0], record.subject, client.dice.choice(HOSTS), client.dice.choice(LANGUAGES))
    for instance in client.scene.instances:
        if instance.available and client.dice.random() < 0.7:
            look(client, instance, spot)
    return spot


def look_at_once(client, spot):
    """Reads what was just purged, through every instance, and has the readers come back to it."""
    for instance in client.dice.sample(client.scene.instances, len(client.scene.instances)):
        if instance.available:
            look(client, instance, spot)
    client.scene.spots.append(spot)


def writer(client):
    dice, instance = client.dice, client.some_instance()
    if instance is None:
        return
    subject = dice.choice(client.scene.plan.subjects)
    record = Purge(0.0, 0.0, instance.number, subject, 0, how="PUT")
    before, after = dice.choice((0, 0, 0, 5, 20, 100)), dice.choice((0, 0, 5, 20, 150))
    before, after = int(before * client.scene.plan.delays), int(after * client.scene.plan.delays)
    target, record.kinds = f"/thing/{subject}", WRITTEN + (("extra",) if client.scene.plan.extra else ())
    fields, late = {}, ""
    shape = dice.random()
    if shape < client.scene.plan.lates:
        late = dice.choice(("answered", "cut"))
        limit = int(client.scene.plan.response_timeout * 1000)
        before, after = (limit + dice.choice((200, 500)), 0) if late == "answered" else (20, dice.choice((300, 1000)))
    elif shape < client.scene.plan.lates + 0.1:
        kind = dice.choice(("plain", "short", "slow"))
        target, record.kinds, record.how = f"/{kind}/{subject}", (kind,), "PUT of its own URL"
    elif shape < client.scene.plan.lates + 0.15:
        kind = dice.choice(("plain", "slow"))
        target, record.kinds, record.how = f"/other/{subject}", (kind,), "PUT with Location"
        fields = {"X-Location": f"/{kind}/{subject}"}
    spot = warm(client, record, record.kinds)
    if not instance.available:
        return
    client.change(record, target, instance, before, after, late, fields)
    client.purges.append(record)
    if not record.error:
        look_at_once(client, spot)


def validating_writer(client):
    """Lets an entry expire, has every instance ask whether it still holds, and purges it while they wait for the answer."""
    scene, dice = client.scene, client.dice
    instances = [instance for instance in scene.instances if instance.available]
    if not instances:
        return
    subject = f"own{client.number}"  # nobody else purges it
    spot = Spot("dated", subject, "a.test", "en")
    for instance in instances:
        look(client, instance, spot)
    time.sleep(1.05)
    helpers = []
    for number, instance in enumerate(instances * 2):
        helper = Client(scene, 3000 + client.number * 100 + number)
        helper._count = client._count * 16
        thread = threading.Thread(target=_look_and_leave, args=(helper, instance, spot, number * 0.01), daemon=True)
        thread.start()
        helpers.append((helper, thread))
    time.sleep(dice.uniform(0.03, 0.25))
    write(client, dice.choice(instances), subject)
    look_at_once(client, spot)
    for helper, thread in helpers:
        thread.join(TIMEOUT + 5)
        client.reads += helper.reads
    look_at_once(client, spot)


def _look_and_leave(client, instance, spot, pause):
    time.sleep(pause)
    look(client, instance, spot)
    client._drop(instance)


def divided_writer(client):
    """While an instance has lost one of its connections: a write through a worker that has its own, everything fetched
    anew through it, and a second write, through a worker that cannot reach Redis, while that is on its way into the cache."""
    instance = client.scene.divided
    if instance is not None:
        _write_between(client, instance)
        client.scene.divided = None


def _write_between(client, instance):
    scene, dice = client.scene, client.dice
    sound, cut_off = _workers(client, instance)
    if not sound or not cut_off:
        return
    subject = dice.choice(scene.plan.subjects)
    _write_over(client, instance, sound[0], subject)
    spots = [Spot(kind, subject, host, language) for kind in ("plain", "list", "early", "vary") for host in HOSTS for language in LANGUAGES[:1 + (kind == "vary")]]
    readers = []
    for number, spot in enumerate(spots):
        helper = Client(scene, 2000 + client.number * 100 + number)
        helper._count = client._count * 16
        helper.connect(instance, sound[1 + number] if len(sound) > 1 + number else None)
        thread = threading.Thread(target=_look_and_leave, args=(helper, instance, spot, dice.uniform(0.0, 0.05)), daemon=True)
        thread.start()
        readers.append((helper, thread))
    time.sleep(dice.uniform(1.5, 5.0) * scene.plan.latency)
    _write_over(client, instance, cut_off[0], subject)
    for helper, thread in readers:
        thread.join(TIMEOUT + 5)
        client.reads += helper.reads
    for spot in spots:
        look(client, instance, spot)
    scene.spots.extend(spots)
    for connection in cut_off[1:] + sound[1 + len(spots):]:
        connection.close()


def _workers(client, instance):
    """Connections to workers that reach Redis, and to workers that do not."""
    sound, cut_off = [], []
    for _ in range(12):
        client.connect(instance, None)
        read = client.read(instance, "plain", f"new{next(client.scene.cold)}")
        connection = client.connections.pop(instance.number, None)
        if connection is not None:
            (cut_off if read.x_cache == "BYPASS" else sound).append(connection)
    return sound, cut_off


def _write_over(client, instance, connection, subject):
    client.connect(instance, connection)
    write(client, instance, subject)


def purger(client):
    dice, instance = client.dice, client.some_instance()
    if instance is None:
        return
    subject, shape = dice.choice(client.scene.plan.subjects), dice.choices(*zip(*client.scene.plan.purges.items()))[0]
    record = Purge(0.0, 0.0, instance.number, subject, 0, how=f"api purge by {shape}")
    kind = dice.choice(WRITTEN)
    body = None
    if shape == "tag":
        seen = _some_tag(client, subject)
        if seen is None:
            return
        record.tag, body = seen, {"tags": [seen]}
    elif shape in ("key", "soft"):
        kind = dice.choice(("plain", "slow", "short")) if shape == "soft" else dice.choice(("plain", "slow", "vary", "early", "dated", "cookie", "lang"))
        record.kinds, body = (kind,), {"keys": [f"{kind}:{subject}"], "soft": shape == "soft"}
    elif shape == "pattern":
        record.kinds, body = (kind,), {"patterns": [pattern_of(kind, subject)]}
    elif shape == "scan":
        kind = dice.choice(("plain", "slow", "short", "vary", "each"))
        record.kinds, body = (kind,), {"patterns": [f"{kind[:3]}*:{subject}"]}
    elif shape == "url":
        record.kinds, body = (kind,), {"urls": [f"/{kind}/{subject}"]}
        if kind in ("list",):
            body = {"urls": [f"/list/{subject}", f"/list/{subject}?page=1"]}
    if shape == "PURGE":
        record.kinds, record.how = (dice.choice(("plain", "slow", "short", "vary", "each")),), "PURGE"
    spot = warm(client, record, record.kinds or (kind,))
    client.change(record, f"/thing/{subject}")
    if shape == "direct":  # nothing is purged: what is stored ends by itself
        return
    if shape == "PURGE":
        response = client.exchange(instance, record, "PURGE", f"/{record.kinds[0]}/{subject}", {})
        record.acknowledged = response is not None and "redis-down" not in (response.cache_status or "")
    else:
        client.purge(instance, record, body)
    client.purges.append(record)
    if record.tag:
        for other in client.scene.instances:
            if other.available:
                client.read(other, client.tagged_kind, subject, host=client.tagged_host)
    elif not record.error:
        look_at_once(client, spot)


def _some_tag(client, subject):
    """A tag that a response has just shown: its own, or one of the many."""
    instance = client.some_instance()
    client.tagged_kind = client.dice.choice([kind for kind in TAGGED if kind in client.scene.plan.kinds])
    client.tagged_host = "a.test"
    read = client.read(instance, client.tagged_kind, subject, host="a.test") if instance else None
    if read is None or not read.tags:
        return None
    if client.tagged_kind == "many":
        return client.dice.choice((read.tags[-1], f"s{subject}-i{client.dice.randrange(TAGS_OF_MANY)}", f"s{subject}-i{TAGS_OF_MANY - 20}"))
    return read.tags[0]


def burster(client):
    """As many requests at once for what nobody asked for before."""
    scene, dice = client.scene, client.dice
    number = next(scene.cold)
    instances = [instance for instance in scene.instances if instance.available]
    if not instances:
        return
    many, kind = 12, cold_kind(number)
    start = threading.Barrier(many)
    helpers = []
    for each in range(many):
        helper = Client(scene, 1000 + client.number * 100 + each)
        helper._count = number * 16
        where, language = dice.choice(instances), dice.choice(LANGUAGES) if kind.vary else "en"

        def ask(helper=helper, where=where, language=language):
            start.wait(10)
            helper.read(where, "cold", str(number), host="a.test", language=language)
            for connection in helper.connections.values():
                connection.close()
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        helpers.append((helper, thread))
    begin = time.monotonic()
    for helper, thread in helpers:
        thread.join(TIMEOUT + 5)
        client.reads += helper.reads
    languages = {read.language for helper, _ in helpers for read in helper.reads}
    client.bursts.append(Burst(begin, time.monotonic(), number, many, tuple(instance.number for instance in instances),
                               len(languages) if kind.vary else 1))
