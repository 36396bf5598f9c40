"""Read your writes, no resurrection, one fetch."""
import threading
import time

import pytest

from support.configurations import ARTICLES, BOTH_TIERS
from support.scripted_origin import Gate, reply
from support.versioned_api import VersionedApi
from support.waiting import Later, all_at_once, until

MEMORY = pytest.mark.parametrize("memory", ["off", "64MB"])


class HoldFirstRead:
    """The first read of an article has made its representation and then waits at the gate."""

    def __init__(self):
        self.gate, self._lock, self._seen = Gate(), threading.Lock(), 0

    def __call__(self, request):
        with self._lock:
            self._seen += 1
            first = self._seen == 1
        if first:
            self.gate.pass_through()


@MEMORY
def test_a_fetch_that_began_before_a_purge_does_not_put_its_result_back(origin, redis, articles_larder, memory):
    hold = HoldFirstRead()
    VersionedApi(origin, before_read=hold)
    larder = articles_larder(origin, redis, memory)
    old = Later(larder.get, "/articles/42")
    hold.gate.wait_for(1)
    assert larder.request("PUT", "/articles/42", body={}).json() == {"version": 1}
    hold.gate.open()
    assert old.finish().json()["version"] == 0
    assert redis.entries() == []
    assert larder.get("/articles/42").json()["version"] == 1


@MEMORY
@pytest.mark.parametrize("what", [{"keys": ["articles:42"]}, {"patterns": ["articles:*"]}, {"urls": ["/articles/42"]}])
def test_no_kind_of_purge_lets_an_older_fetch_store(origin, redis, articles_larder, memory, what):
    hold = HoldFirstRead()
    api = VersionedApi(origin, before_read=hold)
    larder = articles_larder(origin, redis, memory)
    old = Later(larder.get, "/articles/42")
    hold.gate.wait_for(1)
    api.version = 1
    larder.purge(**what)
    hold.gate.open()
    dropped = old.finish()
    assert "; stored" not in dropped.cache_status and "purged-during-fetch" in dropped.cache_status
    assert larder.get("/articles/42").json()["version"] == 1
    larder.metrics_once("larder_fills_discarded_total", 1)


@MEMORY
def test_a_purge_by_tag_drops_a_fetch_under_way_whose_answer_carries_the_tag(origin, redis, articles_larder, memory):
    gate = Gate()
    origin.on(
        "GET /articles/1",
        reply(fields={"Surrogate-Key": "front"}, body=b"old").after(gate),
        reply(fields={"Surrogate-Key": "front"}, body=b"new"),
    )
    larder = articles_larder(origin, redis, memory)
    old = Later(larder.get, "/articles/1")
    gate.wait_for(1)
    larder.purge(tags=["front"])
    gate.open()
    old.finish()
    assert larder.get("/articles/1").body == b"new"


TAGGED = (
    BOTH_TIERS
    + """\
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 300, tags: ["article:{id}", "author:{response:x-author}"]}
"""
)


