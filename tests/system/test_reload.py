"""A reload in the middle of things: what was made under other rules, and settings that hold only after a restart."""
import errno
import json
import os
import socket

import pytest

from support.configurations import BOTH_TIERS
from support.larder import run
from support.ports import HOST, free_port
from support.raw_client import request
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
    until(lambda: redis.entries() == ["articles:42"])
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
    other = "threads: 2\n" + MEMORY_ONLY.replace("admin: <admin>", "admin: 127.0.0.1:2")
    reload(larder, other + READS)
    assert "changes of admin, threads take effect at the next start" in larder.log()
    assert f"kill -USR2 {larder.process.pid}" in larder.log()
    assert larder.admin("GET", "/config").json() == shown


def listening(*addresses):
    return MEMORY_ONLY.replace("listen: <listen>", "listen: " + json.dumps(addresses))


def test_a_reload_opens_new_addresses_and_closes_others(origin, start_larder, tmp_path):
    VersionedApi(origin)
    larder = start_larder(MEMORY_ONLY + READS, origin=origin.url)
    old, new, path = larder.port, free_port(), f"{tmp_path}/larder.socket"
    with larder.connect() as client:
        client.get("/articles/42")
        reload(larder, listening(f"{HOST}:{new}", f"unix:{path}") + READS)
        assert request(new, "GET", "/articles/42").x_cache == "HIT"
        with socket.socket(socket.AF_UNIX) as unix:
            unix.connect(path)
        until(lambda: refuses(old), what="the end of the old address")
        assert client.get("/articles/42").x_cache == "HIT", "an open connection goes on"
    assert addresses(larder) == [f"{HOST}:{new}", f"unix:{path}"]
    reload(larder, MEMORY_ONLY + READS)
    assert larder.get("/articles/42").x_cache == "HIT"
    until(lambda: refuses(new), what="the end of the new address")
    assert not os.path.exists(path)


def addresses(larder):
    return [listener["address"] for listener in larder.admin("GET", "/config").json()["listen"]]


def refuses(port):
    with socket.socket() as client:
        return client.connect_ex((HOST, port)) == errno.ECONNREFUSED


def test_the_same_port_of_all_addresses(origin, start_larder):
    VersionedApi(origin)
    larder = start_larder(MEMORY_ONLY + READS, origin=origin.url)
    reload(larder, listening(f"0.0.0.0:{larder.port}") + READS)
    assert larder.get("/articles/42").status == 200
    with socket.create_connection(("127.0.0.2", larder.port), timeout=5):
        pass


def test_an_address_that_is_taken_refuses_the_reload(origin, start_larder):
    VersionedApi(origin)
    larder = start_larder(MEMORY_ONLY + READS, origin=origin.url)
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        taken = f"{HOST}:{other.getsockname()[1]}"
        larder.write_config(listening(f"{HOST}:{larder.port}", f"{HOST}:{free_port()}", taken) + READS)
        answer = larder.admin("POST", "/reload")
    assert answer.status == 422
    [error] = answer.json()["errors"]
    assert error["path"] == "listen" and f"cannot listen on {taken}: the address is in use" in error["message"]
    assert larder.get("/articles/42").status == 200
    assert addresses(larder) == [f"{HOST}:{larder.port}"]


def test_a_successor_takes_the_addresses_of_the_reload(origin, start_larder):
    VersionedApi(origin)
    larder = start_larder(MEMORY_ONLY + READS, origin=origin.url)
    old = larder.port
    larder.port = free_port()
    reload(larder, MEMORY_ONLY + READS)
    larder.hand_over()
    assert larder.get("/articles/42").status == 200
    assert refuses(old)


