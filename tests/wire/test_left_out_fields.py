"""Fields that larder keeps out of the stored head still decide about the entry when a 304 does not repeat them."""
import pytest

from support.scripted_origin import reply
from support.waiting import until

NOT_MODIFIED = reply("304 Not Modified", fields={"ETag": '"e"'})


def first(*fields):
    return reply(fields=[("ETag", '"e"'), *fields], body=b"x")


def by_language(*fields):
    """An origin with one representation for each language, and one tag for all, which confirms it by a 304."""

    def answer(request):
        if request.field("if-none-match"):
            return NOT_MODIFIED
        return reply(fields=[("ETag", '"e"'), *fields], body=request.field("accept-language"))

    return answer


def wait_for_revalidation(larder, origin, fields=()):
    count = origin.count("/cached/x")
    until(lambda: larder.get("/cached/x", fields) and origin.count("/cached/x") > count, what="a revalidation")


@pytest.mark.parametrize(
    "options, fields",
    [
        (", strip: [vary]", [("Vary", "Accept-Language"), ("Cache-Control", "max-age=1")]),
        ("", [("Vary", "Accept-Language"), ("Cache-Control", 'max-age=1, private="vary"')]),
        (", strip: [vary, etag]", [("Vary", "Accept-Language"), ("Cache-Control", "max-age=1")]),
    ],
)
def test_vary(origin, wire, options, fields):
    origin.on("/cached/x", by_language(*fields))
    larder = wire(route="ttl: 60" + options)
    german, english = {"Accept-Language": "de"}, {"Accept-Language": "en"}
    assert larder.get("/cached/x", german).body == b"de"
    wait_for_revalidation(larder, origin, german)
    assert larder.get("/cached/x", english).body == b"en"
    assert larder.get("/cached/x", german).body == b"de"


@pytest.mark.parametrize("control", ["no-cache", "max-age=0, must-revalidate"])
def test_cache_control(origin, wire, control):
    origin.on("/cached/x", first(("Cache-Control", control)), NOT_MODIFIED)
    larder = wire(route="ttl: 60, strip: [cache-control]")
    for asked in range(1, 5):
        answer = larder.get("/cached/x")
        assert answer.field("cache-control") is None and answer.body == b"x"
        assert origin.count("/cached/x") == asked, answer.cache_status


def test_cdn_cache_control(origin, wire):
    origin.on("/cached/x", first(("CDN-Cache-Control", "no-cache"), ("Cache-Control", "max-age=60")), NOT_MODIFIED)
    larder = wire(route="ttl: 60, strip: [cdn-cache-control]")
    for asked in range(1, 5):
        assert larder.get("/cached/x").field("cdn-cache-control") is None
        assert origin.count("/cached/x") == asked


def test_expires(origin, wire):
    origin.on("/cached/x", first(("Expires", "0")), NOT_MODIFIED)
    larder = wire(route="ttl: 60, strip: [expires]")
    for asked in range(1, 5):
        assert larder.get("/cached/x").field("expires") is None
        assert origin.count("/cached/x") == asked


def test_a_field_that_the_304_brings_takes_the_place_of_the_one_that_was_left_out(origin, wire):
    confirmed = reply("304 Not Modified", fields={"ETag": '"e"', "Cache-Control": "max-age=60"})
    origin.on("/cached/x", first(("Cache-Control", "no-cache")), confirmed)
    larder = wire(route="ttl: 60, strip: [cache-control]")
    assert [larder.get("/cached/x").x_cache for _ in range(3)] == ["MISS", "REVALIDATED", "HIT"]
