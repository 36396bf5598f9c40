"""The promise at its seams with Redis, one seam a test: sharing, tags, failover, forgotten purges, writes under way."""
import threading
import time

import pytest

from support.configurations import ARTICLES, BOTH_TIERS
from support.fault_proxy import FaultProxy
from support.scripted_origin import Gate, chunked, raw, reply, until_close
from support.versioned_api import VersionedApi
from support.waiting import Later, all_at_once, until

MEMORY = pytest.mark.parametrize("memory", ["off", "64MB"])
FAIL = ARTICLES.replace('{url: "<redis>"}', '{url: "<redis>", on_purge_failure: fail}')


def caching(larder, target="/articles/42"):
    return larder.get(target).x_cache == "HIT"


def fetched_once(origin, larders, count, fields=()):
    """That many requests for one cold key wait together for an origin that is slower than redis.timeout."""
    gate = Gate()
    origin.on("GET /articles/42", reply(fields=fields, body=b"one").after(gate))
    answers = Later(all_at_once, count, lambda number: larders[number % len(larders)].get("/articles/42"))
    gate.wait_for(1)
    until(
        lambda: sum(larder.metrics().total("larder_client_connections") for larder in larders) >= count,
        what="the clients",
    )
    time.sleep(0.4)  # longer than redis.timeout: it must not run while the origin works
    gate.open()
    answers = answers.finish()
    assert [answer.body for answer in answers] == [b"one"] * count
    assert origin.count("GET /articles/42") == 1


@MEMORY
@pytest.mark.parametrize("fields", [{}, {"Surrogate-Key": "front", "Vary": "Accept"}], ids=["plain", "tags and Vary"])
def test_an_origin_slower_than_the_redis_timeout_is_asked_once(origin, redis, articles_larder, memory, fields):
    both = [articles_larder(origin, redis, memory), articles_larder(origin, redis, memory)]
    fetched_once(origin, both, 30, fields)


@MEMORY
def test_a_full_redis_does_not_end_sharing_inside_a_process_and_nothing_is_called_stored(
    origin, start_redis, articles_larder, memory
):
    redis = start_redis(options=["--maxmemory-policy", "noeviction"])
    larder = articles_larder(origin, redis, memory)
    redis("CONFIG", "SET", "maxmemory", "1mb")
    fetched_once(origin, [larder], 40, {"Surrogate-Key": "front"})
    assert "; stored" not in larder.get("/articles/7").cache_status


@MEMORY
def test_a_redis_slower_than_its_timeout_makes_nobody_wait_again_and_again(
    scene, origin, redis, articles_larder, memory
):
    VersionedApi(origin)
    network = scene(FaultProxy(redis.port))
    larder = articles_larder(origin, network.url, memory)
    network.delay = 0.5
    larder.get("/articles/42")
    until(lambda: larder.metrics().total("larder_redis_breaker_state") > 0, what="the breaker")
    waited = []
    for _ in range(60):  # for three seconds
        began = time.monotonic()
        assert larder.get("/articles/42").status == 200
        waited.append(time.monotonic() - began)
        time.sleep(0.05)
    assert len([seconds for seconds in waited if seconds > 0.08]) <= 2
    network.delay = 0.0
    until(lambda: caching(larder), timeout=5, what="caching again")


@MEMORY
@pytest.mark.parametrize("field", ["Surrogate-Key", "Cache-Tag"])
def test_a_tag_that_a_304_brings_purges_the_entry(origin, redis, articles_larder, memory, field):
    fields = {"ETag": '"1"', "Cache-Control": "max-age=1"}
    origin.on(
        "GET /articles/42",
        reply(fields={**fields, field: "first"}, body=b"old"),
        reply("304 Not Modified", fields={"ETag": '"1"', "Cache-Control": "max-age=60", field: "second"}),
        reply(fields={"ETag": '"2"', "Cache-Control": "max-age=60"}, body=b"new"),
    )
    larder = articles_larder(origin, redis, memory)
    assert larder.get("/articles/42").body == b"old"
    until(lambda: larder.get("/articles/42").x_cache == "REVALIDATED", what="the 304")
    until(lambda: caching(larder))
    larder.purge(tags=["second"])
    assert larder.get("/articles/42").body == b"new"


