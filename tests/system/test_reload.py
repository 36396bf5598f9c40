"""A reload in the middle of things: what was made under other rules, and settings that hold only after a restart."""
import pytest

from support.configurations import BOTH_TIERS
from support.scripted_origin import Gate, reply
from support.versioned_api import VersionedApi
from support.waiting import Later, until

MEMORY_ONLY = BOTH_TIERS.replace('redis: {url: "<redis>"}\n', "").replace("<memory>", "64MB")
READS = """\
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 300}
  - {match: "GET /users/{id}", key: "users:{id}", ttl: 600}
"""
PURGE_RULE = '  - {match: "POST /articles", purge: ["articles:*"]}\n'


@pytest.fixture(params=["memory", "redis", "both"])
def tiers(request, origin):
    """A configuration's beginning, and the values it needs."""
    if request.param == "memory":
        return MEMORY_ONLY, {"origin": origin.url}
    redis = request.getfixturevalue("redis")
    return BOTH_TIERS, {
        "origin": origin.url,
        "redis": redis.url,
        "memory": "off" if request.param == "redis" else "64MB",
    }


@pytest.fixture
def start(start_larder, tiers):
    def started(routes):
        larder = start_larder(tiers[0] + routes, **tiers[1])
        if "redis" in tiers[1]:
            larder.wait_for_redis()
        return larder

    return started


def reload(larder, text):
    """Replaces the configuration and waits until it is in force."""
    before = larder.log().count("the configuration was reloaded")
    larder.write_config(text)
    larder.reload()
    until(lambda: larder.log().count("the configuration was reloaded") > before, what="the reload")


def version(larder, target="/articles/42"):
    return larder.get(target).json()["version"]


class HoldFirst:
    """The first request that comes has made its answer, or its change, and waits at the gate."""

    def __init__(self):
        self.gate, self._first = Gate(), True

    def __call__(self, _):
        first, self._first = self._first, False
        if first:
            self.gate.pass_through()


def test_a_reader_does_not_join_a_fetch_whose_entry_its_purges_would_miss(origin, tiers, start):
    hold = HoldFirst()
    VersionedApi(origin, before_read=hold)
    larder = start(READS)
    old = Later(larder.get, "/articles/42")
    hold.gate.wait_for(1)
    reload(larder, tiers[0] + READS + PURGE_RULE)
    larder.request("POST", "/articles", body={})
    assert version(larder) == 1  # the gate is closed: it asked the origin itself
    hold.gate.open()
    old.finish()
    assert version(larder) == 1


def test_what_was_fetched_under_rules_without_a_purge_is_not_served_after_it(origin, tiers, start):
    hold = HoldFirst()
    VersionedApi(origin, before_read=hold)
    larder = start(READS)
    old = Later(larder.get, "/articles/42")
    hold.gate.wait_for(1)
    reload(larder, tiers[0] + READS + PURGE_RULE)
    hold.gate.open()
    assert old.finish().json()["version"] == 0
    larder.request("POST", "/articles", body={})
    assert version(larder) == 1


def test_a_write_under_way_purges_by_the_new_rules_too(origin, tiers, start):
    gate = Gate()
    api = VersionedApi(origin)
    larder = start(READS)

    def write(request):
        gate.pass_through()
        return api._write(request)

    origin.on("POST /articles", write)
    writer = Later(larder.request, "POST", "/articles", body={})
    gate.wait_for(1)
    reload(larder, tiers[0] + READS + PURGE_RULE)
    until(lambda: larder.get("/articles/42").x_cache == "HIT")
    assert version(larder) == 0
    gate.open()
    assert writer.finish().json() == {"version": 1}
    assert version(larder) == 1


def test_what_was_purged_under_other_rules_does_not_return_with_the_old_ones(origin, start_larder):
    VersionedApi(origin)
    larder = start_larder(MEMORY_ONLY + READS, origin=origin.url)
    assert version(larder) == 0
    reload(larder, MEMORY_ONLY + READS + PURGE_RULE)
    larder.request("POST", "/articles", body={})
    reload(larder, MEMORY_ONLY + READS)
    assert version(larder) == 1


