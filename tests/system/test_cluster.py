"""Larder on a Redis Cluster: real nodes, and what happens to them."""
import random
import threading
import time

import pytest

from support.certificates import Authority
from support.configurations import ARTICLES
from support.history import History
from support.redis_cluster import RedisCluster, slot_of
from support.redis_server import RedisClient
from support.scripted_origin import reply
from support.versioned_api import VersionedApi
from support.waiting import Later, until

MEMORY = pytest.mark.parametrize("memory", ["off", "64MB"])
TARGETS = ["/articles/42", "/articles", "/articles?skip=20", "/articles/42?lang=de"]
LAG = 0.3
# A busy machine answers slowly: with the default of 100 ms a purge may count as owed, and then the other instances may
# serve the old entry until it is delivered.
PATIENT = ARTICLES.replace('{url: "<redis>"}', '{url: "<redis>", timeout: 1s}')


@pytest.fixture
def cluster(scene):
    return scene(RedisCluster())


@pytest.fixture
def start_cluster(scene):
    return lambda **named: scene(RedisCluster(**named))


def caching(larder, target="/articles/42"):
    return larder.get(target).x_cache == "HIT"


def judged(history):
    history.finish()
    assert history.failed == []
    assert history.stale == []
    assert history.slow == []
    assert history.writes > 10 and history.reads > 100
    return history


@MEMORY
def test_entries_of_all_nodes_are_stored_found_and_purged(origin, cluster, articles_larder, memory):
    targets = [f"/articles/{number}" for number in range(60)]
    api = VersionedApi(origin, more=targets)
    one, two = articles_larder(origin, cluster, memory), articles_larder(origin, cluster, memory)
    assert {cluster.owner_of(f"articles:{number}").port for number in range(60)} == {m.port for m in cluster.masters}
    for target in targets:
        until(lambda: caching(one, target), what=target)
    until(lambda: all(caching(two, target) for target in targets), what="hits at the other instance")
    assert one.request("PUT", "/articles/7", body={}).status == 200
    assert one.get("/articles/7").json()["version"] == api.version
    until(lambda: two.get("/articles/7").json()["version"] == api.version, timeout=1)
    assert all(caching(two, target) for target in targets if target != "/articles/7")
    assert one.metrics().total("larder_redis_up") == 1


@MEMORY
def test_patterns_tags_and_everything_are_purged_on_all_nodes(origin, cluster, articles_larder, memory):
    origin.on("GET /articles", reply(fields={"Surrogate-Key": "front"}, body=b"list"))
    for number in range(30):
        origin.on(f"GET /articles/{number}", reply(fields={"Surrogate-Key": f"author-{number % 3}"}, body=b"one"))
    one, two = articles_larder(origin, cluster, memory), articles_larder(origin, cluster, memory)
    targets = [f"/articles/{number}" for number in range(30)]

    def fill():
        for target in [*targets, "/articles"]:
            until(lambda: caching(one, target) and caching(two, target), what=target)

    fill()
    assert one.purge(tags=["author-1"]).status == 200
    for number in range(30):
        assert caching(one, targets[number]) == (number % 3 != 1), number
    fill()
    assert one.purge(patterns=["articles:1*"]).status == 200
    assert [t for t in targets if not caching(one, t)] == [t for t in targets if t.startswith("/articles/1")]
    fill()
    assert one.purge(patterns=["articles:list:*"]).status == 200
    assert not caching(one, "/articles") and caching(one, "/articles/2")
    until(lambda: caching(two, "/articles"))


@MEMORY
def test_three_instances_read_each_others_writes(origin, cluster, articles_larder, memory):
    VersionedApi(origin)
    one, two, three = [articles_larder(origin, cluster, memory) for _ in range(3)]
    lag = 0.0 if memory == "off" else LAG
    history = History("/articles/42", TARGETS, seconds=5)
    history.write(one.port).read(one.port).read(two.port, lag=lag).read(two.port, lag=lag).read(three.port, lag=lag)
    judged(history)


@MEMORY
@pytest.mark.parametrize("fault", ["killed", "frozen"])
def test_a_master_that_is_lost_is_replaced_and_nothing_old_is_read(origin, cluster, articles_larder, memory, fault):
    VersionedApi(origin)
    one, two = articles_larder(origin, cluster, memory), articles_larder(origin, cluster, memory)
    until(lambda: caching(one) and caching(two))
    master = cluster.owner_of("articles:42")
    lag = 0.0 if memory == "off" else LAG
    history = History("/articles/42", TARGETS, seconds=8, patience=1.0)
    history.write(one.port).read(one.port).read(two.port, lag=4.0 if fault == "killed" else 4.0 + lag)
    time.sleep(1)
    master.kill() if fault == "killed" else master.freeze()
    replaced = cluster.wait_until_replaced(master)
    back = time.monotonic()
    until(lambda: caching(one) and caching(two), timeout=5, what="caching again")
    assert time.monotonic() - back < 4
    assert cluster.owner_of("articles:42") is replaced
    if fault == "frozen":
        master.thaw()
    judged(history)