@MEMORY
def test_a_304_does_not_bring_back_what_was_purged_while_it_was_waited_for(origin, redis, articles_larder, memory):
    """A revalidation waits for another instance's lock during a purge, then gets a 304 for the old validator."""
    gate = Gate()
    modified = {"Last-Modified": "Sat, 28 Nov 2026 12:00:00 GMT", "Cache-Control": "max-age=1"}
    state = {"version": 0}

    def read(request):
        if request.field("if-modified-since"):
            answer = reply("304 Not Modified", fields={**modified, "Cache-Control": "max-age=60"})
        else:
            answer = reply(fields=modified, body={"version": state["version"]})
        return answer.after(gate) if state.get("slow") else answer

    origin.on("GET /articles/42", read)
    one, two = articles_larder(origin, redis, memory), articles_larder(origin, redis, memory)
    assert one.get("/articles/42").json()["version"] == 0
    time.sleep(1.2)  # its lifetime, in whole seconds
    state["slow"] = True
    first = Later(one.get, "/articles/42")
    gate.wait_for(1)
    second = Later(two.get, "/articles/42")
    until(lambda: two.metrics().total("larder_client_connections") >= 1)
    state["version"], state["slow"] = 1, False
    one.purge(keys=["articles:42"])
    gate.open()
    first.finish()
    second.finish()
    for larder in (one, two):
        assert larder.get("/articles/42").json()["version"] == 1


@MEMORY
def test_under_fail_nothing_that_a_write_names_is_served_or_stored_while_it_is_under_way(
    origin, redis, articles_larder, memory
):
    gate = Gate()
    api = VersionedApi(origin)
    origin.on("PUT /articles/42", reply(body={"version": 1}).after(gate))
    writer, reader = articles_larder(origin, redis, memory, FAIL), articles_larder(origin, redis, memory)
    until(lambda: caching(reader))
    until(lambda: caching(reader, "/articles/7"))
    written = Later(writer.request, "PUT", "/articles/42", body={})
    gate.wait_for(1)
    until(lambda: not caching(reader), what="the announcement")
    for _ in range(5):
        answer = reader.get("/articles/42")
        assert answer.x_cache != "HIT" and "; stored" not in answer.cache_status
    assert caching(reader, "/articles/7")
    api.version = 1
    gate.open()
    assert written.finish().status == 200
    assert reader.get("/articles/42").json()["version"] == 1
    until(lambda: caching(reader))


def test_under_fail_a_redis_that_is_lost_during_the_write_leaves_nothing_old(origin, redis, scene, articles_larder):
    """The writer's way to Redis is cut while the origin works; the reader's is not."""
    gate = Gate()
    api = VersionedApi(origin)
    origin.on("PUT /articles/42", reply(body={"version": 1}).after(gate))
    network = scene(FaultProxy(redis.port))
    writer, reader = articles_larder(origin, network.url, "64MB", FAIL), articles_larder(origin, redis, "64MB")
    until(lambda: caching(reader))
    written = Later(writer.request, "PUT", "/articles/42", body={})
    gate.wait_for(1)
    network.hold()
    writer.wait_for_redis(up=False)
    api.version = 1
    began = time.monotonic()
    gate.open()
    assert written.finish().status == 200
    assert time.monotonic() - began < 1.0
    for _ in range(10):
        assert reader.get("/articles/42").json()["version"] == 1
        time.sleep(0.05)
    network.release()


@pytest.mark.parametrize("place", ["/articles", "/no/rule"])
def test_under_fail_what_only_the_answer_names_and_cannot_be_purged_gives_the_writer_a_503(
    origin, redis, scene, articles_larder, place
):
    gate = Gate()
    VersionedApi(origin)
    origin.on(f"POST {place}", reply("201 Created", fields={"Location": "/articles/7"}, body=b"{}").after(gate))
    network = scene(FaultProxy(redis.port))
    writer = articles_larder(origin, network.url, "off", FAIL)
    written = Later(writer.request, "POST", place, body={})
    gate.wait_for(1)
    network.hold()
    writer.wait_for_redis(up=False)
    gate.open()
    answer = written.finish()
    assert answer.status == 503 and "detail=purge-failed" in answer.cache_status
    network.release()


@MEMORY
def test_a_server_that_follows_another_is_not_believed(origin, start_redis, articles_larder, memory):
    redis, other = start_redis(), start_redis()
    api = VersionedApi(origin)
    larder = articles_larder(origin, redis, memory)
    until(lambda: caching(larder))
    for key in redis.entries() + redis.keys("larder:*"):
        kind = redis("TYPE", key)
        if kind in (b"hash", b"string"):
            other("RESTORE", key, 0, redis("DUMP", key))
    assert larder.request("PUT", "/articles/42", body={}).status == 200
    redis("REPLICAOF", "127.0.0.1", other.port)
    until(lambda: b"master_link_status:up" in redis("INFO", "replication"), what="the resync")
    time.sleep(0.3)
    assert larder.get("/articles/42").json()["version"] == api.version
    redis("REPLICAOF", "NO", "ONE")
    until(lambda: caching(larder), timeout=5, what="caching again")
    assert larder.get("/articles/42").json()["version"] == api.version