def test_a_reload_keeps_the_entries_of_routes_that_stay_the_same(origin, start_larder):
    VersionedApi(origin)
    larder = start_larder(MEMORY_ONLY + READS, origin=origin.url)
    targets = ["/articles/42", "/articles/7", "/users/7"]
    for target in targets:
        larder.get(target)
    reload(larder, MEMORY_ONLY + READS.replace("ttl: 300", "ttl: 200"))
    until(lambda: larder.stats()["memory"]["entries"] == 1, what="the sweep of what is of no use")
    assert [larder.get(target).x_cache for target in targets] == ["MISS", "MISS", "HIT"]
    reload(
        larder,
        MEMORY_ONLY
        + READS.replace("ttl: 300", "name: articles, wait: 2s, ttl: 200")
        + '  - {match: "GET /tags", key: "tags:list", ttl: 1}\n',
    )
    assert [larder.get(target).x_cache for target in targets] == ["HIT"] * 3


@pytest.mark.parametrize(
    "option, fields",
    [
        ("ignore: [set-cookie]", {"Set-Cookie": "session=alice"}),
        ("strip: [set-cookie]", {"Set-Cookie": "session=alice"}),
        ("ignore: [cache-control]", {"Cache-Control": "private"}),
    ],
)
def test_what_a_former_configuration_allowed_to_be_stored_is_not_served(origin, start_larder, option, fields):
    origin.on("GET /articles/42", reply(fields=fields, body=b"alice's"), reply(fields=fields, body=b"bob's"))
    larder = start_larder(MEMORY_ONLY + READS.replace("ttl: 300", f"ttl: 300, {option}"), origin=origin.url)
    larder.get("/articles/42")
    assert larder.get("/articles/42").x_cache == "HIT"
    reload(larder, MEMORY_ONLY + READS)
    assert larder.get("/articles/42").body == b"bob's"


def test_two_routes_of_one_key_share_its_entries(origin, start_larder):
    origin.on("GET /old/42", reply(body=b"42"))
    larder = start_larder(
        MEMORY_ONLY
        + """\
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 300}
  - {match: "GET /old/{id}", key: "articles:{id}", ttl: 200}
""",
        origin=origin.url,
    )
    assert [larder.get(target).x_cache for target in ("/old/42", "/articles/42")] == ["MISS", "HIT"]


def test_redis_stays_on_until_a_restart(origin, redis, start_larder):
    VersionedApi(origin)
    larder = start_larder(BOTH_TIERS + READS + PURGE_RULE, origin=origin.url, redis=redis.url, memory="64MB")
    larder.wait_for_redis()
    reload(larder, BOTH_TIERS.replace('redis: {url: "<redis>"}', "redis: off") + READS + PURGE_RULE)
    assert "changes of redis take effect at the next start" in larder.log()
    assert version(larder) == 0
    assert larder.request("POST", "/articles", body={}).status == 200
    assert version(larder) == 1
    assert redis.entries() == ["articles:42"]
    assert larder.admin("GET", "/config").json()["redis"]["url"] == redis.url


def test_redis_stays_off_until_a_restart(origin, redis, start_larder):
    VersionedApi(origin)
    larder = start_larder(MEMORY_ONLY + READS + PURGE_RULE, origin=origin.url, redis=redis.url)
    reload(
        larder,
        MEMORY_ONLY.replace("memory: 64MB", 'memory: 64MB\nredis: {url: "<redis>", on_purge_failure: fail}')
        + READS
        + PURGE_RULE,
    )
    assert version(larder) == 0
    assert larder.request("POST", "/articles", body={}).status == 200
    assert version(larder) == 1
    assert larder.admin("GET", "/config").json()["redis"] == "off"


def test_on_purge_failure_may_change_without_a_restart(origin, redis, start_larder):
    VersionedApi(origin)
    larder = start_larder(BOTH_TIERS + READS + PURGE_RULE, origin=origin.url, redis=redis.url, memory="64MB")
    larder.wait_for_redis()
    reload(larder, BOTH_TIERS.replace('url: "<redis>"', 'url: "<redis>", on_purge_failure: fail') + READS + PURGE_RULE)
    assert "take effect at the next start" not in larder.log()
    redis.kill()
    assert larder.request("POST", "/articles", body={}).status == 503


def test_the_configuration_shown_is_the_one_in_force(origin, start_larder):
    VersionedApi(origin)
    larder = start_larder("threads: 1\n" + MEMORY_ONLY + READS, origin=origin.url)
    shown = larder.admin("GET", "/config").json()
    other = MEMORY_ONLY.replace("memory: 64MB", "memory: 1MB").replace(
        "listen: <listen>", 'listen: ["<listen>", "127.0.0.1:1"]'
    )
    reload(larder, "threads: 2\n" + other.replace("admin: <admin>", "admin: 127.0.0.1:2") + READS)
    assert "changes of listen, admin, threads, memory take effect at the next start" in larder.log()
    assert larder.admin("GET", "/config").json() == shown