@MEMORY
def test_slots_that_move_under_load_show_nothing_old(scene, origin, cluster, articles_larder, memory):
    VersionedApi(origin)
    one, two = (articles_larder(origin, cluster, memory, text=PATIENT) for _ in range(2))
    until(lambda: caching(one) and caching(two))
    slots = {slot_of(key) for key in cluster.keys() if "articles" in key}
    lag = 0.0 if memory == "off" else LAG
    history = History("/articles/42", TARGETS, seconds=8, patience=1.5)
    history.write(one.port).read(one.port).read(two.port, lag=lag)
    moves = 0
    while history._until > time.monotonic():
        for slot in slots:
            source = cluster.agreed_owner_of(slot)
            target = random.Random(moves).choice([node for node in cluster.masters if node is not source])
            cluster.move_slot(slot, source, target, pause=0.005)
            moves += 1
    judged(history)
    assert moves > 5
    until(lambda: caching(one) and caching(two), what="caching after the moves")


def test_a_node_that_cannot_be_reached_leaves_the_others_keys_in_use(origin, start_cluster, articles_larder):
    cluster = start_cluster(replicas=False, full_coverage=False)
    targets = [f"/articles/{number}" for number in range(40)]
    VersionedApi(origin, more=targets)
    larder = articles_larder(origin, cluster, "off")
    for target in targets:
        until(lambda: caching(larder, target))
    dead = cluster.masters[1]
    lost = [t for t in targets if cluster.owner_of("articles:" + t.split("/")[-1]) is dead]
    kept = [t for t in targets if t not in lost]
    dead.kill()
    until(lambda: not caching(larder, lost[0]))
    fetched = origin.count()
    for target in kept:
        until(lambda: caching(larder, target), what=target)
    assert origin.count() - fetched <= 2, "the others' entries are still there"
    for target in lost:
        answer = larder.get(target)
        assert answer.status == 200 and answer.x_cache == "BYPASS" and answer.seconds < 0.5
    # A purge of what the dead node holds is owed to it, and closes nothing else.
    assert larder.request("PUT", lost[0], body={}).status == 200
    assert larder.metrics().total("larder_purges_pending") > 0
    reading = [
        t
        for t in kept
        if slot_of("articles:" + t.split("/")[-1]) // 256 != slot_of("articles:" + lost[0].split("/")[-1]) // 256
    ]
    assert all(caching(larder, target) for target in reading)


@MEMORY
def test_a_partition_between_an_instance_and_one_node_shows_nothing_old(origin, start_cluster, articles_larder, memory):
    cluster = start_cluster(proxied=True)
    VersionedApi(origin)
    one = articles_larder(origin, cluster, memory)
    until(lambda: caching(one))
    owner = cluster.owner_of("articles:42")
    history = History("/articles/42", TARGETS, seconds=6).write(one.port).read(one.port).read(one.port)
    for _ in range(3):
        time.sleep(0.7)
        owner.network.hold()
        time.sleep(0.8)
        owner.network.release()
    judged(history)
    until(lambda: caching(one), timeout=5, what="caching again")


def test_a_miss_is_stored_in_one_round_trip_before_its_fetch_and_one_after_it(origin, start_cluster, articles_larder):
    cluster = start_cluster(proxied=True, replicas=False)
    # Each group of slots has an id of its own, which its first entries make: keys of few groups, in all nodes.
    numbers = [number for number in range(40_000) if slot_of(f"articles:{number}") % 2048 < 8]
    targets = [f"/articles/{number}" for number in numbers[:120]]
    VersionedApi(origin, more=targets)
    pieces = []

    def listen(data):
        pieces.append(data)
        return data

    for master in cluster.masters:
        master.network.spoil = listen
    larder = articles_larder(origin, cluster, "64MB")
    for target in targets:
        assert larder.get(target).x_cache == "MISS"
    until(lambda: all(caching(larder, target) for target in targets), what="hits")
    # Two fields are set beside the guard, the hash gets its lifetime and is moved; behind it the look at the hash. The
    # first misses of a route are looked up, and their fills are looked at in a round trip of their own.
    together = [piece for piece in pieces if b":2\r\n:1\r\n:1\r\n*4\r\n" in piece]
    assert len(together) > 60, len(together)


