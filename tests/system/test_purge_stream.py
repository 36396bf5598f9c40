"""redis.purge_stream: what writes past larder purges by adding to a stream."""
import signal
import time

import pytest

from support.configurations import ARTICLES
from support.redis_cluster import RedisCluster
from support.versioned_api import VersionedApi
from support.waiting import until

STREAM = ARTICLES.replace('{url: "<redis>"}', '{url: "<redis>", purge_stream: "larder:purges"}')
MEMORY = pytest.mark.parametrize("memory", ["off", "64MB"])


def caching(larder, target="/articles/42"):
    return larder.get(target).x_cache == "HIT"


def purges(larder):
    return larder.admin("GET", "/purges").json()["purges"]


def pending(redis):
    groups = redis("XINFO", "GROUPS", "larder:purges")
    return groups[0][groups[0].index(b"pending") + 1]


@MEMORY
def test_an_entry_purges_at_all_instances(origin, redis, articles_larder, memory):
    api = VersionedApi(origin)
    both = [articles_larder(origin, redis, memory, STREAM) for _ in range(2)]
    for larder in both:
        for target in ("/articles/42", "/articles", "/articles/7"):
            until(lambda: caching(larder, target))
    api.version = 1
    redis("XADD", "larder:purges", "*", "pattern", "articles:list:*", "key", "articles:42")
    for larder in both:
        for target in ("/articles/42", "/articles"):
            until(lambda: larder.get(target).json()["version"] == 1, timeout=2)
        assert larder.get("/articles/7").json()["version"] == 0
    redis("XADD", "larder:purges", "*", "url", "/articles/7")
    for larder in both:
        until(lambda: larder.get("/articles/7").json()["version"] == 1, timeout=2)
    until(lambda: pending(redis) == 0, what="the acknowledgement")
    until(lambda: redis("XLEN", "larder:purges") <= 1, what="the trimming")
    records = sorted((one for larder in both for one in purges(larder)), key=lambda one: one["time"])
    assert [one["source"] for one in records] == ["stream", "stream"], "each entry is done by one instance"
    assert all("-" in one["who"] for one in records), "the id of the entry"
    assert (records[0]["keys"], records[0]["patterns"]) == (["articles:42"], ["articles:list:*"])
    assert records[1]["urls"] == ["/articles/7"] and records[1]["acknowledged"] is True
    assert sum(larder.metrics().total("larder_purges_total", source="stream") for larder in both) == 2


@MEMORY
def test_what_came_while_no_larder_ran_is_done_before_the_first_entry_is_served(origin, redis, articles_larder, memory):
    api = VersionedApi(origin)
    larder = articles_larder(origin, redis, memory, STREAM)
    until(lambda: caching(larder))
    larder.process.signal(signal.SIGTERM)
    larder.process.wait(30)
    api.version = 1
    for _ in range(200):
        redis("XADD", "larder:purges", "*", "key", "articles:nothing")
    redis("XADD", "larder:purges", "*", "tag", "none", "key", "articles:42")
    larder.start()
    assert larder.get("/articles/42").json()["version"] == 1


def test_a_malformed_entry_is_passed_over_and_logged(origin, redis, articles_larder):
    api = VersionedApi(origin)
    larder = articles_larder(origin, redis, "off", STREAM)
    until(lambda: caching(larder))
    redis("XADD", "larder:purges", "*", "kee", "articles:42")
    redis("XADD", "larder:purges", "*", "key", "articles:*")
    api.version = 1
    redis("XADD", "larder:purges", "*", "key", "articles:42")
    until(lambda: larder.get("/articles/42").json()["version"] == 1, timeout=2)
    until(lambda: pending(redis) == 0, what="the acknowledgement")
    assert larder.log().count("is no purge, and is passed over") == 2
    metrics = larder.metrics()
    assert metrics.total("larder_purge_stream_malformed_total") == 2
    assert metrics.total("larder_purges_total", source="stream") == 1
    assert metrics.total("larder_redis_errors_total", reason="reply") == 0


def test_purges_of_the_stream_are_shown_as_such(origin, redis, articles_larder):
    api = VersionedApi(origin)
    larder = articles_larder(origin, redis, "off", STREAM)
    assert larder.metrics().total("larder_purge_stream_malformed_total") == 0
    until(lambda: caching(larder))
    api.version = 1
    fields = ("key", "articles:42", "pattern", "articles:list:*", "tag", "front", "url", "/articles/7", "soft", "0")
    number = redis("XADD", "larder:purges", "*", *fields).decode()
    until(lambda: larder.get("/articles/42").json()["version"] == 1, timeout=2)
    [record] = until(lambda: larder.admin("GET", "/purges").json()["purges"], what="the record")
    assert record["source"] == "stream" and record["who"] == number and record["acknowledged"] is True
    assert "articles:42" in record["keys"] and record["patterns"] == ["articles:list:*"]
    assert record["tags"] == ["front"] and record["urls"] == ["/articles/7"] and record["soft"] is False
    lines = [line for line in larder.log().splitlines() if "purge source=stream" in line]
    assert len(lines) == 1 and f'who="{number}"' in lines[0]
    assert larder.stats()["purges"]["stream"] == 1


def test_what_a_dead_instance_left_is_done_by_another(origin, redis, articles_larder):
    api = VersionedApi(origin)
    redis("XGROUP", "CREATE", "larder:purges", "larder", "0", "MKSTREAM")
    larder = articles_larder(origin, redis, "off", STREAM)
    until(lambda: caching(larder))
    # Another consumer takes the entry and dies.
    until(lambda: _take(redis), what="the other's turn")
    api.version = 1
    began = time.monotonic()
    until(lambda: larder.get("/articles/42").json()["version"] == 1, timeout=10)
    assert time.monotonic() - began < 10
    until(lambda: pending(redis) == 0, what="the acknowledgement")


def _take(redis):
    script = """
    redis.call('XADD', KEYS[1], '*', 'key', 'articles:42')
    return redis.call('XREADGROUP', 'GROUP', 'larder', 'dead', 'COUNT', '1', 'STREAMS', KEYS[1], '>')"""
    return redis("EVAL", script, 1, "larder:purges")


def test_in_a_cluster(origin, scene, articles_larder):
    cluster = scene(RedisCluster())
    api = VersionedApi(origin)
    larder = articles_larder(origin, cluster, "64MB", STREAM)
    until(lambda: caching(larder))
    api.version = 1
    cluster.owner_of("larder:purges")("XADD", "larder:purges", "*", "key", "articles:42")
    until(lambda: larder.get("/articles/42").json()["version"] == 1, timeout=2)
