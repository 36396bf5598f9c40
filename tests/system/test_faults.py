"""Single faults between larder and Redis, and instances that fail, each with what it must not cost."""
import time

import pytest

from support.configurations import ARTICLES
from support.fault_proxy import FaultProxy
from support.load import Load
from support.scripted_origin import Gate, reply
from support.versioned_api import VersionedApi
from support.waiting import Later, all_at_once, until

TIMEOUT, SLACK = 0.1, 0.4
TARGETS = ["/articles", "/articles?skip=20", "/articles/42", "/articles/7", "/users/7", "/tags"]
FAIL = ARTICLES.replace('url: "<redis>"', 'url: "<redis>", on_purge_failure: fail')
MEMORY = pytest.mark.parametrize("memory", ["off", "64MB"])


@pytest.fixture
def network(scene, redis):
    return scene(FaultProxy(redis.port))


def caching(larder, target="/articles/42"):
    return larder.get(target).x_cache == "HIT"


def resumes(larder, target="/articles/42"):
    until(lambda: caching(larder, target), timeout=2.0 + SLACK, what="caching again")


@MEMORY
def test_a_dead_half_open_connection_is_replaced_in_time(scene, origin, network, articles_larder, memory):
    VersionedApi(origin)
    larder = articles_larder(origin, network.url, memory)
    load = scene(Load(larder.port, TARGETS))
    load.wait_for(50)
    network.forget()
    time.sleep(0.3)
    resumes(larder)
    load.stop()
    assert load.failures() == [] and load.slowest() <= TIMEOUT + SLACK


def test_a_connection_that_dies_while_hands_are_shaken_is_replaced_in_time(
    scene, origin, redis, network, articles_larder
):
    VersionedApi(origin)
    larder = articles_larder(origin, network.url, "off")
    network.hold()
    network.cut()
    before = network.connections_seen
    until(lambda: network.connections_seen > before, what="a new connection")
    network.forget()  # just after it was made, before a byte has passed
    network.release()
    resumes(larder)


@pytest.mark.parametrize("delay", [0.02, 0.06, 0.3])
def test_a_slow_redis_costs_no_request_more_than_the_timeout(scene, origin, network, articles_larder, delay):
    VersionedApi(origin)
    larder = articles_larder(origin, network.url, "off")
    network.delay = delay
    load = scene(Load(larder.port, TARGETS))
    load.wait_for(100)
    for _ in range(3):
        write = larder.request("PUT", "/articles/42", body={})
        assert write.status == 200 and write.seconds < TIMEOUT + SLACK
        assert larder.get("/articles/42").json() == {"target": "/articles/42", "version": write.json()["version"]}
    load.stop()
    network.delay = 0.0
    assert load.failures() == [] and load.slowest() <= TIMEOUT + SLACK
    resumes(larder)


def garbage(_):
    return b"\x00HTTP/1.1 400 Bad Request\r\n\r\n"


def flipped(data):
    place = len(data) * 2 // 3
    return data[:place] + bytes([data[place] ^ 0x11]) + data[place + 1 :]


