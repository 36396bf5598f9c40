"""Large values over a slow link to Redis: small ones do not wait; larder skips those that cannot arrive in time."""
import threading
import time

import pytest

from support.configurations import BOTH_TIERS
from support.fault_proxy import FaultProxy
from support.load import Load
from support.scripted_origin import reply
from support.waiting import until

TIMEOUT = 0.1  # redis.timeout, the default
SLACK = 0.3  # what a busy machine may add to any request
SIZE = 6_000_000
ROUTES = """\
  - {match: "GET /small/{id}", key: "small:{id}", ttl: 300}
  - {match: "GET /large/{id}", key: "large:{id}", ttl: 300}
  - {match: "PUT /large/{id}", purge: ["large:{id}"]}
"""
SMALL = [f"/small/{number}" for number in range(10)]


MEDIUM = 1_500_000  # takes longer over 700 KB/s than a fill of its size may


class Pictures:
    """Small and large answers that tell how many writes they have seen."""

    def __init__(self, origin):
        self.version = self.fetches = 0
        origin.on("/large/1", self._large)
        origin.on("GET /large/2", self._medium)
        for target in SMALL:
            origin.on("GET " + target, reply(body=b"s" * 500))

    def _large(self, request):
        if request.method == "PUT":
            self.version += 1
            return reply("204 No Content")
        self.fetches += 1
        return reply(fields={"Content-Type": "image/png"}, body=b"v%d " % self.version + b"x" * SIZE)

    def _medium(self, request):
        self.fetches += 1
        return reply(fields={"Content-Type": "image/png"}, body=b"m" * MEDIUM)


@pytest.fixture
def slow_link(scene, redis):
    """A link to Redis that carries that many bytes a second."""
    return lambda rate: scene(FaultProxy(redis.port, rate=rate))


@pytest.fixture
def start(start_larder, origin):
    def launch(redis, memory="64MB"):
        text = BOTH_TIERS.replace('{url: "<redis>"}', '{url: "<redis>", compress: off}') + ROUTES
        larder = start_larder(text, origin=origin.url, redis=redis.url, memory=memory)
        larder.wait_for_redis()
        return larder

    return launch


def timed(larder, target="/large/1"):
    began = time.monotonic()
    answer = larder.get(target)
    assert answer.status == 200
    return answer, time.monotonic() - began


def in_redis(redis):
    """The whole of the large entry has arrived."""
    return redis("EXISTS", "large:1") and any(key.startswith(b"b:") for key in redis("HKEYS", "large:1"))


@pytest.mark.parametrize("rate", [20_000_000, 3_000_000])
def test_a_large_object_is_a_hit_in_memory_at_the_second_request(origin, redis, slow_link, start, rate):
    pictures = Pictures(origin)
    larder = start(slow_link(rate))
    assert timed(larder)[0].x_cache == "MISS"
    until(lambda: in_redis(redis), timeout=15, what="the fill")
    until(lambda: timed(larder)[0].x_cache == "HIT", what="a hit")
    assert timed(larder)[1] < TIMEOUT + SLACK
    # A request that comes while the answer to the one before is being stored fetches too.
    assert pictures.fetches <= 3
    metrics = larder.metrics()
    assert metrics.total("larder_redis_up") == 1 and metrics.total("larder_redis_breaker_state") == 0


def test_a_restarted_larder_does_not_ask_again_and_again_for_what_is_too_slow(origin, redis, slow_link, start):
    pictures = Pictures(origin)
    link = slow_link(20_000_000)
    first = start(link)
    timed(first)
    until(lambda: in_redis(redis), timeout=15, what="the fill")
    mark = redis("HGET", "large:1", "larder:fill")
    first.stop()
    second = start(link)
    answer, seconds = timed(second)
    assert seconds < TIMEOUT + SLACK
    assert answer.cache_status == "larder; fwd=uri-miss; fwd-status=200; stored; detail=redis-timeout"
    until(lambda: timed(second)[0].x_cache == "HIT", what="a hit in memory")
    assert redis("HGET", "large:1", "larder:fill") == mark, "what others may read faster stays"
    fetches = pictures.fetches
    for _ in range(5):
        answer, seconds = timed(second)
        assert answer.x_cache == "HIT" and seconds < TIMEOUT + SLACK
    assert pictures.fetches == fetches