@pytest.mark.parametrize("slow", [0, 1, 2])
def test_the_order_of_commands_on_different_nodes_holds_where_one_is_slow(origin, start_cluster, articles_larder, slow):
    """A fetch is under way all the time while its tag is purged: what it brings is from before the purge."""
    cluster = start_cluster(proxied=True, replicas=False)
    api = VersionedApi(origin, read_fields={"Surrogate-Key": "front"}, before_read=lambda _: time.sleep(0.02))
    one, two = articles_larder(origin, cluster, "off"), articles_larder(origin, cluster, "off")
    until(lambda: caching(one) and caching(two))
    cluster.masters[slow].network.delay = 0.015
    ended = threading.Event()

    def read():
        while not ended.is_set():
            two.get("/articles/42")

    readers = [Later(read) for _ in range(3)]
    stale = []
    for version in range(1, 30):
        api.version = version
        assert one.purge(tags=["front"]).status in (200, 202)
        for larder in (one, two):
            seen = larder.get("/articles/42").json()["version"]
            if seen < version:
                stale.append((version, seen))
    ended.set()
    for reader in readers:
        reader.finish()
    assert stale == []


@MEMORY
def test_a_master_that_is_cut_off_with_its_instance_gives_no_hits(origin, start_cluster, articles_larder, memory):
    """It goes on answering for cluster-node-timeout and more, while another node takes its place and the writes."""
    cluster = start_cluster(proxied=True, separable=True, node_timeout=8000)
    api = VersionedApi(origin)
    larder = articles_larder(origin, cluster, memory)
    until(lambda: caching(larder))
    old = cluster.owner_of("articles:42")
    replica = cluster.replica_of(old)
    until(lambda: b"master_link_status:up" in replica("INFO", "replication"), what="the replication")
    cluster.separate(old)
    for node in cluster.nodes:
        if node is not old:
            node.network.hold()
    # Sooner than any failover of Redis' own: that takes cluster-node-timeout, and half a second more.
    time.sleep(1.0)
    assert replica("CLUSTER", "FAILOVER", "TAKEOVER") == b"OK"
    until(lambda: b"role:master" in replica("INFO", "replication"), what="the new master")
    api.version = 1  # written and purged at the new master, which this instance cannot see
    ended = time.monotonic() + 3
    while time.monotonic() < ended:
        answer = larder.get("/articles/42")
        assert answer.status == 200 and answer.json()["version"] == 1, answer.cache_status
        assert answer.seconds < 1
    assert old("EXISTS", "articles:42") == 1, "the old master still answers, with what it had"
    # A purge that it acknowledges is not done.
    assert larder.request("PUT", "/articles/42", body={}).status == 200
    assert larder.metrics().total("larder_purges_pending") > 0
    cluster.join(old)
    for node in cluster.nodes:
        node.network.release()
    until(lambda: b"role:slave" in old("INFO", "replication"), what="the old master's return as a replica")
    until(lambda: caching(larder), timeout=5, what="caching again")
    assert larder.get("/articles/42").json()["version"] == api.version
    until(lambda: larder.metrics().total("larder_purges_pending") == 0, what="the purge")


@MEMORY
def test_a_master_that_only_the_other_nodes_cannot_reach_shows_nothing_old(
    origin, start_cluster, articles_larder, memory
):
    cluster = start_cluster(separable=True)
    VersionedApi(origin)
    one, two = articles_larder(origin, cluster, memory), articles_larder(origin, cluster, memory)
    until(lambda: caching(one) and caching(two))
    old = cluster.owner_of("articles:42")
    lag = 0.0 if memory == "off" else LAG
    history = History("/articles/42", TARGETS, seconds=9, acknowledged_only=True)
    history.write(one.port).read(one.port).read(two.port, lag=lag).read(two.port, lag=lag)
    time.sleep(1)
    cluster.separate(old)
    replica = cluster.replica_of(old)
    until(lambda: b"role:master" in replica("INFO", "replication"), 20, "the promotion of the replica")
    time.sleep(1)
    cluster.join(old)
    judged(history)
    until(lambda: caching(one) and caching(two), timeout=5, what="caching again")


