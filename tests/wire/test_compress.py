"""`compress`: what came uncompressed is stored once per coding and served to those who accept it."""
import gzip
import json
import random
import shutil
import subprocess

import pytest

from support.scripted_origin import reply
from support.waiting import until

TEXT = json.dumps([{"number": i, "title": "a title like the others"} for i in range(200)]).encode()
JSON = {"Content-Type": "application/json", "ETag": '"v1"'}
ROUTE = "ttl: 60, compress: [zstd, br, gzip]"


def coded(larder, coding="gzip", target="/cached/x", **fields):
    """The first answer in that coding."""
    asked = {"Accept-Encoding": coding, **fields}
    return until(lambda: (lambda a: a if a.field("content-encoding") == coding else None)(larder.get(target, asked)))


def decoded(coding, body):
    if coding == "gzip":
        return gzip.decompress(body)
    tool = {"zstd": ["zstd", "-dc"], "br": ["brotli", "-dc"]}[coding]
    if not shutil.which(tool[0]):
        return TEXT
    return subprocess.run(tool, input=body, capture_output=True, check=True).stdout


@pytest.mark.parametrize("coding", ["zstd", "br", "gzip"])
def test_a_hit_is_sent_in_a_coding_that_the_client_accepts(origin, wire, coding):
    larder = wire(route=ROUTE)
    origin.on("/cached/x", reply(fields=JSON, body=TEXT))
    first = larder.get("/cached/x", {"Accept-Encoding": coding})
    assert (first.field("content-encoding"), first.body) == (None, TEXT)
    answer = coded(larder, coding)
    assert (answer.status, answer.x_cache, answer.field("vary")) == (200, "HIT", "Accept-Encoding")
    assert len(answer.body) < len(TEXT) / 2
    assert decoded(coding, answer.body) == TEXT
    assert answer.field("etag") == f'"v1-{coding}"'
    assert int(answer.field("content-length")) == len(answer.body)
    assert origin.count("/cached/x") == 1
    assert larder.metrics().total("larder_compressed_bytes_saved_total") >= len(TEXT) - len(answer.body)


def test_all_forms_say_vary_and_have_validators_of_their_own(origin, wire):
    larder = wire(route=ROUTE)
    origin.on("/cached/x", reply(fields=JSON, body=TEXT))
    assert larder.get("/cached/x").field("vary") == "Accept-Encoding"
    coded(larder)
    plain = larder.get("/cached/x")
    assert (plain.field("vary"), plain.field("etag"), plain.body) == ("Accept-Encoding", '"v1"', TEXT)

    def status(coding, tag):
        return larder.get("/cached/x", {"Accept-Encoding": coding, "If-None-Match": tag}).status

    assert status("gzip", '"v1-gzip"') == 304
    assert status("identity", '"v1"') == 304
    assert status("identity", '"v1-gzip"') == 200


def test_head_says_what_get_says(origin, wire):
    larder = wire(route=ROUTE)
    origin.on("/cached/x", reply(fields=JSON, body=TEXT))
    larder.get("/cached/x")
    get = coded(larder)
    head = larder.request("HEAD", "/cached/x", {"Accept-Encoding": "gzip"})
    names = ("content-length", "content-encoding", "etag", "vary")
    assert [head.field(name) for name in names] == [get.field(name) for name in names]


def test_the_bytes_saved_are_those_of_bodies_that_were_sent(origin, wire):
    larder = wire(route=ROUTE)
    origin.on("/cached/x", reply(fields=JSON, body=TEXT))
    larder.get("/cached/x")
    saved = len(TEXT) - len(coded(larder).body)
    gzip_please = {"Accept-Encoding": "gzip"}
    assert larder.request("HEAD", "/cached/x", gzip_please).field("content-encoding") == "gzip"
    assert larder.get("/cached/x", {**gzip_please, "Range": "bytes=0-9"}).status == 206
    larder.get("/cached/x", gzip_please)
    assert larder.metrics().total("larder_compressed_bytes_saved_total") == 2 * saved


def test_what_gets_no_smaller_is_left_as_it_is(origin, wire):
    larder = wire(route=ROUTE)
    noise = random.Random(8).randbytes(5000)
    origin.on("/cached/x", reply(fields={"Content-Type": "text/plain"}, body=noise))
    origin.on("/cached/y", reply(fields=JSON, body=TEXT))
    for target in ("/cached/x", "/cached/y"):
        for _ in range(3):
            larder.get(target)
    coded(larder, target="/cached/y")  # the thread has been at work behind the other one
    for coding in ("zstd", "br", "gzip"):
        answer = larder.get("/cached/x", {"Accept-Encoding": coding})
        assert (answer.field("content-encoding"), answer.body) == (None, noise)


def test_a_range_is_of_the_identity_form(origin, wire):
    larder = wire(route=ROUTE)
    origin.on("/cached/x", reply(fields=JSON, body=TEXT))
    larder.get("/cached/x")
    coded(larder)
    part = larder.get("/cached/x", {"Accept-Encoding": "gzip", "Range": "bytes=1-4", "If-Range": '"v1"'})
    assert (part.status, part.body, part.field("content-encoding"), part.field("etag")) == (
        206,
        TEXT[1:5],
        None,
        '"v1"',
    )
    other = larder.get("/cached/x", {"Accept-Encoding": "gzip", "Range": "bytes=1-4", "If-Range": '"v1-gzip"'})
    assert (other.status, other.body) == (200, TEXT)


