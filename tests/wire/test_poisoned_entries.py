"""Requests that a stranger makes so that an entry of others holds the wrong answer, or is not served."""
import os
import signal
import threading

import pytest

from support import http2_client
from support.raw_client import request_bytes
from support.scripted_origin import Gate, raw, reply
from support.waiting import until

TRUSTING = "trusted_proxies: [127.0.0.0/8]"

# Its key holds a field.
FIELD_KEY = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: off
routes: [{match: "GET /cached/{name}", key: "cached:{name}:{header:x-tenant}", ttl: 60}]
"""

# Without a host of its own, and for one worker, which remembers what could not be stored.
ONE_WORKER = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: off
threads: 1
routes: [{match: "GET /cached/{name}", key: "cached:{name}", <route>}]
"""


def telling(name, *vary):
    """An origin whose answer is the field as it came, byte for byte."""
    fields = [("Vary", ", ".join(vary))] if vary else []
    return lambda request: reply(fields=fields, body=repr(request.all(name)))


@pytest.mark.parametrize(
    "name, odd, plain",
    [
        ("Origin", "https://app.example,", "https://app.example"),
        ("X-Tenant", ",acme", "acme"),
        ("X-Tenant", ",", ""),
        ("User-Agent", "M/5 (KHTML,like Gecko)", "M/5 (KHTML, like Gecko)"),
        ("Accept-Version", "1,", "1"),
        ("Accept-Version", "1,,2", "1,2"),
    ],
)
def test_a_comma_more_selects_another_variant_where_the_value_is_no_list(origin, larder, name, odd, plain):
    origin.on("/cached/x", telling(name, name))
    assert larder.get("/cached/x", {name: odd}).x_cache == "MISS"
    answer = larder.get("/cached/x", {name: plain})
    assert (answer.x_cache, answer.body.decode()) == ("MISS", repr([plain]))
    assert larder.get("/cached/x", {name: odd}).x_cache == "HIT"


def test_blanks_in_a_field_that_is_a_list_make_no_other_variant(origin, larder):
    origin.on("/cached/x", telling("Accept", "Accept, Accept-Language"))
    larder.get("/cached/x", {"Accept": "text/html,application/json", "Accept-Language": "de,en"})
    again = {"Accept": "text/html ,  application/json,", "Accept-Language": "DE, en"}
    assert larder.get("/cached/x", again).x_cache == "HIT"


@pytest.mark.parametrize("name, alias", [("Accept-Language", "Accept_Language"), ("X-Tenant", "x_TENANT")])
def test_a_spelling_with_underscores_selects_another_variant(origin, larder, name, alias):
    """CGI-like origins (WSGI, Rack, PHP) read both as one field."""
    origin.on("/cached/x", lambda request: reply(fields={"Vary": name}, body=request.field(alias) or "none"))
    assert larder.get("/cached/x", {alias: "evil"}).body == b"evil"
    assert [(a.x_cache, a.body) for a in (larder.get("/cached/x"), larder.get("/cached/x", {alias: "other"}))] == [
        ("MISS", b"none"),
        ("MISS", b"other"),
    ]


@pytest.mark.parametrize("alias", ["X_Tenant", "x_tenant"])
def test_a_spelling_with_underscores_of_a_field_in_the_key_is_not_cached(origin, wire, alias):
    origin.on("/cached/x", lambda request: reply(body=request.field(alias) or request.field("x-tenant") or "none"))
    larder = wire(text=FIELD_KEY)
    for _ in range(2):
        answer = larder.get("/cached/x", {alias: "evil"})
        assert (answer.x_cache, answer.cache_status) == ("BYPASS", "larder; fwd=bypass; detail=unsafe-header")
    assert larder.get("/cached/x").body == b"none"
    assert larder.get("/cached/x", {"X-Tenant": "a"}).body == b"a"
    assert larder.get("/cached/x", {"X-Tenant": "a"}).x_cache == "HIT"


def test_a_shared_fetch_names_the_host_in_lower_case(origin, larder):
    origin.on("/cached/x", lambda request: reply(body=request.field("host") + " " + request.field("x-forwarded-host")))
    assert larder.get("/cached/x", {"Host": "Api.Test"}).body == b"api.test api.test"
    answer = larder.get("/cached/x", {"Host": "api.test"})
    assert (answer.x_cache, answer.body) == ("HIT", b"api.test api.test")
    origin.on("/other", lambda request: reply(body=request.field("host")))
    assert larder.get("/other", {"Host": "Api.Test"}).body == b"Api.Test"  # what passes, passes as it came


