"""Redis is never in the way: every test here breaks it under requests that must not notice."""
import time

import pytest

from support.configurations import ARTICLES
from support.load import Load
from support.ports import free_port
from support.versioned_api import VersionedApi
from support.waiting import until

TIMEOUT = 0.1  # redis.timeout, the default: all that one request may wait for Redis
SLACK = 0.4  # what a busy machine may add to any request
TARGETS = ["/articles", "/articles?skip=20", "/articles/42", "/articles/7", "/users/7", "/tags"]
MEMORY = pytest.mark.parametrize("memory", ["off", "64MB"])


def nothing_failed(load):
    assert load.failures() == []
    assert len(load.samples) > 50


def caching(larder, target="/articles/42"):
    return larder.get(target).x_cache == "HIT"


@MEMORY
def test_no_request_fails_when_redis_is_killed_and_caching_resumes_when_it_is_back(
    scene, origin, redis, articles_larder, memory
):
    VersionedApi(origin)
    larder = articles_larder(origin, redis, memory)
    load = scene(Load(larder.port, TARGETS))
    load.wait_for(100)
    redis.kill()
    killed = time.monotonic()
    larder.wait_for_redis(up=False)
    load.wait_for(200)
    until(lambda: load.since(killed + 1.5), what="answers well after the kill")
    down = load.since(killed + 1.5)
    assert down and {sample.x_cache for sample in down} == {"BYPASS"}
    assert {sample.cache_status for sample in down} == {"larder; fwd=bypass; detail=redis-down"}
    redis.start()
    back = time.monotonic()
    until(lambda: caching(larder), timeout=2.0 + SLACK, what="caching again")
    assert time.monotonic() - back <= 2.0 + SLACK
    load.wait_for(100)
    load.stop()
    nothing_failed(load)
    assert load.slowest() <= TIMEOUT + SLACK


