"""What may be stored, for whom, and how it is shown. One instance, memory only."""
import time
from email.utils import formatdate

import pytest

from support.raw_client import request_bytes
from support.scripted_origin import Gate, chunked, reply, until_close
from support.waiting import until


def words(larder, target="/cached/x", times=2, fields=()):
    return [larder.get(target, fields).x_cache for _ in range(times)]


def first_that_is_no_hit(larder, target="/cached/x"):
    """Asks until the entry's second of freshness is over."""
    answers = []

    def expired():
        answers.append(larder.get(target))
        return answers[-1].x_cache != "HIT"

    until(expired)
    return answers[-1]


@pytest.mark.parametrize(
    "answer",
    [
        reply(fields={"X-a": "1", "Content-Type": "text/plain"}, body=bytes(range(256))),
        chunked(b"one", b"two"),
        until_close(b"all"),
        reply(),
    ],
    ids=["length", "chunked", "close", "empty"],
)
def test_a_hit_is_the_response_as_it_came(origin, larder, answer):
    origin.on("/cached/x", answer)
    first, second = larder.get("/cached/x"), larder.get("/cached/x")
    assert (first.x_cache, second.x_cache) == ("MISS", "HIT")

    def plain(response):
        return [
            field
            for field in response.fields
            if field[0].lower()
            not in ("x-cache", "cache-status", "age", "date", "transfer-encoding", "content-length", "connection")
        ]

    assert (second.status, second.reason, second.body, plain(second)) == (
        first.status,
        first.reason,
        first.body,
        plain(first),
    )
    assert second.field("age") == "0" or int(second.field("age")) < 10
    assert origin.count("/cached/x") == 1


def test_head_is_answered_from_what_get_stored(origin, larder):
    origin.on("/cached/x", reply(body=b"x" * 500))
    larder.get("/cached/x")
    with larder.connect() as client:
        head = client.request("HEAD", "/cached/x")
        assert (head.x_cache, head.field("content-length")) == ("HIT", "500")
        assert client.get("/cached/x").body == b"x" * 500


@pytest.mark.parametrize(
    "fields, reason",
    [
        ({"Cache-Control": "no-store"}, "no-store"),
        ({"Cache-Control": "private"}, "private"),
        ({"Set-Cookie": "a=1"}, "set-cookie"),
        ({"Vary": "*"}, "vary-star"),
        ({"CDN-Cache-Control": "no-store", "Cache-Control": "max-age=60"}, "no-store"),
        ([("Cache-Control", "max-age=60"), ("Cache-Control", "private")], "private"),
    ],
)
def test_what_the_origin_keeps_to_one_reader_is_not_stored(origin, larder, fields, reason):
    origin.on("/cached/x", reply(fields=fields, body=b"mine"))
    responses = [larder.get("/cached/x") for _ in range(2)]
    assert [response.x_cache for response in responses] == ["MISS", "MISS"]
    assert f"detail={reason}" in responses[0].cache_status and "; stored" not in responses[0].cache_status
    assert larder.metrics_once("larder_not_stored_total", 2, reason=reason).total("larder_not_stored_total") == 2


@pytest.mark.parametrize(
    "fields, reason", [({"Authorization": "Basic x"}, "authorization"), ({"Cookie": "session=1"}, "cookie")]
)
def test_a_readers_own_answer_is_for_that_reader_only(origin, larder, fields, reason):
    origin.on(
        "/cached/x",
        lambda request: reply(body=request.field("authorization") or request.field("cookie") or "anonymous"),
    )
    mine = larder.get("/cached/x", fields)
    assert (mine.x_cache, mine.cache_status) == ("BYPASS", f"larder; fwd=bypass; detail={reason}")
    assert larder.get("/cached/x").body == b"anonymous"
    assert larder.get("/cached/x", fields).body != b"anonymous"


def test_an_answer_marked_public_may_be_shared(origin, larder):
    origin.on("/cached/x", reply(fields={"Cache-Control": "public, max-age=60"}, body=b"all"))
    larder.get("/cached/x")
    assert words(larder, fields={"Authorization": "Basic x"}, times=1) == ["HIT"]