@MEMORY
@pytest.mark.parametrize(
    "spoil",
    [
        garbage,
        flipped,
        lambda data: data[: len(data) // 2],
        lambda data: b"*1000000000\r\n",
        lambda data: b"$99999999999\r\n",
        lambda data: data + b"+OK\r\n",
    ],
    ids=["garbage", "flipped", "halved", "endless-array", "endless-string", "one-too-many"],
)
def test_nonsense_from_redis_is_no_answer(scene, origin, network, articles_larder, memory, spoil):
    VersionedApi(origin)
    larder = articles_larder(origin, network.url, memory)
    load = scene(Load(larder.port, TARGETS))
    load.wait_for(50)
    network.spoil = spoil
    load.wait_for(150)
    assert larder.resident_bytes() < 400 << 20
    network.spoil = None
    network.cut()
    resumes(larder)
    load.stop()
    assert load.failures() == [] and load.slowest() <= TIMEOUT + SLACK


def test_no_more_connections_than_the_configuration_allows(scene, origin, redis, articles_larder):
    VersionedApi(origin)
    network = scene(FaultProxy(redis.port))
    text = "threads: 4\n" + ARTICLES.replace('url: "<redis>"', 'url: "<redis>", max_connections: 3')
    larder = articles_larder(origin, network.url, text=text)
    load = scene(Load(larder.port, TARGETS, clients=8))
    for _ in range(4):
        load.wait_for(50)
        network.cut()
        time.sleep(0.3)
    load.stop()
    assert network.most_connections <= 3
    assert load.failures() == []


@pytest.mark.parametrize("how", ["freeze", "hold"])
def test_a_write_is_refused_too_where_the_failure_was_not_noticed_yet(origin, redis, network, articles_larder, how):
    api = VersionedApi(origin)
    larder = articles_larder(origin, network.url, text=FAIL)
    assert larder.request("PUT", "/articles/42", body={}).status == 200
    redis.freeze() if how == "freeze" else network.hold()
    refused = larder.request("PUT", "/articles/42", body={})
    redis.thaw() if how == "freeze" else network.release()
    assert refused.status == 503 and "detail=purge-failed" in refused.cache_status
    assert refused.seconds < TIMEOUT + SLACK
    assert api.version == 1, "the refused write has not reached the origin"


@MEMORY
def test_redis_freezing_while_the_origin_writes_costs_the_purge_nothing(origin, redis, articles_larder, memory):
    gate = Gate()
    api = VersionedApi(origin)
    larder = articles_larder(origin, redis, memory)
    for target in TARGETS:
        larder.get(target)

    def write(request):
        gate.pass_through()
        api.version += 1
        return reply(body={"version": api.version})

    origin.on("PUT /articles/42", write)
    answer = Later(larder.request, "PUT", "/articles/42", body={})
    gate.wait_for(1)
    redis.freeze()
    gate.open()
    written = answer.finish()
    assert written.status == 200
    assert [larder.get(target).json()["version"] for target in ("/articles/42", "/articles")] == [1, 1]
    redis.thaw()
    resumes(larder)
    assert [larder.get(target).json()["version"] for target in ("/articles/42", "/articles", "/articles?skip=20")] == [
        1,
        1,
        1,
    ]


@MEMORY
@pytest.mark.parametrize(
    "target, purge",
    [
        ("/articles/42", {"keys": ["articles:42"]}),
        ("/articles/42?lang=de", {"keys": ["articles:42"]}),
        ("/articles?skip=20", {"patterns": ["articles:list:*"]}),
        ("/articles/42", {"patterns": ["art*"]}),
        ("/articles/42", {"tags": ["front"]}),
        ("/articles/42?lang=de", {"urls": ["/articles/42"]}),
    ],
)
@pytest.mark.parametrize("soft", [False, True])
def test_a_purge_through_one_instance_drops_the_slow_fetch_of_another(
    origin, redis, articles_larder, memory, target, purge, soft
):
    gate = Gate()
    path = target.split("?")[0]
    fields = {"Surrogate-Key": "front"}
    origin.on("GET " + path, reply(fields=fields, body=b"old").after(gate), reply(fields=fields, body=b"new"))
    # A client that joined the old fetch would time out. (Another instance does wait for the fetch of a key that extends
    # the purged one or matches a purged pattern, but it never takes the result.)
    patient = ARTICLES if "?" in target else ARTICLES.replace("ttl: 300}", "ttl: 300, wait: 60s}")
    here, there = articles_larder(origin, redis, memory, patient), articles_larder(origin, redis, memory, patient)
    old = Later(here.get, target)
    gate.wait_for(1)
    assert there.purge(soft=soft, **purge).status == 200
    if "tags" not in purge:  # which tags the answer will carry nobody knows before it is there
        assert there.get(target).body == b"new"
        assert here.get(target).body == b"new"
    gate.open()
    assert old.finish().body == b"old"
    time.sleep(0.1)
    for larder in (here, there):
        assert larder.get(target).body == b"new"


def test_two_hundred_at_two_instances_cost_one_fetch(origin, redis, articles_larder):
    gate = Gate()
    origin.on("GET /articles/42", reply(body=b"one").after(gate))
    both = [articles_larder(origin, redis), articles_larder(origin, redis)]
    answers = Later(all_at_once, 200, lambda number: both[number % 2].get("/articles/42"))
    gate.wait_for(1)
    for larder in both:
        until(lambda: larder.metrics().total("larder_client_connections") >= 100, what="the clients' connections")
    gate.open()
    assert [answer.body for answer in answers.finish()] == [b"one"] * 200
    assert origin.count("GET /articles/42") == 1


def test_an_uncacheable_answer_releases_those_who_wait_at_other_instances_together(origin, redis, articles_larder):
    first, rest = Gate(), Gate()
    private = reply(fields={"Cache-Control": "private"}, body=b"mine")
    origin.on("GET /articles/42", private.after(first), private.after(rest))
    both = [articles_larder(origin, redis), articles_larder(origin, redis)]
    leader = Later(both[0].get, "/articles/42")
    first.wait_for(1)
    others = Later(all_at_once, 20, lambda _: both[1].get("/articles/42"))
    until(lambda: both[1].metrics().total("larder_client_connections") >= 20, what="all clients' connections")
    time.sleep(0.1)
    first.open()
    rest.wait_for(20)
    rest.open()
    assert [answer.status for answer in others.finish()] == [200] * 20
    assert leader.finish().status == 200


def test_those_who_wait_for_an_instance_that_dies_go_on(origin, redis, articles_larder):
    gate = Gate()
    origin.on("GET /articles/42", reply(body=b"lost").after(gate), reply(body=b"found"))
    text = ARTICLES.replace('key: "articles:{id}", ttl: 300', 'key: "articles:{id}", ttl: 300, wait: 8s')
    dying, other = (articles_larder(origin, redis, text=text) for _ in range(2))
    lost = dying.connect()
    lost.send(b"GET /articles/42 HTTP/1.1\r\nHost: api.test\r\n\r\n")
    gate.wait_for(1)
    waiting = Later(all_at_once, 5, lambda _: other.get("/articles/42"))
    time.sleep(0.3)
    killed, process = time.monotonic(), dying.process
    dying.process = None
    process.kill()
    answers = waiting.finish()
    assert [answer.body for answer in answers] == [b"found"] * 5
    assert time.monotonic() - killed < 6.5
    assert origin.count("GET /articles/42") == 2
    gate.open()


@MEMORY
@pytest.mark.parametrize("late", [0.0, 0.5], ids=["together", "one-late"])
def test_a_replica_that_lagged_brings_nothing_purged_back(
    scene, origin, redis, start_redis, articles_larder, memory, late
):
    """Each instance reaches Redis over a network of its own; the one that purged may come to the new master last."""
    VersionedApi(origin)
    networks = [scene(FaultProxy(redis.port)) for _ in range(2)]
    here, there = (articles_larder(origin, network.url, memory) for network in networks)
    for target in ("/articles", "/articles/42", "/users/7"):
        here.get(target)
    replica = start_redis(options=["--replicaof", f"127.0.0.1 {redis.port}"])
    until(lambda: b"master_link_status:up" in replica("INFO", "replication"), what="the replica")
    until(lambda: len(replica.entries()) == 3, what="the copy")
    replica("REPLICAOF", "NO", "ONE")  # what comes now it never hears of
    assert here.request("PUT", "/articles/42", body={}).status == 200
    networks[0].hold()
    for network in networks:
        network.target_port = replica.port
        network.cut()
    redis.kill()
    switched = time.monotonic()
    seen = []
    while time.monotonic() - switched < 2.5:
        if late and time.monotonic() - switched > late:
            networks[0].release()
        if not late:
            networks[0].release()
        answer = there.get("/articles/42")
        seen.append((round(time.monotonic() - switched, 2), answer.x_cache, answer.json()["version"]))
        time.sleep(0.01)
    assert [one for one in seen if one[2] != 1 and one[1] == "HIT"] == []
    assert caching(here) and caching(there)
    for larder in (here, there):
        assert larder.get("/articles").json()["version"] == 1
        untouched = larder.get("/users/7")
        assert (untouched.x_cache, untouched.json()["version"]) == ("HIT", 0), "what was not purged stays usable"


@pytest.mark.parametrize("purged", ["before", "meanwhile"])
def test_caching_resumes_over_a_slow_link_however_many_purges_redis_may_have_forgotten(
    scene, origin, redis, articles_larder, purged
):
    VersionedApi(origin)
    link = scene(FaultProxy(redis.port, rate=3_000_000))
    larder = articles_larder(origin, link.url, "off")
    if purged == "meanwhile":
        redis.kill()
        larder.wait_for_redis(up=False)
    for first in range(0, 600, 20):
        larder.purge(keys=[f"articles:{number}" for number in range(first, first + 20)])
    if purged == "before":
        until(lambda: larder.metrics().total("larder_purges_pending") == 0)
        until(lambda: caching(larder), what="caching")
        redis.kill()
        larder.wait_for_redis(up=False)
    redis.forget_snapshot()
    redis.start()
    resumes(larder)
    assert larder.metrics().total("larder_purges_pending") == 0
