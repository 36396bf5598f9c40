"""Reads by a body, refreshes ahead, and what clients are told, over Redis and two instances."""
import pytest

from support.scripted_origin import Gate, reply
from support.waiting import Later, until

READS = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: {url: "<redis>"}
memory: <memory>
threads: 2
routes:
  - {match: "QUERY /search", key: "search:{body|json|sha256}", ttl: 60}
  - {match: "GET /hot", key: hot, ttl: 3s, refresh_ahead: 90%}
  - {match: "GET /told", key: told, ttl: 60, client_cache_control: no-cache, etag: on}
  - {match: "PUT /search", purge: []}
"""


@pytest.fixture(params=["64MB", "off"], ids=["memory", "redis only"])
def pair(request, origin, redis, start_larder):
    """Two instances that share a Redis."""
    both = [start_larder(READS, origin=origin.url, redis=redis.url, memory=request.param) for _ in range(2)]
    for one in both:
        one.wait_for_redis()
    return both


def ask(larder, body):
    return larder.request("QUERY", "/search", {"Content-Type": "application/json"}, body)


def test_equal_queries_at_two_instances_are_one_fetch(origin, pair):
    gate = Gate()
    origin.on("/search", reply(body=b"found").after(gate))
    others = [Later(ask, pair[i % 2], b'{"a": 1, "b": 2}' if i % 3 else b'{"b":2,"a":1.0}') for i in range(12)]
    gate.wait_for()
    gate.open()
    assert {other.finish().body for other in others} == {b"found"}
    assert origin.count("/search") == 1
    assert [ask(one, b'{"b":2,"a":1}').x_cache for one in pair] == ["HIT", "HIT"]


def test_a_write_at_one_instance_purges_the_queries_of_the_other(origin, pair):
    origin.on("QUERY /search", lambda request: reply(body=request.body))
    origin.on("DELETE /search", reply("204 No Content"))
    for one in pair:
        ask(one, b"[1]")
        assert ask(one, b"[1]").x_cache == "HIT"
    assert pair[0].request("DELETE", "/search").status == 204
    assert ask(pair[0], b"[1]").x_cache == "MISS"
    pair[0].request("DELETE", "/search")
    until(lambda: ask(pair[1], b"[1]").x_cache == "MISS", timeout=2)


def test_a_hot_entry_never_expires(origin, pair):
    counter = iter(range(1, 1000))
    origin.on("/hot", lambda request: reply(body=str(next(counter))))
    pair[0].get("/hot")
    words = set()

    def renewed():
        answers = [one.get("/hot") for one in pair]
        words.update(answer.x_cache for answer in answers)
        return all(int(answer.body) >= 4 for answer in answers)

    until(renewed, timeout=20)
    assert words == {"HIT"}


def test_what_clients_are_told_is_the_same_from_redis(origin, pair):
    origin.on("/told", reply(fields={"Cache-Control": "max-age=99", "Expires": "0"}, body=b"x"))
    assert pair[0].get("/told").all("cache-control") == ["no-cache"]
    answers = [one.get("/told") for one in (*pair, *pair)]
    assert [answer.x_cache for answer in answers] == ["HIT"] * 4
    assert {(*answer.all("cache-control"), answer.field("expires"), answer.field("age")) for answer in answers} == {
        ("no-cache", None, None)
    }
    assert len({answer.field("etag") for answer in answers}) == 1 and answers[0].field("etag")
    assert origin.count("/told") == 1