@pytest.mark.parametrize(
    "route, fields, expected",
    [
        ("ttl: 60", {}, ["MISS", "HIT"]),
        ("ttl: 60", {"Cache-Control": "max-age=0"}, ["MISS", "MISS"]),
        ("ttl: 0", {}, ["MISS", "MISS"]),
        ("ttl: 0", {"Cache-Control": "s-maxage=60, max-age=0"}, ["MISS", "HIT"]),
        ("ttl: 0", {"CDN-Cache-Control": "max-age=60", "Cache-Control": "no-store"}, ["MISS", "HIT"]),
        ("ttl: 60, ignore: [cache-control]", {"Cache-Control": "no-store"}, ["MISS", "HIT"]),
        ("ttl: 60, ignore: [set-cookie]", {"Set-Cookie": "a=1"}, ["MISS", "HIT"]),
        ("ttl: 60, strip: [set-cookie]", {"Set-Cookie": "a=1"}, ["MISS", "HIT"]),
    ],
    ids=str,
)
def test_how_long_a_response_is_fresh(origin, wire, route, fields, expected):
    origin.on("/cached/x", reply(fields=fields, body=b"x"))
    got = words(wire(route=route))
    assert got == expected or (expected == ["MISS", "MISS"] and got == ["MISS", "EXPIRED"])


@pytest.mark.parametrize("memory, kept, passed", [("64MB", 23, 26), ("256MB", 60, 0), ("8MB", 2, 4)])
def test_what_is_too_large_for_memory_is_never_said_to_be_stored(origin, wire, memory, kept, passed):
    """Three eighths of memory, in megabytes: what is smaller is kept, whatever parts memory has."""
    larder = wire(limits="{max_object: 63MB}", extra=f"memory: {memory}")
    for size in filter(None, (kept, passed)):
        origin.on(f"GET /cached/{size}", reply(body=b"x" * (size << 20)))
        first, second = larder.get(f"/cached/{size}"), larder.get(f"/cached/{size}")
        is_kept = size == kept
        assert ("stored" in first.cache_status, second.x_cache) == (is_kept, "HIT" if is_kept else "MISS")
        assert ("too-large" in first.cache_status) != is_kept


def test_a_stripped_field_is_no_trailer_and_not_in_an_interim_response_either(origin, wire):
    larder = wire(route="ttl: 60, strip: [x-internal]")
    secret = {"X-Internal": "secret"}
    trailers = [("x-internal", "secret"), ("X-Sum", "7")]
    answer = chunked(b"one", b"two", fields=secret, trailers=trailers).interim("103 Early Hints", secret)
    origin.on("/cached/x", answer)
    for fields in ({}, {"Cache-Control": "no-store"}, {"Authorization": "x"}):
        with larder.connect() as client:
            client.send(request_bytes("GET", "/cached/x", fields))
            seen = client.read_until(b"\r\n0\r\n") + client.read_until(b"\r\n\r\n")
            assert b"103" in seen and b"X-Sum: 7" in seen and b"secret" not in seen
        larder.purge(everything=True)


def test_a_stripped_field_is_not_sent_either(origin, wire):
    origin.on("/cached/x", reply(fields={"Set-Cookie": "a=1", "X-Kept": "1"}, body=b"x"))
    larder = wire(route="ttl: 60, strip: [set-cookie]")
    for _ in range(2):
        response = larder.get("/cached/x")
        assert response.field("set-cookie") is None and response.field("x-kept") == "1"


def test_expires_counts_where_nothing_better_is_said(origin, wire):
    origin.on(
        "/cached/x",
        reply(
            fields={"Date": formatdate(time.time(), usegmt=True), "Expires": formatdate(time.time() + 60, usegmt=True)}
        ),
    )
    assert words(wire(route="name: plain")) == ["MISS", "HIT"]


