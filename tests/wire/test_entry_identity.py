"""What identifies an entry beside its key: scheme and host sent to the origin, credentials, spelling of the URL."""
import http.client
import ssl

import pytest

from support.certificates import Authority
from support.ports import HOST, free_port
from support.raw_client import request_bytes
from support.scripted_origin import Gate, chunked, reply
from support.waiting import until

TRUSTING = "trusted_proxies: [127.0.0.0/8]"

# As the configuration that serves without a file.
HOST_KEY = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: off
<extra>
routes: [{match: "GET /{rest*}", key: "{host}:{path}", <route>}]
"""


def to_https(request):
    """An origin that sends http to https, as frameworks do, and says nothing of it in Vary."""
    if request.field("x-forwarded-proto") != "https":
        return reply("301 Moved Permanently", fields={"Location": f"https://shop.test{request.target}"})
    return reply(body=b"page")


def words(larder, target, fields=(), count=2):
    return [larder.get(target, fields).x_cache for _ in range(count)]


def test_a_redirect_to_https_is_not_served_to_https_behind_a_proxy_that_ends_tls(origin, wire):
    origin.on("/cached/x", to_https)
    larder = wire(extra=TRUSTING)
    plain, secure = {"X-Forwarded-Proto": "http"}, {"X-Forwarded-Proto": "https"}
    assert [larder.get("/cached/x", plain).status for _ in range(2)] == [301, 301]
    assert [
        (answer.status, answer.x_cache) for answer in (larder.get("/cached/x", secure), larder.get("/cached/x", secure))
    ] == [(200, "MISS"), (200, "HIT")]
    again = larder.get("/cached/x", plain)
    assert (again.status, again.x_cache) == (301, "HIT")
    larder.request("POST", "/cached/x", secure, b"x")
    assert larder.get("/cached/x", plain).x_cache == "MISS"  # one URL's purge is for all its schemes and hosts
    assert larder.get("/cached/x", secure).x_cache == "MISS"


def test_forwarded_tells_the_scheme_where_nothing_else_does_and_the_origin_is_told_the_same(origin, wire):
    origin.on("/cached/x", to_https)
    larder = wire(extra=TRUSTING)
    assert larder.get("/cached/x").status == 301
    assert larder.get("/cached/x", {"Forwarded": "for=192.0.2.1;proto=https"}).status == 200
    assert words(larder, "/cached/x", {"Forwarded": "for=192.0.2.1;proto=https", "X-Forwarded-Proto": "http"}) == [
        "BYPASS",
        "BYPASS",
    ]


@pytest.mark.parametrize("route", ["ttl: 60", "ttl: 60, host: api.test"], ids=["any host", "pinned host"])
def test_a_trusted_proxys_host_tells_tenants_apart(origin, wire, route):
    origin.on("/cached/x", lambda request: reply(body=request.field("x-forwarded-host")))
    larder = wire(extra=TRUSTING, route=route)
    for tenant in ("one.test", "two.test"):
        answers = [larder.get("/cached/x", {"X-Forwarded-Host": tenant}) for _ in range(2)]
        assert [(answer.body, answer.x_cache) for answer in answers] == [
            (tenant.encode(), "MISS"),
            (tenant.encode(), "HIT"),
        ]
    assert larder.get("/cached/x", {"X-Forwarded-Host": "One.test"}).x_cache == "HIT"


@pytest.mark.parametrize(
    "fields", [{}, {"X-Forwarded-Host": "shop.test", "X-Forwarded-Proto": "https"}], ids=["direct", "behind a proxy"]
)
def test_a_write_reaches_a_key_that_holds_the_host(origin, wire, fields):
    origin.on("/cached/x", reply(body=b"x"))
    larder = wire(extra=TRUSTING, route='ttl: 60', text=HOST_KEY)
    assert words(larder, "/cached/x", fields) == ["MISS", "HIT"]
    assert larder.request("PUT", "/cached/x", fields, b"y").status == 200
    assert words(larder, "/cached/x", fields) == ["MISS", "HIT"]


def test_the_plain_and_the_tls_listener_have_entries_of_their_own(tmp_path, origin, start_larder):
    origin.on("/cached/x", to_https)
    certificate, key = Authority(tmp_path).issue("shop.test")
    plain = free_port()
    larder = start_larder(
        """