def test_proxy_protocol_begins_with_the_next_connection(origin, start_larder):
    VersionedApi(origin)
    larder = start_larder(MEMORY_ONLY + READS, origin=origin.url)
    with larder.connect() as client:
        client.get("/articles/42")
        item = {"address": f"{HOST}:{larder.port}", "proxy_protocol": True}
        text = MEMORY_ONLY.replace("listen: <listen>", "trusted_proxies: [127.0.0.0/8]\nlisten: " + json.dumps([item]))
        reload(larder, text + READS)
        assert client.get("/articles/42").x_cache == "HIT"
    with larder.connect() as client:
        client.send(b"PROXY TCP4 10.0.0.7 10.0.0.8 1000 80\r\nGET /articles/42 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.read_response().status == 200


def test_memory_changes_at_once(origin, start_larder):
    for number in range(40):
        origin.on(f"GET /articles/{number}", reply(body=b"x" * 100_000))
    larder = start_larder(MEMORY_ONLY + READS, origin=origin.url)
    for number in range(40):
        larder.get(f"/articles/{number}")
    until(lambda: larder.metrics().total("larder_memory_entries") == 40, what="all entries")
    reload(larder, MEMORY_ONLY.replace("64MB", "1MB") + READS)
    assert "reload: memory: 1MB, was 64MB" in larder.log()
    until(lambda: larder.metrics().total("larder_memory_bytes") <= 1 << 20, what="the evictions")
    assert 1 <= larder.metrics().total("larder_memory_entries") < 11
    assert larder.admin("GET", "/config").json()["memory"] == "1MB"
    reload(larder, MEMORY_ONLY.replace("64MB", "off") + READS)
    until(lambda: larder.metrics().total("larder_memory_entries") == 0, what="the end of memory")
    assert [larder.get("/articles/1").x_cache for _ in range(2)] == ["MISS", "MISS"]
    reload(larder, MEMORY_ONLY + READS)
    larder.get("/articles/1")
    until(lambda: larder.get("/articles/1").x_cache == "HIT", what="a hit")


def test_the_memory_tier_comes_with_redis_at_the_next_start(origin, redis, start_larder):
    VersionedApi(origin)
    larder = start_larder(BOTH_TIERS + READS, origin=origin.url, redis=redis.url, memory="off")
    larder.wait_for_redis()
    larder.write_config(BOTH_TIERS.replace("<memory>", "64MB") + READS)
    answer = larder.admin("POST", "/reload")
    assert answer.status == 200 and answer.json()["needs_restart"] == ["memory"]


BAD = """\
memry: 5
memory: 12XB
routes:
  - {match: "GET /a/{id}", key: "a", ttl: 5q}
"""


def test_a_refused_reload_says_what_check_says(origin, start_larder):
    larder = start_larder(MEMORY_ONLY + READS, origin=origin.url)
    larder.write_config(BAD)
    answer = larder.admin("POST", "/reload")
    checked = run("check", "-c", larder.config_file, "--format", "json")
    assert answer.status == 422 and checked.returncode == 1
    assert answer.json() == json.loads(checked.stdout)
    assert [one["path"] for one in answer.json()["errors"]].count("origin") == 1
    told = [line for line in larder.log().splitlines() if " error " in line]
    assert len(told) == len(answer.json()["errors"]) + 1 and "\\x0a" not in larder.log()
    assert f"the old one stays: {len(told) - 1} errors" in told[-1]


def test_an_example_that_does_not_hold_refuses_the_reload(origin, start_larder):
    larder = start_larder(MEMORY_ONLY + READS, origin=origin.url)
    example = 'examples: [{request: GET /users/7, key: "user:7"}]\n'
    larder.write_config(example + MEMORY_ONLY + READS)
    answer = larder.admin("POST", "/reload")
    assert answer.status == 422 and "users:7" in answer.json()["errors"][0]["message"]
    larder.write_config(example.replace("user:7", "users:7") + MEMORY_ONLY + READS)
    assert larder.admin("POST", "/reload").status == 200


def test_an_accepted_reload_tells_warnings(origin, start_larder):
    larder = start_larder(MEMORY_ONLY + READS, origin=origin.url)
    answer = larder.admin("POST", "/reload").json()
    assert answer["errors"] == [] and answer["reloaded"] is True
    assert ["no write purges /articles" in one["message"] for one in answer["warnings"]] == [True, False]