@MEMORY
def test_another_instances_purge_survives_a_redis_with_older_data_that_it_reaches_late(
    origin, redis, scene, articles_larder, memory
):
    api = VersionedApi(origin)
    network = scene(FaultProxy(redis.port))
    purger, reader = articles_larder(origin, network.url, memory), articles_larder(origin, redis, memory)
    for larder in (purger, reader):
        until(lambda: caching(larder))
    redis.save()
    assert purger.request("PUT", "/articles/42", body={}).status == 200
    network.hold()
    redis.kill()
    reader.wait_for_redis(up=False)
    redis.start()
    until(lambda: reader.metrics().total("larder_redis_up") == 1, timeout=5, what="Redis at the reader")
    for _ in range(10):
        assert reader.get("/articles/42").json()["version"] == api.version
    network.release()


def test_a_user_that_may_not_run_info_is_told_what_it_lacks(origin, start_redis, articles_larder):
    VersionedApi(origin)
    redis = start_redis(acl={"plain": ("pw", "~* &* +@all -@dangerous")})
    text = ARTICLES.replace("routes:", "threads: 3\nroutes:")
    larder = articles_larder(origin, f"redis://plain:pw@127.0.0.1:{redis.port}/0", text=text)
    for target in ("/articles/42", "/articles/7", "/users/7"):
        until(lambda: caching(larder, target))
    assert all(caching(larder) for _ in range(30))
    until(lambda: "+info" in larder.log(), what="the log")


def test_each_variant_of_a_key_is_fetched_once_by_all_instances(origin, redis, articles_larder):
    text = BOTH_TIERS + '  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 300}\n'

    def read(request):
        time.sleep(0.2)
        return reply(fields={"Vary": "Accept-Language"}, body=request.field("accept-language").encode())

    origin.on("GET /articles/42", read)
    larders = [articles_larder(origin, redis, "off", text) for _ in range(2)]
    lock, wrong = threading.Lock(), []

    def one(number):
        language = "de" if number % 4 < 2 else "fr"
        answer = larders[number % 2].get("/articles/42", {"Accept-Language": language})
        if answer.body != language.encode():
            with lock:
                wrong.append((number, answer))

    all_at_once(24, one)
    assert wrong == []
    assert origin.count("GET /articles/42") == 2