@MEMORY
@pytest.mark.parametrize("tag", ["article:1", "author:3", "front"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_reader_after_a_purge_by_tag_does_not_join_an_older_fetch(
    origin, redis, articles_larder, memory, tag, elsewhere
):
    gate = Gate()
    fields = {"Surrogate-Key": "front", "X-Author": "3"}
    origin.on("GET /articles/1", reply(fields=fields, body=b"old").after(gate), reply(fields=fields, body=b"new"))
    here, there = articles_larder(origin, redis, memory, TAGGED), articles_larder(origin, redis, memory, TAGGED)
    old = Later(here.get, "/articles/1")
    gate.wait_for(1)
    assert (there if elsewhere else here).purge(tags=[tag]).status == 200
    later = Later(here.get, "/articles/1")
    until(lambda: here.metrics().total("larder_client_connections") >= 2)
    gate.open()
    assert old.finish().body == b"old"
    assert later.finish().body == b"new"
    assert here.get("/articles/1").body == b"new"


@MEMORY
def test_a_reader_after_a_write_does_not_join_an_older_fetch(origin, redis, articles_larder, memory):
    hold = HoldFirstRead()
    VersionedApi(origin, before_read=hold)
    here, there = articles_larder(origin, redis, memory), articles_larder(origin, redis, memory)
    old = Later(here.get, "/articles/42")
    hold.gate.wait_for(1)
    here.request("PUT", "/articles/42", body={})
    for larder in (here, there):
        assert larder.get("/articles/42").json()["version"] == 1
    hold.gate.open()
    old.finish()
    for larder in (here, there):
        assert larder.get("/articles/42").json()["version"] == 1


@MEMORY
def test_every_reader_sees_the_writes_answered_before_it_asked(origin, redis, articles_larder, memory):
    """Three clients write and read back, six more only read: no read is older than a write answered before it."""
    api = VersionedApi(origin)
    larder = articles_larder(origin, redis, memory)
    deadline = time.monotonic() + 4
    answered, lock, stale = [0], threading.Lock(), []

    def read(client, target):
        with lock:
            at_least = answered[0]
        seen = client.get(target).json()["version"]
        if seen < at_least:
            stale.append((target, seen, at_least))

    def one(number):
        asked = 0
        with larder.connect() as client:
            while time.monotonic() < deadline:
                if number < 3:
                    version = client.request("PUT", "/articles/42", body={}).json()["version"]
                    with lock:
                        answered[0] = max(answered[0], version)
                for target in ("/articles/42", "/articles", "/articles?skip=20"):
                    read(client, target)
                    asked += 1
        return asked

    asked = sum(all_at_once(9, one))
    assert stale == [] and api.version > 20 and asked > 200


@pytest.mark.parametrize("clients", [10, 200])
def test_requests_for_one_cold_key_cost_one_fetch(origin, redis, articles_larder, clients):
    gate = Gate()
    origin.on("GET /articles/42", reply(body=b"one").after(gate))
    # Each asks Redis once before it joins: on a slow machine that may take longer than the default timeout.
    larder = articles_larder(origin, redis, text=ARTICLES.replace('url: "<redis>"', 'url: "<redis>", timeout: 2s'))
    answers = Later(all_at_once, clients, lambda _: larder.get("/articles/42"))
    gate.wait_for(1)
    until(lambda: larder.metrics().total("larder_client_connections") >= clients, what="all clients' connections")
    gate.open()
    answers = answers.finish()
    assert [answer.body for answer in answers] == [b"one"] * clients
    assert origin.count("GET /articles/42") == 1
    larder.metrics_once("larder_coalesced_requests_total", 1)


@MEMORY
def test_two_instances_share_one_fetch(origin, redis, articles_larder, memory):
    gate = Gate()
    origin.on("GET /articles/42", reply(body=b"one").after(gate))
    both = [articles_larder(origin, redis, memory), articles_larder(origin, redis, memory)]
    answers = Later(all_at_once, 40, lambda number: both[number % 2].get("/articles/42"))
    gate.wait_for(1)
    for larder in both:
        until(lambda: larder.metrics().total("larder_client_connections") >= 20, what="the clients' connections")
    gate.open()
    assert [answer.body for answer in answers.finish()] == [b"one"] * 40
    assert origin.count("GET /articles/42") == 1


def test_those_who_waited_for_an_uncacheable_answer_are_released_together(origin, redis, articles_larder):
    first, rest = Gate(), Gate()
    private = reply(fields={"Cache-Control": "private"}, body=b"mine")
    origin.on("GET /articles/42", private.after(first), private.after(rest))
    larder = articles_larder(origin, redis)
    answers = Later(all_at_once, 20, lambda _: larder.get("/articles/42"))
    first.wait_for(1)
    until(lambda: larder.metrics().total("larder_client_connections") >= 20, what="all clients' connections")
    first.open()
    rest.wait_for(19)  # all at the origin at the same time, not one after another
    rest.open()
    answers = answers.finish()
    assert [answer.status for answer in answers] == [200] * 20
    assert not any(answer.x_cache == "HIT" for answer in answers)


def test_a_waiter_does_not_wait_for_ever(origin, redis, articles_larder):
    gate = Gate()
    origin.on("GET /tags", reply(body=b"slow").after(gate), reply(body=b"quick"))
    text = ARTICLES.replace('key: "tags:list", ttl: 300', 'key: "tags:list", ttl: 300, wait: 300ms')
    larder = articles_larder(origin, redis, text=text)
    slow = Later(larder.get, "/tags")
    gate.wait_for(1)
    second = larder.get("/tags")
    assert (second.body, second.status) == (b"quick", 200) and second.seconds < 5
    gate.open()
    assert slow.finish().body == b"slow"


def test_a_leader_that_goes_away_does_not_take_the_others_along(origin, redis, articles_larder):
    gate = Gate()
    origin.on("GET /articles/42", reply(body=b"one").after(gate))
    larder = articles_larder(origin, redis)
    leader = larder.connect()
    leader.send(b"GET /articles/42 HTTP/1.1\r\nHost: api.test\r\n\r\n")
    gate.wait_for(1)
    others = Later(all_at_once, 5, lambda _: larder.get("/articles/42"))
    leader.reset()
    gate.open()
    assert [answer.body for answer in others.finish()] == [b"one"] * 5


def test_a_failed_fetch_answers_all_who_wait_and_is_not_stored(origin, redis, articles_larder):
    gate = Gate()
    origin.on("GET /articles/42", reply("500 Internal Server Error", body=b"oops").after(gate), reply(body=b"fine"))
    larder = articles_larder(origin, redis)
    first = Later(larder.get, "/articles/42")
    gate.wait_for(1)
    gate.open()
    assert first.finish().status == 500
    assert redis.entries() == []
    assert larder.get("/articles/42").body == b"fine"