def test_a_shared_fetch_names_a_trusted_proxys_host_and_scheme_in_lower_case(origin, wire):
    origin.on("/cached/x", lambda r: reply(body=r.field("x-forwarded-host") + " " + r.field("x-forwarded-proto")))
    larder = wire(extra=TRUSTING)
    told = {"X-Forwarded-Host": "Shop.Test", "X-Forwarded-Proto": "HTTPS"}
    assert larder.get("/cached/x", told).body == b"shop.test https"


@pytest.mark.parametrize("query", ["?q=1&utm_x=1;q=evil", "?q=1&utm_;q=evil", "?q=1&utm_source=1;q=evil;"])
def test_an_ignored_parameter_hides_no_other_one(origin, wire, query):
    """Some frameworks split a query at `;` too."""
    origin.on("/cached/x", lambda request: reply(body=request.target))
    larder = wire(route='ttl: 60, ignore_query: ["utm_*"]')
    assert larder.get("/cached/x" + query).body == f"/cached/x{query}".encode()
    answer = larder.get("/cached/x?q=1")
    assert (answer.x_cache, answer.body) == ("MISS", b"/cached/x?q=1")
    assert larder.get("/cached/x?utm_y=2&q=1").x_cache == "HIT"


# ---- what could not be stored must not hide what is


def test_answers_that_are_not_stored_do_not_take_a_stale_entry_from_a_failing_origin(origin, wire):
    statuses = ("429 Too Many Requests", "403 Forbidden", "503 Service Unavailable")
    origin.on("/cached/x", reply(fields={"Cache-Control": "max-age=1"}, body=b"good"), *map(reply, statuses))
    larder = wire(text=ONE_WORKER, route="ttl: 60, stale_if_error: 60s")
    larder.get("/cached/x")
    until(lambda: larder.get("/cached/x").x_cache != "HIT", what="the end of the lifetime")
    assert larder.get("/cached/x").status == 403
    answer = larder.get("/cached/x")
    assert (answer.status, answer.x_cache, answer.body) == (200, "STALE", b"good")


def test_refreshes_that_are_refused_leave_the_stale_entry_in_use(origin, wire):
    origin.on("/cached/x", reply(fields={"Cache-Control": "max-age=1"}, body=b"good"), reply("429 Too Many Requests"))
    larder = wire(text=ONE_WORKER, route="ttl: 60, stale_while_revalidate: 60s")
    larder.get("/cached/x")
    until(lambda: larder.get("/cached/x").x_cache != "HIT", what="the end of the lifetime")
    for asked in range(2, 6):
        until(lambda: origin.count("/cached/x") >= asked, what="a refresh")
        answer = larder.get("/cached/x")
        assert (answer.x_cache, answer.body) == ("UPDATING", b"good")


def test_answers_for_another_host_do_not_end_the_sharing_of_fetches(origin, wire):
    gate = Gate()
    origin.on(
        "/cached/x",
        lambda request: reply("404 Not Found") if request.field("host") == "evil" else reply(body=b"x").after(gate),
    )
    larder = wire(text=ONE_WORKER, route="ttl: 60")
    for _ in range(2):
        assert larder.get("/cached/x", {"Host": "evil"}).status == 404
    answers = []
    readers = [threading.Thread(target=lambda: answers.append(larder.get("/cached/x"))) for _ in range(8)]
    for reader in readers:
        reader.start()
    gate.wait_for(1)
    until(lambda: larder.metrics().total("larder_client_connections") >= 8, what="the readers that join")
    gate.open()
    for reader in readers:
        reader.join()
    assert [answer.status for answer in answers] == [200] * 8
    assert origin.count("/cached/x") == 3


def test_the_same_host_is_still_asked_at_once_where_nothing_can_be_stored(origin, wire):
    """The shortcut itself: readers of what is never stored do not wait for each other."""
    gate = Gate()
    denied = reply(fields={"Cache-Control": "no-store"}, body=b"x")
    origin.on("/cached/x", denied, denied, denied.after(gate))
    larder = wire(text=ONE_WORKER, route="ttl: 60")
    for _ in range(2):
        larder.get("/cached/x")
    readers = [threading.Thread(target=larder.get, args=("/cached/x",)) for _ in range(4)]
    for reader in readers:
        reader.start()
    gate.wait_for(4)
    gate.open()
    for reader in readers:
        reader.join()