def test_a_node_that_refuses_purges_closes_the_slots_they_are_owed_to(origin, start_cluster, articles_larder):
    targets = [f"/articles/{number}" for number in range(200)]
    cluster = start_cluster(replicas=False, acl={"app": ("pw", "~* &* +@all")})
    api = VersionedApi(origin, more=targets)
    larder = articles_larder(origin, cluster.url.replace("redis-cluster://", "redis-cluster://app:pw@"), "off")
    group = {target: slot_of("articles:" + target.split("/")[-1]) // 256 for target in targets}
    owner = {target: cluster.owner_of("articles:" + target.split("/")[-1]) for target in targets}
    lost = targets[0]
    beside = next(t for t in targets if t != lost and group[t] == group[lost])
    apart = next(t for t in targets if group[t] != group[lost] and owner[t] is owner[lost])
    for target in (lost, beside, apart):
        until(lambda: caching(larder, target), what=target)
    for node in cluster.masters:
        node("ACL", "SETUSER", "app", "-unlink", "-del")
    assert larder.request("PUT", lost, body={}).status == 200
    until(lambda: larder.metrics().total("larder_purges_pending") > 0, what="the purge that is owed")
    # The old entry is still there, and its node answers.
    assert owner[lost]("EXISTS", "articles:0") == 1
    assert larder.get(lost).json()["version"] == api.version
    assert larder.get(beside).x_cache == "BYPASS"
    assert caching(larder, apart), "other slots of the same node are not closed"
    for node in cluster.masters:
        node("ACL", "SETUSER", "app", "+unlink", "+del")
    until(lambda: larder.metrics().total("larder_purges_pending") == 0, what="the purge")
    until(lambda: caching(larder, beside))
    assert larder.get(lost).json()["version"] == api.version


def test_tls_with_a_user_of_its_own(tmp_path, origin, scene, start_larder):
    authority = Authority(tmp_path)
    cluster = scene(RedisCluster(tls=authority, acl={"app": ("s3cret", "~app:* &app:* +@all -@dangerous +info")}))
    api = VersionedApi(origin)
    url = cluster.tls_url.replace("://", "://app:s3cret@")

    def start(more):
        text = ARTICLES.replace('{url: "<redis>"}', '{url: "<redis>", prefix: "app:", %s}' % more)
        return start_larder(text, origin=origin.url, redis=url, memory="64MB")

    larder = start(f"tls: {{ca: {authority.certificate}}}")
    larder.wait_for_redis()
    targets = ["/articles/42", "/articles", "/articles/7", "/users/7", "/tags"]
    for target in targets:
        until(lambda: caching(larder, target), what=target)
    assert len({cluster.owner_of("app:" + key).port for key in ("articles:42", "articles:7", "users:7")}) > 1
    assert larder.request("PUT", "/articles/42", body={}).status == 200
    assert larder.get("/articles/42").json()["version"] == api.version
    assert all(key.startswith("app:") for key in cluster.keys())
    # The links and subscribers to every node are encrypted, and its replica takes over with its own certificate.
    for node in cluster.masters:
        named = [line for line in node("CLIENT", "LIST").decode().splitlines() if " name=larder" in line]
        assert named and all(f":{node.tls_port} " in line.split("laddr=")[1] for line in named)
    lost = cluster.owner_of("app:articles:42")
    lost.kill()
    cluster.wait_until_replaced(lost)
    until(lambda: caching(larder), timeout=5, what="caching again")
    # An authority that did not sign the certificates is refused, and the log says what to do.
    stranger = start("tls: {}")
    assert stranger.get("/articles/42").cache_status == "larder; fwd=bypass; detail=redis-down"
    until(lambda: "redis.tls.ca" in stranger.log(), what="the log")
    assert "s3cret" not in larder.log() + stranger.log()


def test_a_seed_that_is_down_is_no_reason_not_to_start(origin, cluster, articles_larder):
    VersionedApi(origin)
    url = cluster.url.replace("redis-cluster://", "redis-cluster://127.0.0.1:1,")
    larder = articles_larder(origin, url, "64MB")
    until(lambda: caching(larder))


def test_passwords_and_announced_names(origin, start_cluster, articles_larder):
    cluster = start_cluster(
        password="s3cret",
        options=("--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname"),
    )
    VersionedApi(origin)
    larder = articles_larder(origin, cluster, "64MB")
    until(lambda: caching(larder))
    assert larder.request("PUT", "/articles/42", body={}).status == 200
    assert larder.get("/articles/42").json()["version"] == 1


def test_a_single_server_is_refused_with_a_remedy(origin, redis, articles_larder):
    larder = articles_larder(
        origin, redis.url.replace("redis://", "redis-cluster://").replace("/0", ""), "off", wait_for_redis=False
    )
    assert larder.get("/articles/42").status in (200, 404)
    until(lambda: "redis-cluster://" in larder.log(), what="the log")


def test_moved_keys_are_told_of_by_the_node_that_they_leave(cluster):
    """What the memory tier relies on while slots move: MIGRATE is a change of the key at its source."""
    key = "articles:42"
    source = cluster.owner_of(key)
    target = next(node for node in cluster.masters if node is not source)
    listener, reader = RedisClient(source.port), RedisClient(source.port)
    number = listener("CLIENT", "ID")
    listener("SUBSCRIBE", "__redis__:invalidate")
    reader("CLIENT", "TRACKING", "ON", "REDIRECT", number)
    source("SET", key, "x")
    assert reader("GET", key) == b"x"
    cluster.move_slot(slot_of(key), source, target)
    kind, channel, keys = listener._read()
    assert (kind, channel, keys) == (b"message", b"__redis__:invalidate", [key.encode()])