listen: [<listen>, {address: <plain>, tls: {certificate: <certificate>, key: <key>}}]
admin: <admin>
origin: <origin>
redis: off
routes: [{match: "GET /cached/{name}", key: "cached:{name}", ttl: 60}]
""",
        origin=origin.url,
        certificate=certificate,
        key=key,
        plain=f"{HOST}:{plain}",
    )
    context = ssl._create_unverified_context()
    for expected in ("MISS", "HIT"):
        over_tls = http.client.HTTPSConnection(HOST, plain, context=context, timeout=10)
        over_tls.request("GET", "/cached/x", headers={"Host": "shop.test"})
        answer = over_tls.getresponse()
        assert (answer.status, answer.getheader("X-Cache")) == (200, expected)
        over_tls.close()
        direct = larder.get("/cached/x", {"Host": "shop.test"})
        assert (direct.status, direct.x_cache) == (301, expected)


KEYED = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: off
credentials: [X-Tenant-Key]
routes:
  - {match: "GET /keyed/{id}", key: "keyed:{id}:{header:x-tenant-key}", ttl: 60}
  - {match: "GET /ignoring/{id}", key: "ignoring:{id}", ttl: 60, ignore: [x-tenant-key]}
  - {match: "GET /{rest*}", key: "all:{rest}", ttl: 60}
"""


@pytest.mark.parametrize("field", ["X-API-Key", "Api-Key", "X-Auth-Token", "x_access_token"])
def test_the_answer_to_an_api_key_is_nobody_elses(origin, larder, field):
    origin.on("/cached/x", lambda request: reply(body=request.field(field) or b"nobody"))
    first = larder.get("/cached/x", {field: "anns"})
    assert first.body == b"anns" and "detail=authorization" in first.cache_status
    assert larder.get("/cached/x", {field: "bobs"}).body == b"bobs"
    assert larder.get("/cached/x").body == b"nobody"
    assert larder.get("/cached/x", {field: "anns"}).body == b"anns"


def test_which_fields_are_credentials_is_a_setting_that_key_and_ignore_cover(origin, start_larder):
    for target in ("/keyed/1", "/ignoring/1", "/other"):
        origin.on(target, lambda request: reply(body=request.field("x-tenant-key") or "nobody"))
    larder = start_larder(KEYED, origin=origin.url)
    ann, bob = {"X-Tenant-Key": "ann"}, {"X-Tenant-Key": "bob"}
    assert [larder.get("/other", who).body for who in (ann, bob)] == [b"ann", b"bob"]
    assert words(larder, "/other", {"X-API-Key": "k"}) == ["MISS", "HIT"]  # no credential of this configuration
    assert [larder.get("/keyed/1", who).x_cache for who in (ann, bob, ann, bob)] == ["MISS", "MISS", "HIT", "HIT"]
    assert [larder.get("/ignoring/1", who).body for who in (ann, bob)] == [b"ann", b"ann"]


@pytest.mark.parametrize("credentials", [{"Authorization": "Bearer x"}, {"Cookie": "session=1"}, {"X-API-Key": "x"}])
def test_a_conditional_request_with_credentials_keeps_its_condition(origin, larder, credentials):
    def answer(request):
        if request.field("if-none-match") == '"v"':
            return reply("304 Not Modified", fields={"ETag": '"v"'})
        if request.field("range"):
            return reply("206 Partial Content", fields={"Content-Range": "bytes 0-1/100000", "ETag": '"v"'}, body=b"bb")
        return reply(fields={"ETag": '"v"'}, body=b"b" * 100_000)

    origin.on("/cached/x", answer)
    for _ in range(3):
        poll = larder.get("/cached/x", {**credentials, "If-None-Match": '"v"'})
        assert poll.status == 304 and "detail=" in poll.cache_status and "stored" not in poll.cache_status
    assert larder.get("/cached/x", {**credentials, "Range": "bytes=0-1"}).status == 206
    assert all(request.field("if-none-match") or request.field("range") for request in origin.requests("/cached/x"))
    # Without credentials the whole is fetched once, and the cache answers the conditions of all.
    before = origin.count("/cached/x")
    assert larder.get("/cached/x", {"If-None-Match": '"v"'}).status == 304
    until(lambda: larder.get("/cached/x").x_cache == "HIT", what="a hit, once the body has come")
    assert origin.count("/cached/x") == before + 1