# ---- who may purge


@pytest.mark.parametrize(
    "told",
    [
        {"Forwarded": "for=203.0.113.9"},
        {"Forwarded": 'for="203.0.113.9:4711";proto=https'},
        {"Forwarded": "for=_hidden"},
        {"Forwarded": "proto=https"},
        {"X-Forwarded-For": "203.0.113.9:4711"},
        {"X-Forwarded-For": "[2001:db8::1]:4711"},
        {"X-Forwarded-For": "127.0.0.1, unknown"},
        {"X-Real-IP": "203.0.113.9:4711"},
        {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=203.0.113.9"},
        {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "203.0.113.9"},
    ],
)
def test_a_client_behind_a_trusted_proxy_may_not_purge_in_the_proxys_name(origin, wire, told):
    origin.on("/cached/x", reply(body=b"x"))
    larder = wire(extra=TRUSTING)
    larder.get("/cached/x")
    assert larder.request("PURGE", "/cached/x", told).status == 405
    assert larder.get("/cached/x").x_cache == "HIT"


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"X-Forwarded-For": "127.0.0.1:4711"},
        {"Forwarded": 'for="[::1]:4711"'},
        {"X-Real-IP": "127.0.0.1"},
        {"X-Forwarded-For": "203.0.113.9, 127.0.0.7", "Forwarded": "for=127.0.0.7"},
    ],
)
def test_whom_all_of_them_name_may_purge(origin, wire, told):
    origin.on("/cached/x", reply(body=b"x"))
    larder = wire(extra="trusted_proxies: [127.0.0.1]\npurge_from: [127.0.0.0/8, '::1']")
    larder.get("/cached/x")
    assert larder.request("PURGE", "/cached/x", told).status == 200


def test_the_access_log_names_the_client_that_forwarded_tells(origin, wire):
    origin.on("/other", reply(body=b"x"))
    larder = wire(extra=TRUSTING + "\nlog: {access: on}")
    larder.get("/other", {"Forwarded": 'for="[2001:db8::7]:80"'})
    larder.get("/other", {"X-Forwarded-For": "203.0.113.9:4711"})
    until(lambda: "203.0.113.9" in larder.log(), what="the log's line")
    assert "2001:db8::7" in larder.log()


def test_what_an_origin_sends_unasked_is_not_stored_as_an_answer(origin, wire):
    """RFC 9112, 6.3. The process is held up, as by a limit of its CPU time, so that the bytes are there before larder
    hears of them."""
    larder = wire(text=ONE_WORKER)
    peers = []
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: no-store\r\n\r\nok"
    origin.on("GET /cached/first", raw(lambda peer: peers.append(peer), first))
    origin.on("GET /cached/x", reply(body=b"own"))
    with larder.connect() as client:
        client.get("/cached/first")
        os.kill(larder.process.pid, signal.SIGSTOP)
        try:
            client.send(request_bytes("GET", "/cached/x"))
            head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nCache-Control: max-age=600\r\n\r\n"
            peers[-1].socket.sendall(head + b"evil")
        finally:
            os.kill(larder.process.pid, signal.SIGCONT)
        assert client.read_response().body == b"own"
    assert until(lambda: larder.get("/cached/x").x_cache == "HIT") and larder.get("/cached/x").body == b"own"


CLAIMS = ["CF-Connecting-IP", "True_Client_IP", "X-Forwarded-User", "X-Forwarded-Other", "X-Remote-User", "X-HTTP-Method"]


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
def test_what_a_client_may_not_claim_is_no_trailer_either(origin, larder, version):
    origin.on("POST /write", reply(body=b"done"))
    lines = [(name, "1.2.3.4") for name in CLAIMS] + [("X-Sum", "7")]
    if version == "HTTP/2":
        with http2_client.Connection(larder.port) as client:
            stream = client.start("POST", "/write", body=b"hello", end=False)
            client.trailers(stream, [(name.lower(), value) for name, value in lines])
            assert client.response(stream).status == 200
    else:
        trailers = "".join(f"{name}: {value}\r\n" for name, value in lines).encode()
        with larder.connect() as client:
            head = b"POST /write HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n"
            client.send(head + b"5\r\nhello\r\n0\r\n" + trailers + b"\r\n")
            assert client.read_response().status == 200
    (seen,) = origin.requests("POST /write")
    assert [name.lower() for name, _ in seen.trailers] == ["x-sum"]
