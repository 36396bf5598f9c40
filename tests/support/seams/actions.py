"""The seams: each action disturbs a scene for a while and records the windows by which the history
is judged.

An action is called with (scene, dice); it returns when what it disturbed
works again.
"""
import time

from ..ports import HOST
from ..redis_server import RedisClient, RedisError
from ..waiting import until
from .clients import Client
from .people import Spot, look_everywhere, write
from .timing import NOTICED

# The heartbeat, 200 ms, twice: until then nobody can know that a live server has become another
UNNOTICEABLE = 0.5
NEVER = 30.0


def some(scene, dice):
    able = [instance for instance in scene.instances if instance.available]
    return dice.choice(able or scene.instances)


# ---- larder's own seams


def reload_same(scene, dice):
    some(scene, dice).reload()


def _reload_all(scene, changes):
    for instance in scene.instances:
        if instance.available:
            instance.change_rules(**changes)


def reload_extra(scene, dice):
    """The purge rule for /extra comes, while fetches that know nothing of it are under way; it
    stays a while, and goes.
    """
    for instance in scene.instances:
        if instance.available:
            instance.admin("POST", "/purge", body={"patterns": ["extra:*"]})
    scene.pause(dice.choice((0.02, 0.1)))
    _reload_all(scene, {"extra": True})
    scene.pause(dice.uniform(0.8, 1.6))
    _reload_all(scene, {"extra": False})
    scene.pause(0.3)


def reload_careless(scene, dice):
    """What decides whether an entry may be shared is given up, and taken back; in between the
    instances differ.
    """
    changes = {"cookie": dice.choice(("ignore", "strip")), "vary": "ignore", "user": "ignore"}
    careless = dice.sample(scene.instances, dice.randint(1, len(scene.instances)))
    for instance in careless:
        instance.change_rules(**changes)
    scene.pause(dice.uniform(0.4, 0.9))
    for instance in careless:
        instance.change_rules(cookie="", vary="", user="")
    scene.pause(0.3)


def hand_over(scene, dice):
    some(scene, dice).hand_over()


def restart(scene, dice, instance=None, while_away=None):
    """SIGTERM, and a new start; while_away() happens in between."""
    instance = instance or some(scene, dice)
    window = scene.window("gone", instance.number)
    stop = instance.terminate()
    instance.finish(stop)
    if while_away:
        while_away()
    instance.start()
    scene.close(window)


def kill(scene, dice, instance=None, while_away=None):
    instance = instance or some(scene, dice)
    window = scene.window("killed", instance.number)
    instance.kill()
    if while_away:
        while_away()
    instance.start()
    scene.close(window)


# ---- the network


def hold(scene, dice, instance=None, seconds=None, meanwhile=None):
    """One instance cannot reach Redis."""
    instance = instance or some(scene, dice)
    proxy = scene.proxies[instance.number]
    window = scene.window("down", instance.number, "held")
    proxy.hold()
    scene.pause(seconds or dice.choice((0.15, 0.5, 1.5)))
    if meanwhile:
        meanwhile()
    proxy.release()
    scene.close(window)


def refuse(scene, dice, instances=None, seconds=None, meanwhile=None):
    """Redis is away, at once, for some instances or all."""
    instances = instances or scene.instances
    windows = [scene.window("down", instance.number, "refused") for instance in instances]
    for instance in instances:
        scene.proxies[instance.number].refusing = True
        scene.proxies[instance.number].cut()
    scene.pause(seconds or dice.uniform(0.4, 1.0))
    if meanwhile:
        meanwhile()
    for instance, window in zip(instances, windows):
        scene.proxies[instance.number].refusing = False
        scene.close(window)


def refuse_one(scene, dice):
    refuse(scene, dice, [some(scene, dice)])


def slow(scene, dice):
    """A Redis that answers, later than redis.timeout."""
    instance = some(scene, dice)
    proxy = scene.proxies[instance.number]
    window = scene.window("down", instance.number, "slow")
    proxy.delay = dice.choice((0.15, 0.3, 0.5))
    scene.pause(dice.uniform(1.5, 2.5))
    proxy.delay = scene.plan.latency
    scene.pause(0.5)  # what is still on its way
    scene.close(window)


