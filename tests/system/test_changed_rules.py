"""Rules that change while writes are under way, or while their purges are planned; and what other rules have stored."""
import signal
import time

import pytest

from support.configurations import BOTH_TIERS
from support.raw_client import request_bytes
from support.scripted_origin import Gate, raw, reply
from support.waiting import Later, until

HEAD = """
listen: <listen>
admin: <admin>
origin: {servers: [<origin>], response_timeout: 700ms}
redis: <redis>
memory: 64MB
limits: {drain_timeout: 8s}
"""
RULES = HEAD + """\
routes:
  - {match: "GET /other/{id}", key: "other:{id}", ttl: 600}
  - {match: "GET /items/{id}", key: "<name>:{id}", ttl: 600}
  - {match: "PUT /items/{id}", purge: ["<name>:{id}"]}
  - {match: "PATCH /items/{id}", purge: ["<name>:{id}"], settle: 5s}
"""


def rules(name):
    return RULES.replace("<name>", name)


@pytest.fixture(params=["off", "redis"])
def api(request, origin, start_larder):
    """An origin whose item has a version, and a larder before it, with and without Redis."""
    where = request.getfixturevalue("redis").url if request.param == "redis" else "off"

    class Api:
        version = 0
        larder = start_larder(rules("item"), origin=origin.url, redis=where)

        def get(self, target="/items/1"):
            return self.larder.get(target)

        def store(self):
            until(lambda: self.get().x_cache == "HIT")
            until(lambda: self.get("/other/1").x_cache == "HIT")

        def change(self, way, name):
            before = self.larder.log().count("the configuration was reloaded")
            self.larder.write_config(rules(name))
            if way == "hand-over":
                self.larder.hand_over()
            else:
                self.larder.reload()
                until(lambda: self.larder.log().count("the configuration was reloaded") > before)
            if where != "off":
                self.larder.wait_for_redis()

    made = Api()
    for target in ("GET /items/1", "GET /other/1"):
        origin.on(target, lambda request: reply(body=b"%d" % made.version))
    if where != "off":
        made.larder.wait_for_redis()
    return made


WAYS = pytest.mark.parametrize("way", ["reload", "hand-over"])
NAMES = pytest.mark.parametrize("name", ["renamed", "item"])


@WAYS
@NAMES
def test_a_write_under_way_purges_what_the_new_rules_have_stored(origin, api, way, name):
    gate = Gate()
    origin.on("PUT /items/1", reply(body=b"{}").after(gate))
    write = Later(api.larder.request, "PUT", "/items/1", body=b"{}")
    gate.wait_for()
    api.change(way, name)
    api.store()
    api.version = 1
    gate.open()
    assert write.finish().status == 200
    assert api.get().body == b"1"


@NAMES
def test_a_write_that_is_answered_in_parts_purges_what_the_new_rules_have_stored(origin, api, name):
    gate = Gate()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    origin.on("PUT /items/1", raw(head, gate, b"3\r\ndef\r\n0\r\n\r\n"))
    with api.larder.connect() as client:
        client.send(request_bytes("PUT", "/items/1", body=b"{}"))
        assert client.read_head().status == 200
        api.change("reload", name)
        api.store()
        api.version = 1
        gate.open()
        client.read_until(b"0\r\n\r\n")
    assert api.get().body == b"1"


@pytest.mark.parametrize(
    "kind, way, name",
    [
        ("settle", "reload", "renamed"),
        ("settle", "hand-over", "renamed"),
        ("settle", "reload", "item"),
        ("unknown outcome", "reload", "renamed"),
        ("unknown outcome", "hand-over", "renamed"),
    ],
)
def test_a_planned_purge_finds_what_the_new_rules_have_stored(origin, api, way, name, kind):
    gate = Gate()
    origin.on("PATCH /items/1", reply(body=b"{}"))
    origin.on("PUT /items/1", reply(body=b"{}").after(gate))
    if kind == "settle":
        assert api.larder.request("PATCH", "/items/1", body=b"{}").status == 200
    else:
        assert api.larder.request("PUT", "/items/1", body=b"{}").status == 504
    begin = time.monotonic()
    api.change(way, name)
    api.store()
    assert time.monotonic() - begin < (4.9 if kind == "settle" else 9), "the change took too long to say anything"
    api.version = 1  # the API shows the write late
    gate.open()
    until(lambda: api.get().body == b"1", timeout=13, what="the planned purge")
    if kind == "settle" and way == "reload":
        assert api.get("/other/1").body == b"0"  # what was not renamed stays