@MEMORY
def test_no_request_fails_or_waits_long_when_redis_is_frozen(scene, origin, redis, articles_larder, memory):
    VersionedApi(origin)
    larder = articles_larder(origin, redis, memory)
    load = scene(Load(larder.port, TARGETS))
    load.wait_for(100)
    redis.freeze()
    larder.wait_for_redis(up=False)
    noticed = time.monotonic()
    load.wait_for(300)
    waits = sorted(sample.seconds for sample in load.since(noticed))
    assert waits[len(waits) // 2] < TIMEOUT / 2, "once the failure is noticed nobody waits for it"
    until(lambda: len(load.since(noticed + 1.0)) >= 50, what="requests after the second that memory may go on")
    assert {sample.x_cache for sample in load.since(noticed + 1.0)} == {"BYPASS"}
    redis.thaw()
    until(lambda: caching(larder), timeout=2.0 + SLACK, what="caching again")
    load.stop()
    nothing_failed(load)
    assert load.slowest() <= TIMEOUT + SLACK


def test_larder_starts_without_redis_and_finds_it_later(origin, start_redis, articles_larder):
    VersionedApi(origin)
    redis = start_redis(start=False)
    larder = articles_larder(origin, redis, wait_for_redis=False)
    first = larder.get("/articles/42")
    assert (first.status, first.x_cache, first.cache_status) == (200, "BYPASS", "larder; fwd=bypass; detail=redis-down")
    assert larder.admin("GET", "/readyz").status == 200
    redis.start()
    until(lambda: caching(larder), timeout=2.0 + SLACK, what="caching")


def test_an_address_where_nobody_answers_costs_no_request(origin, articles_larder):
    VersionedApi(origin)
    larder = articles_larder(origin, f"redis://127.0.0.1:{free_port()}/0", wait_for_redis=False)
    for _ in range(20):
        answer = larder.get("/articles/42")
        assert answer.status == 200 and answer.seconds < TIMEOUT + SLACK


@MEMORY
def test_a_write_while_redis_is_away_is_purged_before_anything_is_served_again(origin, redis, articles_larder, memory):
    api = VersionedApi(origin)
    larder = articles_larder(origin, redis, memory)
    for target in ("/articles", "/articles/42", "/articles/7"):
        larder.get(target)
    redis.save()
    redis.kill()
    larder.wait_for_redis(up=False)
    write = larder.request("PUT", "/articles/42", body={})
    assert (write.status, api.version) == (200, 1)
    larder.metrics_once("larder_purges_pending", 1)
    assert larder.get("/articles/42").json()["version"] == 1
    redis.start()  # with the old entries
    with larder.connect() as client:
        deadline = time.monotonic() + 5
        while client.get("/articles/42").x_cache != "HIT":
            assert time.monotonic() < deadline
            for target in ("/articles", "/articles/42"):
                assert client.get(target).json()["version"] == 1
    assert larder.get("/articles").json()["version"] == 1
    until(lambda: larder.metrics().total("larder_purges_pending") == 0)


@MEMORY
def test_a_write_while_redis_is_frozen_is_answered_and_purged(origin, redis, articles_larder, memory):
    VersionedApi(origin)
    larder = articles_larder(origin, redis, memory)
    for target in ("/articles", "/articles/42"):
        larder.get(target)
    redis.freeze()
    write = larder.request("PUT", "/articles/42", body={})
    assert write.status == 200 and write.seconds < TIMEOUT + SLACK
    for _ in range(5):
        assert larder.get("/articles/42").json()["version"] == 1
    redis.thaw()
    until(lambda: caching(larder), timeout=2.0 + SLACK, what="caching again")
    for target in ("/articles", "/articles/42"):
        assert larder.get(target).json()["version"] == 1


def test_on_purge_failure_fail_refuses_a_write_that_could_not_be_purged(origin, redis, articles_larder):
    api = VersionedApi(origin)
    larder = articles_larder(
        origin, redis, text=ARTICLES.replace('url: "<redis>"', 'url: "<redis>", on_purge_failure: fail')
    )
    assert larder.request("PUT", "/articles/42", body={}).status == 200
    redis.kill()
    larder.wait_for_redis(up=False)
    refused = larder.request("PUT", "/articles/42", body={})
    assert refused.status == 503 and "detail=purge-failed" in refused.cache_status
    assert api.version == 1, "the refused write has not reached the origin"


@MEMORY
def test_a_redis_that_comes_back_with_an_older_snapshot_brings_nothing_purged_back(
    origin, redis, articles_larder, memory
):
    VersionedApi(origin)
    larder = articles_larder(origin, redis, memory)
    for target in ("/articles", "/articles/42", "/users/7"):
        larder.get(target)
    redis.save()
    larder.request("PUT", "/articles/42", body={})
    assert larder.get("/articles/42").json()["version"] == 1
    redis.kill()
    redis.start()  # as it was before the purge
    until(lambda: caching(larder), timeout=2.0 + SLACK, what="caching again")
    for target in ("/articles", "/articles/42"):
        assert larder.get(target).json()["version"] == 1

    def untouched():
        # The other worker's connection may just be made anew.
        answer = larder.get("/users/7")
        return answer if answer.x_cache == "HIT" else None

    hit = until(untouched, what="a hit on what was not purged")
    assert hit.json()["version"] == 0, "it is the one that stood there before"


def test_a_wrong_password_is_a_redis_that_is_down(origin, start_redis, articles_larder):
    VersionedApi(origin)
    redis = start_redis(password="right")
    larder = articles_larder(origin, f"redis://:mistyped-secret@127.0.0.1:{redis.port}/0", wait_for_redis=False)
    answer = larder.get("/articles/42")
    assert (answer.status, answer.x_cache) == (200, "BYPASS")
    assert "mistyped-secret" not in larder.log()


def test_a_full_redis_fails_no_request_and_still_purges(origin, start_redis, articles_larder):
    VersionedApi(origin)
    redis = start_redis(options=["--maxmemory-policy", "noeviction"])
    larder = articles_larder(origin, redis, memory="off")
    for target in ("/articles/42", "/users/7"):
        larder.get(target)
    redis("CONFIG", "SET", "maxmemory", "1")
    for number in range(20):
        assert larder.get(f"/articles?skip={number}").status == 200
    assert larder.request("PUT", "/articles/42", body={}).status == 200
    assert larder.get("/articles/42").json()["version"] == 1
    redis("CONFIG", "SET", "maxmemory", "0")
    until(lambda: caching(larder), timeout=5.0, what="caching again")


def test_an_entry_that_is_not_larders_own_is_a_miss(origin, redis, articles_larder):
    VersionedApi(origin)
    larder = articles_larder(origin, redis)
    redis("SET", "articles:42", "a string of somebody else")
    redis("HSET", "articles:7", "v", "garbage", "vary", "\x00\x01")
    for target in ("/articles/42", "/articles/7"):
        answer = larder.get(target)
        assert (answer.status, answer.json()["version"]) == (200, 0) and answer.x_cache != "HIT"


def test_readiness_does_not_depend_on_redis(origin, redis, articles_larder):
    larder = articles_larder(origin, redis)
    redis.kill()
    larder.wait_for_redis(up=False)
    for place in ("/healthz", "/readyz"):
        assert larder.admin("GET", place).status == 200