def cut(scene, dice):
    instance = some(scene, dice)
    window = scene.window("down", instance.number, "cut")
    scene.proxies[instance.number].cut()
    scene.close(window)


def lose_some(scene, dice):
    """Some connections of an instance are cut, and stay away: not all of them."""
    instance = some(scene, dice)
    proxy = scene.proxies[instance.number]
    window = scene.window("one", instance.number)
    proxy.refusing = True
    for _ in range(dice.randint(1, max(1, instance.threads - 1))):
        proxy.cut_one(dice.choice)
    scene.pause(0.08)
    if scene.plan.divided:
        scene.divided = instance
        until(
            lambda: scene.divided is None or scene.over.is_set(),
            timeout=20,
            what="the writer between the workers",
        )
        scene.pause(0.3)
    else:
        scene.pause(dice.uniform(0.6, 1.5))
    proxy.refusing = False
    scene.close(window)


def kill_client(scene, dice):
    """Redis closes one connection of somebody's."""
    clients = [
        dict(pair.split("=", 1) for pair in row.split(" ") if "=" in pair)
        for row in scene.redis("CLIENT", "LIST").decode().splitlines()
    ]
    windows = [scene.window("one", instance.number, "CLIENT KILL") for instance in scene.instances]
    try:
        scene.redis("CLIENT", "KILL", "ID", dice.choice(clients)["id"])
    except (RedisError, OSError):
        pass
    scene.pause(0.1)
    for window in windows:
        scene.close(window)


# ---- Redis itself


def flush(scene, dice):
    window = scene.window("keys", note="FLUSHALL")
    scene.redis("FLUSHALL")
    scene.close(window)


def delete_keys(scene, dice):
    window = scene.window("keys", note="DEL")
    for _ in range(10):
        names = scene.redis.keys("larder:*") if dice.random() < 0.5 else scene.redis.keys()
        if names:
            scene.redis("DEL", *dice.sample(names, min(3, len(names))))
        if not scene.pause(0.05):
            break
    scene.close(window)


def _used(redis):
    return int(redis("INFO", "memory").decode().split("used_memory:")[1].split()[0])