def test_a_conditional_request_with_credentials_is_answered_from_what_the_origin_shares(origin, larder):
    origin.on("/cached/x", reply(fields={"ETag": '"v"', "Cache-Control": "public, max-age=60"}, body=b"shared"))
    assert larder.get("/cached/x", {"Authorization": "a"}).x_cache == "MISS"
    again = larder.get("/cached/x", {"Authorization": "b", "If-None-Match": '"v"'})
    assert (again.status, again.x_cache) == (304, "HIT")


def test_raw_utf8_in_a_target_passes_as_it_came_and_shares_the_entry_of_its_encoding(origin, larder):
    raw, encoded = "/cached/café?q=naïve".encode(), "/cached/caf%C3%A9?q=na%C3%AFve"
    origin.on(raw.decode("latin-1"), reply(body=b"coffee"))
    with larder.connect() as client:
        client.send(b"GET " + raw + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        first = client.read_response()
        client.send(b"GET " + encoded.encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        second = client.read_response()
    assert [first.x_cache, second.x_cache] == ["MISS", "HIT"]
    assert origin.requests()[-1].target == raw.decode("latin-1")


@pytest.mark.parametrize("query", ["%6cimit=5", "l%69mit=5", "limi%74=5&a=1"])
def test_a_needlessly_encoded_parameter_name_passes_uncached(origin, start_larder, query):
    origin.on("/list", lambda request: reply(body=b"five" if "limit=5" in request.target else b"default"))
    larder = start_larder(
        """
listen: <listen>
admin: <admin>
origin: <origin>
redis: off
routes: [{match: "GET /list", key: "list:{limit=20}", ttl: 60}]
""",
        origin=origin.url,
    )
    odd = larder.get(f"/list?{query}")
    assert (odd.body, odd.cache_status) == (b"default", "larder; fwd=bypass; detail=query")
    assert larder.get("/list?limit=5").body == b"five"
    assert words(larder, "/list?limit=%35") == ["HIT", "HIT"]


WRITES = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: off
<extra>
routes:
  - {match: "GET /Articles/{id}", key: "articles:{id}", ttl: 60}
  - {match: "GET /graphql", key: "g", ttl: 60}
  - {match: "POST /graphql", purge: []}
  - {match: "DELETE /batch", purge: ["articles:*"]}
"""


@pytest.fixture
def writes(origin, start_larder):
    for target in (
        "/Articles/7",
        "/Articles/7;v=1",
        "/Articles/7;v=2",
        "/Articles;a=1/7",
        "/batch",
        "/graphql",
        "/articles/Ab",
        "/aRticles/AB",
        "/articles/ab",
    ):
        origin.on(target, reply(body=b"x"))

    def start(extra=""):
        return start_larder(WRITES, origin=origin.url, extra=extra)

    return start


@pytest.mark.parametrize(
    "method, fields, target, goes",
    [
        ("QUERY", {}, "/Articles/7", False),
        ("SEARCH", {}, "/Articles/7", False),
        ("PROPFIND", {}, "/Articles/7", False),
        ("REPORT", {}, "/Articles/7", False),
        ("MKCOL", {}, "/Articles/7", True),
        ("POST", {}, "/Articles/7", True),
        ("POST", {}, "/Articles/7;v=2", True),
        ("POST", {}, "/Articles;a=1/7", True),
        ("POST", {}, "/batch", False),
        ("POST", {"X-HTTP-Method-Override": "DELETE"}, "/batch", True),
        ("POST", {}, "/batch?_method=DELETE", True),
        ("GET", {"X-HTTP-Method-Override": "DELETE"}, "/Articles/7", True),
    ],
)
def test_what_counts_as_a_write_to_a_url(writes, method, fields, target, goes):
    larder = writes()
    for path in ("/Articles/7", "/Articles/7;v=1"):
        assert words(larder, path) == ["MISS", "HIT"]
    assert larder.request(method, target, fields, b"{}" if method != "GET" else None).status == 200
    assert [larder.get(path).x_cache for path in ("/Articles/7", "/Articles/7;v=1")] == (
        ["MISS", "MISS"] if goes else ["HIT", "HIT"]
    )


def test_a_write_with_an_empty_purge_list_leaves_even_its_own_url(origin, writes):
    larder = writes()
    origin.on("POST /graphql", reply(fields={"Location": "/Articles/7"}, body=b"{}"))
    for target in ("/graphql?extensions=1", "/Articles/7"):
        assert words(larder, target) == ["MISS", "HIT"]
    larder.request("POST", "/graphql", body=b"{}")
    assert [larder.get(target).x_cache for target in ("/graphql?extensions=1", "/Articles/7")] == ["HIT", "HIT"]
    larder.request("PUT", "/graphql?extensions=1", body=b"{}")
    assert larder.get("/graphql?extensions=1").x_cache == "MISS"


def test_path_case_insensitive_makes_one_entry_of_all_spellings_and_purges_it_by_each(origin, writes):
    larder = writes("path_case: insensitive")
    assert [larder.get(path).x_cache for path in ("/articles/Ab", "/ARTICLES/aB", "/art%49cles/%41b")] == [
        "MISS",
        "HIT",
        "HIT",
    ]
    assert origin.requests()[-1].target == "/articles/Ab"  # as it came
    larder.request("PUT", "/aRticles/AB", body=b"x")
    assert larder.get("/articles/ab").x_cache == "MISS"
    assert words(writes(), "/articles/Ab") == ["BYPASS", "BYPASS"]


@pytest.mark.parametrize("cache_control, word", [("max-age=60", "HIT"), ("foo", "MISS"), ("no-cache", "MISS")])
def test_an_event_stream_is_stored_only_where_the_origin_says_for_how_long(origin, larder, cache_control, word):
    origin.on(
        "/cached/x",
        reply(fields={"Content-Type": "text/event-stream", "Cache-Control": cache_control}, body=b"data: 1\n\n"),
    )
    first = larder.get("/cached/x")
    assert ("detail=stream" in first.cache_status) == (word == "MISS")
    assert larder.get("/cached/x").x_cache == word


def test_those_who_ask_for_an_event_stream_under_way_get_one_of_their_own(origin, larder):
    gate = Gate()
    stream = [b"data: 1\n\n", gate, b"data: 2\n\n"]
    origin.on("/cached/x", chunked(*stream, fields={"Content-Type": "text/event-stream"}))
    with larder.connect() as first, larder.connect() as second:
        for reader in (first, second):
            reader.send(request_bytes("GET", "/cached/x"))
            reader.read_head()
            assert reader.read_chunk() == b"data: 1\n\n"
        assert origin.count("/cached/x") == 2
        gate.open()
        assert [reader.read_chunk() for reader in (first, second)] == [b"data: 2\n\n"] * 2


@pytest.mark.parametrize(
    "value",
    [
        "no-store; max-age=60",
        "private max-age=60",
        "'no-store'",
        '"private"',
        "public; max-age=60; no-cache",
        "max-age=0;",
        "foo no-store",
    ],
)
def test_a_malformed_cache_control_is_read_for_what_it_forbids(origin, larder, value):
    origin.on("/cached/x", reply(fields={"Cache-Control": value}, body=b"x"))
    assert "HIT" not in words(larder, "/cached/x", count=3)