@pytest.mark.parametrize(
    "status, route, expected",
    [
        ("404 Not Found", "ttl: 60", "MISS"),
        ("404 Not Found", "ttl: 60, status_ttl: {404: 10s}", "HIT"),
        ("301 Moved Permanently", "ttl: 60", "HIT"),
        ("500 Internal Server Error", "ttl: 60", "MISS"),
        ("302 Found", "ttl: 60", "MISS"),
    ],
)
def test_which_statuses_a_routes_time_covers(origin, wire, status, route, expected):
    origin.on("/cached/x", reply(status, {"Location": "/y"}, b"x"))
    assert words(wire(route=route)) == ["MISS", expected]


def test_each_variant_has_its_own_answer(origin, larder):
    origin.on(
        "/cached/x",
        lambda request: reply(
            fields=[("Vary", "Accept-Language"), ("Vary", "X-Kind")],
            body=f"{request.field('accept-language')} {request.field('x-kind')}",
        ),
    )
    german, english = {"Accept-Language": "de"}, {"Accept-Language": "en"}
    assert words(larder, fields=german) == ["MISS", "HIT"]
    other = larder.get("/cached/x", english)
    assert (other.body, other.x_cache) == (b"en None", "MISS") and "fwd=vary-miss" in other.cache_status
    assert words(larder, fields=german) == words(larder, fields=english) == ["HIT", "HIT"]
    assert larder.get("/cached/x", {**german, "X-Kind": "a"}).body == b"de a"


def test_a_forged_host_cannot_plant_an_answer_for_others(origin, larder):
    origin.on("/cached/x", lambda request: reply(body=f"link to {request.field('host')}"))
    assert larder.get("/cached/x", host="evil.test").body == b"link to evil.test"
    assert larder.get("/cached/x").body == b"link to api.test"
    assert larder.get("/cached/x", host="evil.test").x_cache == "HIT"


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL"])
def test_a_field_that_changes_what_is_asked_is_not_cached(origin, larder, name):
    origin.on("/cached/x", lambda request: reply(body=request.field(name) or "plain"))
    planted = larder.get("/cached/x", {name: "/admin"})
    assert planted.x_cache == "BYPASS" and "unsafe-header" in planted.cache_status
    assert larder.get("/cached/x").body == b"plain"


def test_a_get_with_a_body_is_not_cached(origin, larder):
    origin.on("/cached/x", lambda request: reply(body=request.body or b"plain"))
    planted = larder.request("GET", "/cached/x", body=b"planted")
    assert (planted.body, planted.x_cache) == (b"planted", "BYPASS") and "detail=body" in planted.cache_status
    assert larder.get("/cached/x").body == b"plain"