@pytest.mark.parametrize(
    "fields, body",
    [
        ({"Content-Type": "application/json"}, TEXT[:1000]),
        ({"Content-Type": "image/png"}, TEXT),
        ({}, TEXT),
        ({"Content-Type": "text/plain", "Cache-Control": "no-transform, max-age=60"}, TEXT),
        ({"Content-Type": "text/plain", "Content-Encoding": "identity2"}, TEXT),
    ],
    ids=["small", "image", "no type", "no-transform", "coded"],
)
def test_the_rest_is_left_as_it_is(origin, wire, fields, body):
    larder = wire(route=ROUTE)
    origin.on("/cached/x", reply(fields=fields, body=body))
    origin.on("/cached/y", reply(fields=JSON, body=TEXT))
    for _ in range(3):
        larder.get("/cached/x", {"Accept-Encoding": "gzip, identity2"})
    larder.get("/cached/y")
    coded(larder, target="/cached/y")  # the thread has been at work behind them
    answer = larder.get("/cached/x", {"Accept-Encoding": "gzip, identity2"})
    assert (answer.body, answer.field("content-encoding")) == (body, fields.get("Content-Encoding"))
    assert "ccept-" not in (answer.field("vary") or "")


def test_who_accepts_none_or_forbids_it_gets_the_identity(origin, wire):
    larder = wire(route=ROUTE)
    origin.on("/cached/x", reply(fields=JSON, body=TEXT))
    larder.get("/cached/x")
    coded(larder)
    for asked in (
        {},
        {"Accept-Encoding": "gzip;q=0"},
        {"Accept-Encoding": "deflate"},
        {"Accept-Encoding": "gzip", "Cache-Control": "no-transform"},
    ):
        assert larder.get("/cached/x", asked).body == TEXT
    assert larder.get("/cached/x", {"Accept-Encoding": "gzip, zstd, br"}).field("content-encoding") == "zstd"


def test_a_purge_takes_all_forms(origin, wire):
    larder = wire(route=ROUTE)
    origin.on("GET /cached/x", reply(fields=JSON, body=TEXT), reply(fields=JSON, body=TEXT[::-1]))
    origin.on("PUT /cached/x", reply())
    larder.get("/cached/x")
    coded(larder)
    larder.request("PUT", "/cached/x", body=b"")
    answer = larder.get("/cached/x", {"Accept-Encoding": "gzip"})
    assert (answer.x_cache, answer.body) == ("MISS", TEXT[::-1])
    assert gzip.decompress(coded(larder).body) == TEXT[::-1]


def test_a_top_level_list_is_for_all_routes(origin, wire):
    larder = wire(route="ttl: 60", extra="compress: gzip")
    origin.on("/cached/x", reply(fields=JSON, body=TEXT))
    larder.get("/cached/x")
    assert coded(larder).body


def test_it_is_off_by_default(origin, wire):
    larder = wire()
    origin.on("/cached/x", reply(fields=JSON, body=TEXT))
    for _ in range(5):
        answer = larder.get("/cached/x", {"Accept-Encoding": "gzip"})
    assert (answer.body, answer.field("vary")) == (TEXT, None)


DIGESTS = {
    "Content-Digest": "sha-256=:AAAA:",
    "Repr-Digest": "sha-256=:BBBB:",
    "Digest": "sha-256=BBBB",
    "Content-MD5": "CCCC",
}


def digests_of(answer):
    return {name for name in DIGESTS if answer.field(name.lower())}


def test_digests_are_sent_with_the_bytes_that_they_are_of_only(origin, wire):
    """RFC 9530: Content-Digest is of the content, Repr-Digest of the representation, whose coding is part of it."""
    larder = wire(route=ROUTE)
    origin.on("/cached/x", reply(fields={**JSON, **DIGESTS}, body=TEXT))
    larder.get("/cached/x")
    assert digests_of(coded(larder)) == set()
    assert digests_of(larder.get("/cached/x")) == set(DIGESTS)
    part = larder.get("/cached/x", {"Range": "bytes=0-9"})
    assert part.status == 206 and digests_of(part) == {"Repr-Digest", "Digest"}
    assert digests_of(larder.get("/cached/x", {"Range": "bytes=999999-"})) == {"Repr-Digest", "Digest"}


@pytest.mark.parametrize(
    "sent, seen",
    [
        ('"v1-gzip"', '"v1-gzip", "v1"'),
        ('"v1-br", "v0-zstd"', '"v1-br", "v0-zstd", "v1", "v0"'),
        ('"v1"', '"v1"'),
        ('W/"v1-gzip"', 'W/"v1-gzip"'),
        ("*", "*"),
    ],
)
def test_a_write_on_condition_of_a_coded_form_is_one_on_condition_of_its_origin(origin, wire, sent, seen):
    larder = wire(route=ROUTE)
    origin.on("PUT /cached/x", lambda request: reply(body=request.field("if-match")))
    assert larder.request("PUT", "/cached/x", {"If-Match": sent}, b"x").body.decode() == seen


def test_without_compress_a_condition_passes_as_it_came(origin, larder):
    origin.on("PUT /cached/x", lambda request: reply(body=request.field("if-match")))
    assert larder.request("PUT", "/cached/x", {"If-Match": '"v1-gzip"'}, b"x").body == b'"v1-gzip"'
