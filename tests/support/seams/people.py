"""What the clients of a run do, one step each: read, write, purge, ask all at once."""
import threading
import time
from dataclasses import dataclass

from .catalog import HOSTS, LANGUAGES, TAGGED, TAGS_OF_MANY, WRITTEN, cold_kind
from .clients import TIMEOUT, Client
from .configuration import pattern_of
from .history import Burst, Purge


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
    client.read(
        instance,
        kind,
        subject,
        method,
        conditional=conditional,
        partial=not conditional and method == "GET" and dice.random() < 0.05,
    )


def slow_reader(client):
    instance = client.some_instance()
    if instance is None:
        return
    client.read(
        instance,
        client.dice.choice(("big", "early")),
        client.dice.choice(client.scene.plan.subjects),
        pause=client.dice.choice((0.1, 0.3, 0.6)),
    )


@dataclass(frozen=True)
class Spot:
    """What is looked at before a purge, so that there is an entry, right after it, and again and
    again later.
    """

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
    able = {kind: plan.weights[plan.kinds.index(kind)] for kind in kinds if kind in plan.kinds} or dict.fromkeys(
        kinds, 1
    )
    spot = Spot(
        client.dice.choices(*zip(*able.items()))[0],
        record.subject,
        client.dice.choice(HOSTS),
        client.dice.choice(LANGUAGES),
    )
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


def purger(client):
    dice, instance = client.dice, client.some_instance()
    if instance is None:
        return
    subject, shape = (
        dice.choice(client.scene.plan.subjects),
        dice.choices(*zip(*client.scene.plan.purges.items()))[0],
    )
    record = Purge(0.0, 0.0, instance.number, subject, 0, how=f"api purge by {shape}")
    kind = dice.choice(WRITTEN)
    body = None
    if shape == "tag":
        seen = _some_tag(client, subject)
        if seen is None:
            return
        record.tag, body = seen, {"tags": [seen]}
    elif shape in ("key", "soft"):
        kind = (
            dice.choice(("plain", "slow", "short"))
            if shape == "soft"
            else dice.choice(("plain", "slow", "vary", "early", "dated", "cookie", "lang"))
        )
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
        return client.dice.choice(
            (
                read.tags[-1],
                f"s{subject}-i{client.dice.randrange(TAGS_OF_MANY)}",
                f"s{subject}-i{TAGS_OF_MANY - 20}",
            )
        )
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
    client.bursts.append(
        Burst(
            begin,
            time.monotonic(),
            number,
            many,
            tuple(instance.number for instance in instances),
            len(languages) if kind.vary else 1,
        )
    )