def evict(scene, dice):
    window = scene.window("keys", note="eviction")
    scene.redis("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
    scene.redis("CONFIG", "SET", "maxmemory", _used(scene.redis) - 100_000)
    scene.pause(0.3)
    scene.redis("CONFIG", "SET", "maxmemory", 0)
    scene.close(window)


def fill_up(scene, dice):
    window = scene.window("full")
    scene.redis("CONFIG", "SET", "maxmemory-policy", "noeviction")
    scene.redis("CONFIG", "SET", "maxmemory", 1)
    scene.pause(dice.uniform(0.8, 1.5))
    scene.redis("CONFIG", "SET", "maxmemory", 0)
    scene.close(window)


def freeze(scene, dice):
    window = scene.window("down", note="SIGSTOP")
    scene.redis.freeze()
    scene.pause(dice.choice((0.05, 0.3, 1.5)))
    scene.redis.thaw()
    scene.close(window)


def forget(scene, dice, between=None, away=None, last=None):
    """Redis dies and comes back from an older snapshot.

    between(): after the snapshot and some writes; away(): while Redis is away. last: an instance
    that reconnects long after.
    """
    scene.redis.save()
    scene.pause(dice.uniform(0.3, 0.7))
    if between:
        between()
    window = scene.window("down", note="killed")
    late = scene.window("down", last.number, "reconnects late") if last else None
    if last:
        scene.proxies[last.number].refusing = True
    scene.redis.kill()
    scene.pause(dice.uniform(0.05, 0.5))
    if away:
        away()
    scene.redis.start()
    scene.close(window)
    scene.note("Redis is back with the older snapshot")
    if last:
        scene.pause(dice.uniform(1.2, 2.0))
        scene.proxies[last.number].refusing = False
        scene.close(late)
    scene.pause(0.8)


def become_replica(scene, dice):
    """The live server takes an older state from another by REPLICAOF, and is a master again.

    Half of the time there are only readers, and only of what both states have: a write or a fill
    that is refused would
    tell at once what the server has become.
    """
    replica, quiet = scene.replica, dice.random() < 0.5
    person = Client(scene, 900 + len(scene.history.windows))
    spots = [Spot("plain", f"kept{number}", "a.test", "en") for number in range(4)]
    if quiet:
        look_everywhere(person, spots)
    if b"role:slave" in replica("INFO", "replication"):
        replica("REPLICAOF", "NO", "ONE")
    else:
        scene.follow(replica, scene.redis.port)
        replica("REPLICAOF", "NO", "ONE")
    scene.note("the other server stands still here")
    scene.pause(dice.uniform(0.4, 0.8))
    if quiet:
        for spot in spots:
            write(person, some(scene, dice), spot.subject)
        look_everywhere(person, spots)
        scene.quiet = spots
        scene.pause(0.5)  # whatever is under way ends
    down, stale = scene.window("down", note="REPLICAOF"), scene.window("stale")
    scene.redis("REPLICAOF", HOST, replica.port)
    until(
        lambda: b"master_link_status:up" in scene.redis("INFO", "replication"),
        what="the resynchronisation",
    )
    stale.end = time.monotonic() + UNNOTICEABLE
    scene.pause(dice.uniform(0.05, 1.2))
    scene.redis("REPLICAOF", "NO", "ONE")
    scene.close(down)
    scene.note("a master again, with the older state")
    scene.pause(0.5)
    scene.quiet = None
    scene.pause(0.5)
    person.leave()


def _promote(scene, dice):
    """The replica, which lags behind, becomes the master; the old master follows it. Returns the
    old master.
    """
    scene.wire.hold()
    scene.note("the replica lags from here")
    scene.pause(dice.uniform(0.3, 0.8))
    old = scene.redis
    scene.replica("REPLICAOF", "NO", "ONE")
    scene.redis, scene.replica = scene.replica, old
    return old


def fail_over(scene, dice):
    """By hand: the address of Redis leads to the promoted replica from now on; connections follow
    all, some, or one by one.
    """
    window = scene.window("switch", note="failover")
    window.start = time.monotonic() + NEVER  # from the promotion on
    old = _promote(scene, dice)
    window.start = time.monotonic()
    for proxy in scene.proxies:
        proxy.target_port = scene.redis.port
    shape = dice.choice(("all", "normal", "pubsub", "one"))
    scene.note(f"the replica is the master; connections that are cut: {shape}")
    if shape == "all":
        for proxy in scene.proxies:
            proxy.cut()
    old("REPLICAOF", HOST, scene.redis.port)
    for proxy in scene.proxies:
        if shape == "one":
            proxy.cut_one(dice.choice)
    if shape in ("normal", "pubsub"):
        old("CLIENT", "KILL", "TYPE", shape, "SKIPME", "yes")
    window.end = time.monotonic() + NOTICED
    scene.pause(2.5)
    for proxy in scene.proxies:  # the end of the old server's time
        proxy.cut()
    end = scene.window("down", note="the old server's connections end")
    scene.close(end)
    scene.wire.target_port = scene.redis.port
    scene.wire.release()
    scene.wire.cut()
    scene.follow(old, scene.wire.port)


def fail_over_by_sentinel(scene, dice):
    until(scene.sentinel.knows_a_replica, timeout=20, what="the sentinel's knowledge")
    window = scene.window("switch", note="sentinel failover")
    old = scene.sentinel.master_port()
    if dice.random() < 0.5:
        scene.sentinel.ask("SENTINEL", "FAILOVER", "m")
    else:
        scene.note("the master is killed")
        scene.redis.kill()
    until(lambda: scene.sentinel.master_port() != old, timeout=15, what="the sentinel's choice")
    down = scene.window("down", note="until the clients have followed")
    down.start = window.start
    if scene.redis.is_running():
        until(
            lambda: b"role:slave" in scene.redis("INFO", "replication"),
            timeout=15,
            what="the demotion",
        )
    scene.close(window)
    window.end += NOTICED
    scene.close(down)
    scene.pause(2.0)
    if not scene.redis.is_running():
        scene.redis.start()  # the sentinel makes it a replica
    scene.redis, scene.replica = scene.replica, scene.redis
