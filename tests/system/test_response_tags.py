"""Tags from the response only: a purge of a tag drops all entries that carry it, however many, and after any change."""
import pytest

from support.configurations import BOTH_TIERS
from support.waiting import until
from support.scripted_origin import Gate, reply
from support.waiting import Later

ROUTES = """\
  - {match: "GET /cached/{name}", key: "cached:{name}", ttl: 60, tags: ["author:{response:x-author}"]}
  - {match: "GET /stripped/{name}", key: "stripped:{name}", ttl: 60, tags: ["author:{response:x-author}"], strip: [surrogate-key, x-author]}
  - {match: "GET /long/{name}", key: "long:{name}", ttl: 60, tags: ["{response:x-long}"]}
"""
MEMORY_ONLY = BOTH_TIERS.replace('{url: "<redis>"}', "off") + ROUTES


@pytest.fixture(params=["memory", "redis", "both"])
def larder(request, origin, start_larder):
    if request.param == "memory":
        return start_larder(MEMORY_ONLY, origin=origin.url, memory="64MB")
    redis = request.getfixturevalue("redis")
    started = start_larder(
        BOTH_TIERS + ROUTES, origin=origin.url, redis=redis.url, memory="off" if request.param == "redis" else "64MB"
    )
    started.wait_for_redis()
    return started


@pytest.fixture
def memory_larder(origin, start_larder):
    return start_larder(MEMORY_ONLY, origin=origin.url, memory="64MB")


def not_modified(fields):
    """A 304 for who asks with a condition, a 200 with the same fields for who does not."""

    def answer(request):
        asked = request.field("if-none-match") is not None
        return reply("304 Not Modified" if asked else "200 OK", [("ETag", '"v"'), *fields], b"" if asked else b"body")

    return answer


def fill_and_make_stale(larder, target, key):
    assert larder.get(target).x_cache == "MISS"
    # A purge that comes before the fill has ended would drop it.
    until(lambda: "entry" in larder.admin("GET", f"/explain?method=GET&url={target}").json(), what="the entry")
    assert larder.get(target).x_cache == "HIT"
    assert larder.purge(keys=[key], soft=True).status == 200


def is_stored_again(larder, target):
    """A fetch answers before what it brought is stored. A purge in between would leave the old entry, which is stale."""
    until(
        lambda: larder.admin("GET", f"/explain?method=GET&url={target}").json()["decision"] == "hit",
        what="the entry that the 304 confirmed",
    )
    return larder.get(target).x_cache == "HIT"


@pytest.mark.parametrize("place", ["cached", "stripped"])
@pytest.mark.parametrize(
    "before, after, purged",
    [
        ([("Surrogate-Key", "a")], [("Surrogate-Key", "b")], "b"),
        ([("Cache-Tag", "a, c")], [("Cache-Tag", "a, b")], "b"),
        ([], [("Cache-Groups", '"b"')], "group:b"),
        ([("X-Author", "1")], [("X-Author", "2")], "author:2"),
        ([("Surrogate-Key", "a")], [], "a"),
        ([("X-Author", "1")], [], "author:1"),
    ],
)
def test_a_304_that_names_other_tags_changes_the_entrys(origin, larder, place, before, after, purged):
    target, key = f"/{place}/x", f"{place}:x"
    origin.on(target, reply(fields=[("ETag", '"v"'), *before], body=b"body"), not_modified(after))
    fill_and_make_stale(larder, target, key)
    assert larder.get(target).x_cache == "REVALIDATED"
    assert is_stored_again(larder, target)
    assert larder.purge(tags=[purged]).status == 200
    assert larder.get(target).x_cache == "MISS"


def test_a_304_that_takes_a_tag_away_frees_the_entry_of_it(origin, larder):
    origin.on(
        "/cached/x",
        reply(fields=[("ETag", '"v"'), ("Surrogate-Key", "a b")], body=b"body"),
        not_modified([("Surrogate-Key", "b")]),
    )
    fill_and_make_stale(larder, "/cached/x", "cached:x")
    assert larder.get("/cached/x").x_cache == "REVALIDATED"
    assert is_stored_again(larder, "/cached/x")
    larder.purge(tags=["a"])
    assert larder.get("/cached/x").x_cache == "HIT"
    larder.purge(tags=["b"])
    assert larder.get("/cached/x").x_cache == "MISS"


def test_an_answer_to_head_that_names_other_tags_changes_the_entrys(origin, larder):
    origin.on(
        "/cached/x",
        reply(fields=[("ETag", '"v"'), ("Surrogate-Key", "a")], body=b"body"),
        reply(fields=[("ETag", '"v"'), ("Surrogate-Key", "b")], body=b"body"),
    )
    fill_and_make_stale(larder, "/cached/x", "cached:x")
    assert larder.request("HEAD", "/cached/x").x_cache == "EXPIRED"
    assert larder.get("/cached/x").x_cache == "HIT"
    larder.purge(tags=["b"])
    assert larder.get("/cached/x").x_cache == "MISS"