# An answer whose end comes when the gate opens.
STREAMED = {
    "chunked": lambda gate: chunked(b"begin", gate, b"end"),
    "short": lambda gate: raw(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nbegin", gate, b"end"),
    "long": lambda gate: raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100003\r\n\r\n" + b"x" * 100000, gate, b"end"),
    "until close": lambda gate: until_close(b"begin", gate, b"end"),
}


def version(larder, target="/articles/42"):
    return larder.get(target).json()["version"]


def purges(larder):
    return larder.admin("GET", "/purges").json()["purges"]


@pytest.mark.parametrize("text", [ARTICLES, FAIL], ids=["pass", "fail"])
@pytest.mark.parametrize("kind", STREAMED)
def test_a_write_may_be_done_as_late_as_at_the_end_of_its_answer(origin, redis, articles_larder, text, kind):
    """An import that tells its progress: the client has the answer when it has the end of it."""
    gate = Gate()
    api = VersionedApi(origin)
    origin.on("PUT /articles/42", STREAMED[kind](gate))
    both = [articles_larder(origin, redis, "64MB", text), articles_larder(origin, redis, "off", text)]
    written = Later(both[0].request, "PUT", "/articles/42", body={})
    gate.wait_for(1)
    if kind != "short":
        until(lambda: purges(both[0]), what="the purge at the head")
    for larder in both:
        assert version(larder) == 0  # kept by the cache, where nothing forbids it
    if text is ARTICLES:
        until(lambda: caching(both[1]), what="an entry from before the write is done")
    api.version += 1
    gate.open()
    assert written.finish().status == 200
    assert [version(larder) for larder in both] == [1, 1]
    until(lambda: all(caching(larder) for larder in both), what="caching goes on")
    assert [version(larder) for larder in both] == [1, 1]


def test_a_write_whose_client_leaves_before_the_end_of_the_answer_is_purged_again(origin, redis, articles_larder):
    gate = Gate()
    api = VersionedApi(origin)
    origin.on("PUT /articles/42", chunked(*[b"x" * 65536] * 400, gate, b"end"))
    larder = articles_larder(origin, redis, "off")
    client = larder.connect()
    client.send(b"PUT /articles/42 HTTP/1.1\r\nHost: api.test\r\nContent-Length: 2\r\n\r\n{}")
    until(lambda: purges(larder), what="the purge at the head")
    client.reset()
    until(lambda: [purge for purge in purges(larder) if purge["repeat"]], what="the purge at the client's end")
    until(lambda: caching(larder), what="an entry from before the write is done")
    api.version += 1
    until(lambda: version(larder) == 1, timeout=20, what="the purge after a while")
    gate.open()


@pytest.mark.parametrize("kind", ["whole", "short", "chunked"])
def test_under_fail_no_answer_says_that_a_write_is_done_whose_purge_reached_nobody(
    origin, start_redis, articles_larder, kind
):
    """Redis is gone, and with it what it held for the write: where it comes back, others get the old answer there."""
    before, gate = Gate(), Gate()
    VersionedApi(origin)
    answer = reply(body=b"{}") if kind == "whole" else STREAMED[kind](gate)
    origin.on("PUT /articles/42", answer.after(before))
    redis = start_redis()
    writer = articles_larder(origin, redis, "off", FAIL)

    def write():
        try:
            done = writer.request("PUT", "/articles/42", body={})
            return done.status, done.cache_status
        except ConnectionError:
            return "cut off", None

    written = Later(write)
    before.wait_for(1)
    if kind != "whole":
        before.open()
        gate.wait_for(1)
    if kind == "chunked":
        until(lambda: purges(writer), what="the purge at the head")
    redis.kill()
    writer.wait_for_redis(up=False)
    before.open()
    gate.open()
    status, cache_status = written.finish()
    if kind == "chunked":
        assert status == "cut off"
    else:
        assert status == 503 and "detail=purge-failed" in cache_status


def answers_of_overlapping_writes(origin, redis, writer, reader, api, long_writer=None):
    """A read that comes after a write's answer, while a fetch from before the write is under way."""
    long, slow = Gate(), Gate()
    for larder in (writer, reader):
        until(lambda: caching(larder, "/articles/7"))
    fetched = origin.count("GET /articles/7")
    origin.on("PUT /articles/7", reply(body=b"{}").after(long))
    held = Later(long_writer.request, "PUT", "/articles/7", body={}) if long_writer else None
    if held:
        long.wait_for(1)
    api.before_read = lambda request: slow.pass_through()
    old = Later(reader.get, "/articles/7")
    slow.wait_for(1)
    api.before_read = None
    origin.on("PUT /articles/7", lambda request: api._write(request))
    redis("CLIENT", "KILL", "TYPE", "pubsub")  # the reader misses the news of the write
    assert writer.request("PUT", "/articles/7", body={}).status == 200
    written = api.version
    new = Later(reader.get, "/articles/7")
    try:
        until(lambda: origin.count("GET /articles/7") == fetched + 2, timeout=1, what="a fetch of its own")
    finally:  # one that joins would wait for it
        slow.open()
    seen = new.finish().json()["version"]
    old.finish()
    long.open()
    if held:
        held.finish()
    return written, seen


def test_under_fail_a_read_joins_no_fetch_from_before_a_write_that_came_and_went_under_another_ones_hold(
    origin, redis, scene, articles_larder
):
    api = VersionedApi(origin)
    long_writer, writer = (articles_larder(origin, redis, "off", FAIL) for _ in range(2))
    far = scene(FaultProxy(redis.port, delay=0.02))  # so that its subscriber is not back at once
    reader = articles_larder(origin, far.url, "off", FAIL)
    written, seen = answers_of_overlapping_writes(origin, redis, writer, reader, api, long_writer)
    assert seen == written == 1


@pytest.mark.parametrize("memory", ["off", "64MB"])
def test_a_subscriber_that_came_later_proves_nothing_of_the_purges_before(origin, redis, articles_larder, memory):
    """Redis has lost the mark of a purge (as by eviction), and the news of it was missed."""
    slow = Gate()
    api = VersionedApi(origin, read_fields=[("Cache-Groups", '"news"')])

    def write(request):
        api.version += 1
        return reply(fields=[("Cache-Group-Invalidation", '"news"')], body=b"{}")

    origin.on("POST /elsewhere", write)
    writer, reader = articles_larder(origin, redis, "off"), articles_larder(origin, redis, memory)
    api.before_read = lambda request: slow.pass_through()
    fetch = Later(reader.get, "/articles/42")
    slow.wait_for(1)
    api.before_read = None
    redis("CLIENT", "KILL", "TYPE", "pubsub")
    assert writer.request("POST", "/elsewhere", body={}).status == 200
    marks = redis.keys("larder:rtag*")
    assert marks
    redis("DEL", *marks)
    until(lambda: redis("CLIENT", "LIST", "TYPE", "pubsub").count(b"\n") >= 2, what="the subscribers that come later")
    slow.open()
    assert fetch.finish().json()["version"] == 0
    assert [version(larder) for larder in (writer, reader)] == [1, 1]