def test_what_is_kept_in_memory_only_ends_with_a_purge_by_another_instance(origin, redis, slow_link, start):
    pictures = Pictures(origin)
    link = slow_link(20_000_000)
    fast = start(redis)
    timed(fast)
    until(lambda: in_redis(redis), timeout=15, what="the fill")
    slow = start(link)
    until(lambda: timed(slow)[0].x_cache == "HIT", what="a hit in the slow one's memory")
    assert fast.request("PUT", "/large/1", body={}).status == 204
    until(lambda: timed(slow)[0].body.startswith(b"v1 "), timeout=1, what="the new version at the slow one")
    assert pictures.version == 1


def test_without_a_memory_tier_what_is_too_slow_comes_from_the_origin_at_once(origin, redis, slow_link, start):
    Pictures(origin)
    link = slow_link(20_000_000)
    larder = start(link, memory="off")
    timed(larder)
    until(lambda: in_redis(redis), timeout=15, what="the fill")
    timed(larder)  # learns how slow the link is
    seen = link.connections_seen
    for _ in range(5):
        answer, seconds = timed(larder)
        assert answer.cache_status == "larder; fwd=bypass; detail=redis-timeout"
        assert seconds < TIMEOUT / 2 + SLACK
    assert link.connections_seen <= seen + 1, "one that is cut off is made anew: nothing was asked for and given up"


def test_what_cannot_be_written_in_time_is_kept_in_memory_by_each_instance(origin, redis, slow_link, start):
    Pictures(origin)
    link = slow_link(700_000)
    one = start(link)
    timed(one, "/large/2")
    until(
        lambda: timed(one, "/large/2")[0].x_cache == "HIT" and redis("EXISTS", "large:2"),
        timeout=15,
        what="a hit in memory",
    )
    assert all(not key.startswith(b"b:") for key in redis("HKEYS", "large:2"))
    until(lambda: any(link.carried_by_ended), what="the end of the connection for large values")
    assert max(link.carried_by_ended) < MEDIUM, "what is given up is not sent to its end"
    other = start(redis)

    def in_turn():
        return all(timed(larder, "/large/2")[0].x_cache == "HIT" for larder in (one, other, one, other))

    until(in_turn, what="hits at both in turn: they do not end each other's copies")
    # Over such a link it may take longer than redis.timeout: then it goes on behind a 202.
    assert one.purge(keys=["large:2"]).status in (200, 202)
    until(
        lambda: other.metrics().total("larder_memory_entries") == 0, timeout=2, what="the purge at the other instance"
    )


def test_over_a_fast_link_a_large_object_is_read_from_redis(origin, redis, start):
    Pictures(origin)
    larder = start(redis, memory="off")
    body = timed(larder, "/large/2")[0].body
    until(lambda: any(key.startswith(b"b:") for key in redis("HKEYS", "large:2")), what="the fill")
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(timed(larder, "/large/2")[0])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: timed(larder, "/large/2")[0].x_cache == "HIT", what="a hit in Redis")
    assert all(answer.body == body for answer in answers)
    assert larder.purge(keys=["large:2"]).status == 200
    assert redis("EXISTS", "large:2") == 0
    assert timed(larder, "/large/2")[0].x_cache == "MISS"


@pytest.mark.parametrize("rate", [20_000_000, 3_000_000])
def test_small_reads_do_not_wait_behind_large_ones(scene, origin, redis, slow_link, start, rate):
    Pictures(origin)
    link = slow_link(rate)
    larder = start(link, memory="off")
    for target in SMALL:
        until(lambda: larder.get(target).x_cache == "HIT", what="a small hit")
    load = scene(Load(larder.port, SMALL, clients=2))
    load.wait_for(50)
    began = time.monotonic()
    for _ in range(3):
        timed(larder)
        assert larder.request("PUT", "/large/1", body={}).status == 204
    timed(larder)
    until(lambda: in_redis(redis), timeout=15, what="the fill")
    load.wait_for(50)
    load.stop()
    assert load.failures() == []
    during = load.since(began)
    missed = [sample for sample in during if sample.x_cache != "HIT"]
    assert len(missed) <= len(during) / 50, f"no breaker opens, and hardly any runs into redis.timeout: {missed[:5]}"
    waits = sorted(sample.seconds for sample in during)
    assert waits[len(waits) * 9 // 10] < TIMEOUT / 2
    assert load.slowest() <= TIMEOUT + SLACK