def test_a_new_tag_that_was_purged_during_the_validation_keeps_the_304_out(origin, larder):
    gate = Gate()
    origin.on(
        "/cached/x",
        reply(fields=[("ETag", '"v"'), ("Surrogate-Key", "a")], body=b"body"),
        reply("304 Not Modified", [("ETag", '"v"'), ("Surrogate-Key", "b")]).after(gate),
        reply(fields=[("ETag", '"w"'), ("Surrogate-Key", "b")], body=b"newer"),
    )
    fill_and_make_stale(larder, "/cached/x", "cached:x")
    waiting = Later(larder.get, "/cached/x")
    gate.wait_for(1)
    larder.purge(tags=["b"])
    gate.open()
    waiting.finish()
    assert larder.get("/cached/x").body == b"newer"


def test_the_last_of_a_thousand_tags_purges(origin, larder):
    tags = [f"item:{number}" for number in range(1000)]
    origin.on("/cached/x", reply(fields=[("Surrogate-Key", " ".join(tags))], body=b"body"))
    for tag in (tags[149], tags[-1]):
        assert larder.get("/cached/x").cache_status.endswith("; stored")
        assert larder.get("/cached/x").x_cache == "HIT"
        assert larder.purge(tags=[tag]).status == 200
    assert larder.get("/cached/x").x_cache == "MISS"


@pytest.mark.parametrize(
    "target, fields",
    [
        ("/cached/x", [("Surrogate-Key", " ".join(str(number) for number in range(1025)))]),
        ("/cached/x", [("Surrogate-Key", "x" * 1025)]),
        ("/cached/x", [("Cache-Groups", ", ".join(f'"{number}"' for number in range(2000)))]),
        ("/long/x", [("X-Long", "x" * 1025)]),
    ],
    ids=["many", "long", "groups", "template"],
)
def test_what_names_more_tags_than_are_kept_is_not_stored(origin, memory_larder, target, fields):
    origin.on(target, reply(fields=fields, body=b"body"))
    first, second = memory_larder.get(target), memory_larder.get(target)
    assert (first.x_cache, second.x_cache, origin.count(target)) == ("MISS", "MISS", 2)
    assert first.cache_status == "larder; fwd=uri-miss; fwd-status=200; detail=limit"
    assert memory_larder.metrics_once("larder_not_stored_total", 2, reason="limit")
    # What is remembered as not stored is not looked up, and still tells why.
    assert memory_larder.get(target).cache_status.endswith("detail=limit")


def test_a_304_that_names_more_tags_than_are_kept_is_not_stored(origin, memory_larder):
    many = [("Surrogate-Key", " ".join(str(number) for number in range(1025)))]
    origin.on("/cached/x", reply(fields=[("ETag", '"v"'), ("Surrogate-Key", "a")], body=b"body"), not_modified(many))
    fill_and_make_stale(memory_larder, "/cached/x", "cached:x")
    answer = memory_larder.get("/cached/x")
    assert answer.status == 200 and answer.body == b"body" and "detail=limit" in answer.cache_status
    assert memory_larder.get("/cached/x").x_cache != "HIT"


def test_everything_that_a_write_names_is_purged(origin, larder):
    places = [f"/cached/{number}" for number in (0, 50, 199)]
    for place in places:
        origin.on(place, reply(fields=[("Cache-Groups", f'"g{place}"')], body=b"body"))
        larder.get(place)
        assert larder.get(place).x_cache == "HIT"
    origin.on("POST /other", reply(fields=[("Content-Location", f"/cached/{number}") for number in range(200)]))
    assert larder.request("POST", "/other", body=b"{}").status == 200
    assert [larder.get(place).x_cache for place in places] == ["MISS"] * 3

    groups = [f'"filler{number}"' for number in range(1100)] + [f'"g{place}"' for place in places]
    origin.on("POST /other", reply(fields=[("Cache-Group-Invalidation", ", ".join(groups))]))
    assert [larder.get(place).x_cache for place in places] == ["HIT"] * 3
    assert larder.request("POST", "/other", body=b"{}").status == 200
    assert [larder.get(place).x_cache for place in places] == ["MISS"] * 3


def test_an_answer_to_head_without_a_validator_prolongs_nothing(origin, larder):
    origin.on("/cached/x", reply(body=b"first"), reply(body=b"other"))
    fill_and_make_stale(larder, "/cached/x", "cached:x")
    larder.request("HEAD", "/cached/x")
    assert larder.get("/cached/x").body == b"other"


def test_a_304_that_nobody_asked_for_prolongs_nothing(origin, larder):
    origin.on("/cached/x", reply(body=b"first"), reply("304 Not Modified"), reply(body=b"other"))
    fill_and_make_stale(larder, "/cached/x", "cached:x")
    larder.get("/cached/x")
    assert larder.get("/cached/x").body == b"other"