@NAMES
def test_the_next_process_makes_a_planned_purge_by_its_own_rules(origin, start_larder, tmp_path, name):
    version = 0
    origin.on("GET /items/1", lambda request: reply(body=b"%d" % version))
    origin.on("GET /other/1", reply(body=b"other"))
    origin.on("PATCH /items/1", reply(body=b"{}"))
    text = "state: {}\n".format(tmp_path)
    larder = start_larder(rules("item") + text, origin=origin.url, redis="off")
    assert larder.request("PATCH", "/items/1", body=b"{}").status == 200
    larder.write_config(rules(name) + text)
    larder.restart(signal.SIGKILL)
    until(lambda: larder.get("/items/1").x_cache == "HIT")
    version = 1
    until(lambda: larder.get("/items/1").body == b"1", timeout=8, what="the planned purge")


STORED = BOTH_TIERS.replace("<memory>", "off")


def options(text, route="", key="a:{id}"):
    return STORED.replace("routes:\n", text + f'routes: [{{match: "GET /a/{{id}}", key: "{key}", ttl: 600{route}}}]\n')


OTHER_RULES = {
    "ignore_query": (options("", ", ignore_query: [user]"), options(""), "/a/1?user=bob", {}),
    "path_case": (options("path_case: insensitive\n"), options(""), "/A/1", {}),
    "a cookie, then a field": (options("", key="a:{cookie:u}"), options("", key="a:{header:x-u}"), "/a/1", {"X-U": "b"}),
    "status_ttl": (options("", ", status_ttl: {500: 60}"), options(""), "/a/1", {}),
    "tag_headers": (options(""), options("tag_headers: [x-tags]\n"), "/a/1", {}),
}


@pytest.mark.parametrize("first, second, target, fields", OTHER_RULES.values(), ids=OTHER_RULES)
@pytest.mark.parametrize("way", ["reload", "two instances"])
def test_what_other_rules_have_stored_is_not_served(
    origin, redis, start_larder, first, second, target, fields, way, request
):
    """In Redis alone: in memory a change of rules leaves nothing behind anyway."""
    status = "500 Oh" if "status_ttl" in request.node.callspec.id else "200 OK"
    for path in ("/a/1", "/A/1"):
        origin.on(f"GET {path}", lambda request: reply(status, body=request.target))
    larder = start_larder(first, origin=origin.url, redis=redis.url)
    larder.wait_for_redis()
    told = {**fields, "Cookie": "u=b"} if "cookie" in request.node.callspec.id else fields
    until(lambda: larder.get(target, told).x_cache == "HIT")
    if way == "reload":
        before = larder.log().count("the configuration was reloaded")
        larder.write_config(second)
        larder.reload()
        until(lambda: larder.log().count("the configuration was reloaded") > before)
    else:
        larder = start_larder(second, origin=origin.url, redis=redis.url)
        larder.wait_for_redis()
    assert larder.get("/a/1", fields).x_cache == "MISS"


def test_larders_on_other_databases_of_a_redis_are_no_peers(origin, redis, start_larder):
    """A restart with the snapshot loses nothing of one larder's entries, since no other has purged there."""
    origin.on("GET /a/1", reply(body=b"1"))
    text, server = options(""), redis.url.rsplit("/", 1)[0]
    here, there = (start_larder(text, origin=origin.url, redis=f"{server}/{number}") for number in (0, 1))
    here.wait_for_redis()
    there.wait_for_redis()
    assert until(lambda: here.get("/a/1").x_cache == "HIT") and until(lambda: there.get("/a/1").x_cache == "HIT")
    redis.save()
    redis.kill()
    redis.start()
    answers = []
    until(lambda: answers.append(here.get("/a/1").x_cache) or answers[-1] != "BYPASS")
    assert answers[-1] == "HIT"