def test_a_reader_who_has_it_already_is_told_so(origin, larder):
    origin.on("/cached/x", reply(fields={"ETag": '"a"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, body=b"x"))
    larder.get("/cached/x")
    for fields in (
        {"If-None-Match": '"a"'},
        {"If-None-Match": '"b", W/"a"'},
        {"If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"},
    ):
        answer = larder.get("/cached/x", fields)
        assert (answer.status, answer.x_cache, answer.field("etag"), answer.body) == (304, "HIT", '"a"', b"")
    assert larder.get("/cached/x", {"If-None-Match": '"b"'}).status == 200
    assert origin.count("/cached/x") == 1


def test_a_conditional_request_on_a_cold_key_stores_the_whole_or_nothing(origin, larder):
    origin.on(
        "/cached/x",
        lambda request: reply("304 Not Modified", {"ETag": '"a"'})
        if request.field("if-none-match") == '"a"'
        else reply(fields={"ETag": '"a"'}, body=b"whole"),
    )
    assert larder.get("/cached/x", {"If-None-Match": '"a"'}).status in (200, 304)
    assert larder.get("/cached/x").body == b"whole"


@pytest.mark.parametrize(
    "wanted, status, body, content_range",
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_a_part_of_what_is_stored(origin, larder, wanted, status, body, content_range):
    origin.on("/cached/x", reply(body=b"0123456789"))
    larder.get("/cached/x")
    answer = larder.get("/cached/x", {"Range": wanted})
    assert (answer.status, answer.field("content-range")) == (status, content_range)
    assert body is None or answer.body == body


def test_a_part_never_stands_for_the_whole(origin, larder):
    origin.on(
        "/cached/x",
        lambda request: reply("206 Partial Content", {"Content-Range": "bytes 0-3/10"}, b"0123")
        if request.field("range")
        else reply(body=b"0123456789"),
    )
    assert larder.get("/cached/x", {"Range": "bytes=0-3"}).body == b"0123"
    assert larder.get("/cached/x").body == b"0123456789"


def test_clients_cannot_drain_the_origin_but_may_ask_for_the_cache_only(origin, larder):
    origin.on("/cached/x", reply(body=b"x"))
    cold = larder.get("/cached/x", {"Cache-Control": "only-if-cached"})
    assert cold.status == 504 and "only-if-cached" in cold.cache_status
    larder.get("/cached/x")
    assert larder.get("/cached/x", {"Cache-Control": "no-cache", "Pragma": "no-cache"}).x_cache == "HIT"
    assert larder.get("/cached/x", {"Cache-Control": "only-if-cached"}).x_cache == "HIT"
    assert origin.count("/cached/x") == 1


def test_a_route_may_honour_a_clients_no_cache(origin, wire):
    origin.on("/cached/x", reply(body=b"x"))
    larder = wire(route="ttl: 60, client_no_cache: honour")
    larder.get("/cached/x")
    answer = larder.get("/cached/x", {"Cache-Control": "no-cache"})
    assert answer.x_cache == "BYPASS" and "fwd=request" in answer.cache_status
    assert origin.count("/cached/x") == 2


def test_what_is_too_large_streams_through_unstored(origin, wire):
    origin.on("/cached/x", reply(body=b"x" * 3000))
    larder = wire(route="ttl: 60, max_object: 2KB")
    responses = [larder.get("/cached/x") for _ in range(2)]
    assert [response.body for response in responses] == [b"x" * 3000] * 2
    assert "detail=too-large" in responses[0].cache_status or responses[1].x_cache == "MISS"
    assert origin.count("/cached/x") == 2


def test_stale_answers_bridge_a_failing_origin(origin, wire):
    origin.on(
        "/cached/x",
        reply(fields={"Cache-Control": "max-age=1"}, body=b"good"),
        reply("503 Service Unavailable", body=b"bad"),
    )
    larder = wire(route="ttl: 60, stale_if_error: 60s")
    larder.get("/cached/x")
    answer = first_that_is_no_hit(larder)
    assert (answer.x_cache, answer.status, answer.body) == ("STALE", 200, b"good")
    assert answer.cache_status.startswith("larder; hit; ttl=-") or answer.cache_status.startswith("larder; hit; ttl=0")
    assert answer.cache_status.endswith("detail=origin-error")


def test_a_stale_answer_is_served_while_one_request_refreshes_it(origin, wire):
    gate = Gate()
    origin.on("/cached/x", reply(fields={"Cache-Control": "max-age=1"}, body=b"old"), reply(body=b"new").after(gate))
    larder = wire(route="ttl: 60, stale_while_revalidate: 60s")
    larder.get("/cached/x")
    answer = first_that_is_no_hit(larder)
    assert (answer.x_cache, answer.body) == ("UPDATING", b"old") and "detail=revalidating" in answer.cache_status
    gate.wait_for(1)
    assert words(larder, times=3) == ["UPDATING"] * 3
    gate.open()
    until(lambda: larder.get("/cached/x").body == b"new")
    assert origin.count("/cached/x") == 2


def test_an_expired_entry_is_revalidated(origin, larder):
    origin.on(
        "/cached/x",
        reply(fields={"Cache-Control": "max-age=1", "ETag": '"a"', "X-N": "1"}, body=b"x"),
        reply("304 Not Modified", {"Cache-Control": "max-age=60", "ETag": '"a"', "X-N": "2"}),
    )
    larder.get("/cached/x")
    answer = first_that_is_no_hit(larder)
    assert (answer.x_cache, answer.body, answer.field("x-n")) == ("REVALIDATED", b"x", "2")
    assert answer.cache_status == "larder; fwd=stale; fwd-status=304; stored"
    assert origin.requests("/cached/x")[1].field("if-none-match") == '"a"'
    assert words(larder) == ["HIT", "HIT"]


def test_shadow_mode_always_asks_the_origin_and_reports(origin, wire):
    origin.on("/cached/x", reply(body=b"a"), reply(body=b"a"), reply(body=b"b"))
    larder = wire(route="ttl: 60, mode: shadow")
    assert [larder.get("/cached/x").body for _ in range(3)] == [b"a", b"a", b"b"]
    metrics = larder.metrics_once("larder_shadow_total", 3)
    assert [metrics.total("larder_shadow_total", result=result) for result in ("miss", "match", "mismatch")] == [
        1,
        1,
        1,
    ]


KEYS = """
listen: <listen>
admin: <admin>
origin: <origin>
routes:
  - {match: "GET /q", key: "q:{a}:{b=2}", ttl: 60, ignore_query: ["utm_*"]}
  - {match: "GET /strict", key: "strict:{a}", ttl: 60, query: bypass}
  - {match: "GET /r/{rest*}", key: "r:{rest}", ttl: 60}
  - {match: "GET /h", key: "h:{header:x-tenant}:{cookie:lang}", ttl: 60, ignore: [cookie]}
"""


@pytest.mark.parametrize(
    "first, second, shared",
    [
        ("/q?a=1&b=2", "/q?b=2&a=1", True),
        ("/q?a=1", "/q?a=1&b=2", True),
        ("/q?a=1&utm_source=x", "/q?a=1", True),
        ("/q?a=%61", "/q?a=a", True),
        ("/q?a=1&c=1", "/q?a=1", False),
        ("/q?a=1&a=2", "/q?a=1", False),
        ("/q?a=1&a=2", "/q?a=2", False),
        ("/q?a=", "/q", False),
        ("/q?a=1:2", "/q?a=1&b=2", False),
        ("/q?a=1%3A2&b=3", "/q?a=1&b=2%3A3", False),
        ("/q?a=1%253A", "/q?a=1%3A", False),
        ("/q?a=%2A", "/q?a=1", False),
        ("/q?A=1", "/q?a=1", False),
        ("/q?c=1&d=2", "/q?d=2&c=1", True),
        ("/q?c=1%26d=2", "/q?c=1&d=2", False),
        ("/r/a/b", "/r/a%2Fb", False),
        ("/r/a/b", "/r/a/b?x=1", False),
        ("/r/a/", "/r/a", False),
    ],
)
def test_which_requests_share_an_entry(origin, wire, first, second, shared):
    for place in ("/q", "/r/a/b", "/r/a%2Fb", "/r/a", "/r/a/"):
        origin.on(place, lambda request: reply(body=request.target))
    larder = wire(text=KEYS)
    larder.get(first)
    assert (larder.get(second).x_cache == "HIT") == shared
    assert larder.get(first).x_cache == "HIT"


def test_further_parameters_can_send_a_request_straight_through(origin, wire):
    origin.on("/strict", reply(body=b"x"))
    larder = wire(text=KEYS)
    answer = larder.get("/strict?a=1&z=1")
    assert answer.x_cache == "BYPASS" and "detail=query" in answer.cache_status
    assert words(larder, "/strict?a=1") == ["MISS", "HIT"]


def test_header_fields_and_cookies_in_a_key_separate_readers(origin, wire):
    origin.on("/h", lambda request: reply(body=f"{request.field('x-tenant')} {request.field('cookie')}"))
    larder = wire(text=KEYS)
    assert words(larder, "/h", fields={"X-Tenant": "a", "Cookie": "lang=de; other=1"}) == ["MISS", "HIT"]
    assert words(larder, "/h", fields={"X-Tenant": "b", "Cookie": "lang=de"}) == ["MISS", "HIT"]
    assert words(larder, "/h", fields={"X-Tenant": "a", "Cookie": "lang=en"}) == ["MISS", "HIT"]
    assert words(larder, "/h", fields={"X-Tenant": "a", "Cookie": "more=2; lang=de"}, times=1) == ["HIT"]


COOKIES = KEYS.replace(", ignore: [cookie]", "")


@pytest.mark.parametrize(
    "cookies", ["lang", "lang; lang=de", "lang =de", "=lang", "lang=de; lang", "lang=de; other=1", "lang=de; lang=de"]
)
def test_cookies_the_key_does_not_hold_exactly_are_no_part_of_it(origin, wire, cookies):
    origin.on("/h", lambda request: reply(body=request.field("cookie") or "none"))
    larder = wire(text=COOKIES)
    assert words(larder, "/h") == ["MISS", "HIT"]
    assert words(larder, "/h", fields={"Cookie": "lang=de"}) == ["MISS", "HIT"]
    answer = larder.get("/h", {"Cookie": cookies})
    assert (answer.body, answer.x_cache) == (cookies.encode(), "BYPASS") and "detail=cookie" in answer.cache_status


JSON_KEYS = """
listen: <listen>
admin: <admin>
origin: <origin>
routes:
  - {match: "GET /k/{id}", key: "k:{id}", ttl: 60}
  - {match: "POST /k", purge: ["k:{json:/id}"]}
"""


@pytest.mark.parametrize(
    "number", ["7", "7.5", "7.0", "1e2", "0.1", "-3", "12345678901234567890123", "18446744073709551615", "true"]
)
def test_a_number_in_a_writes_answer_purges_whatever_key_it_made(origin, wire, number):
    origin.on(f"/k/{number}", reply(body=b"x"))
    origin.on("POST /k", reply(body=b'{"id": %s}' % number.encode()))
    larder = wire(text=JSON_KEYS)
    assert words(larder, f"/k/{number}") == ["MISS", "HIT"]
    larder.request("POST", "/k", body=b"{}")
    assert words(larder, f"/k/{number}") == ["MISS", "HIT"]


def test_larders_own_errors_say_when_and_what_is_allowed(origin, wire):
    larder = wire(extra="purge_from: [192.0.2.0/24]")
    denied = larder.request("PURGE", "/cached/x")
    assert denied.status == 405 and "GET" in denied.field("allow") and denied.field("date")
    assert larder.request("TRACE", "/").field("date")
    for method, status in (("OPTIONS", 200), ("TRACE", 200)):
        own = larder.request(method, "/", {"Max-Forwards": "0"})
        assert own.status == status and own.field("date")
    assert wire().request("PURGE", "/cached/x").field("date")


@pytest.mark.parametrize("more", [{"If-None-Match": '"e"'}, {"Range": "bytes=0-0"}, {}])
@pytest.mark.parametrize(
    "fields, reason", [({"Authorization": "Basic x"}, "authorization"), ({"Cookie": "session=1"}, "cookie")]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("stored", [False, True])
def test_credentials_show_as_a_bypass_however_little_is_asked_for(
    origin, larder, more, fields, reason, method, stored
):
    origin.on("/cached/x", reply(fields={"ETag": '"e"'}, body=b"xyz"))
    if stored:
        larder.get("/cached/x")
    answer = larder.request(method, "/cached/x", {**fields, **more})
    assert (answer.x_cache, answer.cache_status) == ("BYPASS", f"larder; fwd=bypass; detail={reason}")


@pytest.mark.parametrize(
    "control, name, shared",
    [
        ("max-age=60, must-revalidate", "Authorization", True),
        ("max-age=60, must-revalidate", "X-API-Key", True),
        ("max-age=60, must-revalidate", "Cookie", False),
        ("must-revalidate", "Cookie", False),
        ("max-age=60, public", "Cookie", True),
        ("s-maxage=60", "Cookie", True),
    ],
)
def test_must_revalidate_shares_what_authorization_got_and_no_cookies_answer(origin, larder, control, name, shared):
    """RFC 9111, 3.5, is about Authorization; the usual field of a page with a session is no permission."""
    origin.on("/cached/x", lambda r: reply(fields={"Cache-Control": control}, body=r.field(name) or "nobody"))
    bodies = [larder.get("/cached/x", {name: f"a={who}"}).body for who in ("alice", "bob")]
    assert bodies == [b"a=alice", b"a=alice" if shared else b"a=bob"]
    assert larder.get("/cached/x").body == (b"a=alice" if shared else b"nobody")
    assert larder.get("/cached/x", {name: "a=eve"}).body == (b"a=alice" if shared else b"a=eve")


def test_a_cookie_beside_authorization_counts_as_a_cookie(origin, larder):
    control = {"Cache-Control": "max-age=60, must-revalidate"}
    origin.on("/cached/x", lambda r: reply(fields=control, body=r.field("cookie") or "nobody"))
    for fields in ([("Authorization", "x"), ("Cookie", "a=1")], [("Cookie", "a=2"), ("Authorization", "x")]):
        assert larder.get("/cached/x", fields).body.decode() == dict(fields)["Cookie"]


def test_an_unsatisfiable_range_says_nothing_of_the_lifetime_of_what_is_there(origin, larder):
    fields = {"Cache-Control": "max-age=600", "Expires": "Fri, 01 Jan 2100 00:00:00 GMT", "Content-Type": "text/plain"}
    origin.on("/cached/x", reply(fields=fields, body=b"abc"))
    larder.get("/cached/x")
    answer = larder.get("/cached/x", {"Range": "bytes=9-"})
    assert (answer.status, answer.field("content-range")) == (416, "bytes */3")
    assert [answer.field(name) for name in ("cache-control", "expires", "content-type")] == [None] * 3


@pytest.mark.parametrize(
    "trusted, claimed, allowed",
    [
        ("127.0.0.1/32", {"X-Forwarded-For": "10.1.1.1"}, True),
        ("127.0.0.1/32", {"X-Forwarded-For": "10.1.1.1, 9.9.9.9"}, False),
        ("127.0.0.1/32, 9.9.9.9/32", {"X-Forwarded-For": "10.1.1.1, 9.9.9.9"}, True),
        ("127.0.0.1/32", {"X-Real-IP": "10.1.1.1"}, True),
        ("127.0.0.1/32", {}, False),
        ("192.0.2.1/32", {"X-Forwarded-For": "10.1.1.1"}, False),
        ("127.0.0.1/32", {"X-Forwarded-For": "nonsense"}, False),
        ("127.0.0.1/32", {"X-Forwarded-For": "9.9.9.9", "X-Real-IP": "10.1.1.1"}, False),
    ],
)
def test_who_may_purge_is_whom_trusted_peers_name(origin, wire, trusted, claimed, allowed):
    origin.on("/cached/x", reply(body=b"x"))
    larder = wire(extra=f"purge_from: [10.1.1.0/24]\ntrusted_proxies: [{trusted}]")
    larder.get("/cached/x")
    assert larder.request("PURGE", "/cached/x", claimed).status == (200 if allowed else 405)


def test_shown_headers_can_be_switched_off_and_the_key_on(origin, wire):
    origin.on("/cached/x", reply(body=b"x"))
    silent = wire(extra="headers: {x_cache: off, cache_status: off, via: off}").get("/cached/x")
    assert silent.x_cache is None and silent.cache_status is None and silent.field("via") is None
    assert 'key="cached:x"' in wire(extra="headers: {cache_key: on}").get("/cached/x").cache_status


def test_cache_status_is_appended_to_what_the_origin_said(origin, larder):
    origin.on("/cached/x", reply(fields={"Cache-Status": "inner; hit"}, body=b"x"))
    assert larder.get("/cached/x").cache_status.startswith("inner; hit, larder; fwd=uri-miss")
    assert larder.get("/cached/x").cache_status.startswith("inner; hit, larder; hit")
