"""What is not clean HTTP/1.1 gets an error and no way to the origin: no byte of it may become another request."""
import pytest

from support.raw_client import ConnectionEnded, request_bytes
from support.scripted_origin import Gate, cut, raw, reply, reset
from support.waiting import Later, until

GET_NEXT = b"GET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n"


def get(*lines, body=b""):
    return b"GET /x HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def post(*lines, body=b""):
    return b"POST /x HTTP/1.1\r\nHost: api.test\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


HOST = b"Host: api.test"

BAD_HEADS = {
    "no host": get(),
    "two hosts": get(HOST, HOST),
    "two different hosts": get(HOST, b"Host: evil.test"),
    "host with a path": get(b"Host: api.test/x"),
    "host with a space": get(b"Host: api test"),
    "host with user": get(b"Host: a@api.test"),
    "space before the colon": get(HOST, b"X-A : b"),
    "no colon": get(HOST, b"X-A"),
    "empty name": get(HOST, b": b"),
    "folded line": get(HOST, b"X-A: b", b" c"),
    "folded first line": get(b" X: a", HOST),
    "NUL in a value": get(HOST, b"X-A: b\x00c"),
    "bare CR in a value": get(HOST, b"X-A: b\rc"),
    "control byte in a value": get(HOST, b"X-A: b\x01c"),
    "odd byte in a name": get(HOST, b"X\xe9: b"),
    "no target": b"GET HTTP/1.1\r\nHost: api.test\r\n\r\n",
    "space in the target": b"GET /a b HTTP/1.1\r\nHost: api.test\r\n\r\n",
    "control byte in the target": b"GET /a\x01 HTTP/1.1\r\nHost: api.test\r\n\r\n",
    "fragment in the target": b"GET /a#b HTTP/1.1\r\nHost: api.test\r\n\r\n",
    "no slash": b"GET a HTTP/1.1\r\nHost: api.test\r\n\r\n",
    "two spaces": b"GET  /a HTTP/1.1\r\nHost: api.test\r\n\r\n",
    "bad method": b"G(T /a HTTP/1.1\r\nHost: api.test\r\n\r\n",
    "bad version": b"GET /a HTTP/1.2x\r\nHost: api.test\r\n\r\n",
    "HTTP/0.9": b"GET /a\r\n\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "length beside chunked": post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunked beside length": post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"),
    "two lengths": post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
    "two equal lengths": post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
    "list of lengths": post(b"Content-Length: 5, 5", body=b"hello"),
    "negative length": post(b"Content-Length: -5", body=b"hello"),
    "signed length": post(b"Content-Length: +5", body=b"hello"),
    "hexadecimal length": post(b"Content-Length: 0x5", body=b"hello"),
    "empty length": post(b"Content-Length:", body=b"hello"),
    "length beyond 2^64": post(b"Content-Length: 18446744073709551621", body=b"hello"),
    "chunked twice": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunked not last": post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "chunked in quotes": post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"),
    "chunked with a tail": post(b"Transfer-Encoding: chunkedx", body=b"0\r\n\r\n"),
    "empty coding": post(b"Transfer-Encoding:", body=b"0\r\n\r\n"),
    "chunked in HTTP/1.0": b"POST /x HTTP/1.0\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("head", BAD_HEADS.values(), ids=BAD_HEADS)
def test_a_bad_head_is_refused_and_the_connection_closed(origin, larder, head):
    origin.on("/x", reply(body=b"no"))
    origin.on("/smuggled", reply(body=b"no"))
    with larder.connect() as client:
        client.send(head + GET_NEXT)
        response = client.read_response()
        assert response.status in (400, 501, 505), response
        assert response.json()["error"] and response.field("connection") == "close"
        assert "bad-request" in response.cache_status or "not-implemented" in response.cache_status
        try:
            assert client.read_to_end() == b""
        except ConnectionResetError:
            pass
    assert origin.requests() == []


BAD_CHUNKS = {
    "not a number": b"x\r\nhello\r\n0\r\n\r\n",
    "empty size": b"\r\nhello\r\n0\r\n\r\n",
    "size with a sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "size with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "size beyond 2^64": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "more data than its size": b"5\r\nhello!\r\n0\r\n\r\n",
    "less data than its size": b"6\r\nhello\r\n0\r\n\r\n",
    "line ends with LF": b"5\nhello\n0\n\n",
    "LF in a quoted extension": b"5;a=\"\nb\"\r\nhello\r\n0\r\n\r\n",
    "bad trailer": b"5\r\nhello\r\n0\r\nno colon\r\n\r\n",
}


@pytest.mark.parametrize("body", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_a_broken_chunked_upload_never_looks_whole_to_the_origin(origin, larder, body):
    origin.on("/x", reply(body=b"taken"))
    origin.on("/smuggled", reply(body=b"no"))
    with larder.connect() as client:
        client.send(post(b"Transfer-Encoding: chunked", body=body) + GET_NEXT)
        try:
            response = client.read_response()
            assert response.status == 400
            assert client.read_to_end() == b""
        except (ConnectionEnded, ConnectionResetError):
            pass
    until(lambda: origin.open_connections() == 0, what="the end of the origin connection")
    assert not any(request.complete for request in origin.requests("/x"))
    assert origin.count("/smuggled") == 0


@pytest.mark.parametrize(
    "head, part",
    [
        (b"Content-Length: 10", b"half"),
        (b"Transfer-Encoding: chunked", b"4\r\nhalf\r\n"),
        (b"Transfer-Encoding: chunked", b"8\r\nhalf"),
        (b"Transfer-Encoding: chunked", b"4\r\nhalf\r\n0\r\n"),
    ],
)
@pytest.mark.parametrize("ending", ["close", "reset", "finish_sending"])
def test_an_upload_cut_off_never_looks_whole_to_the_origin(origin, larder, head, part, ending):
    origin.on("/x", reply(body=b"taken"))
    with larder.connect() as client:
        client.send(post(head, body=part))
        origin_request = until(lambda: origin.requests("/x") or not larder.process.is_running())
        getattr(client, ending)()
        until(lambda: origin.open_connections() == 0, what="the end of the origin connection")
    assert origin_request and not origin.requests("/x")[0].complete


LIMITS = "{header_bytes: 4KB, header_count: 20, uri_bytes: 1KB, body_bytes: 10KB}"


@pytest.mark.parametrize(
    "request_data, status",
    [
        (request_bytes("GET", "/x", {"X-Long": "a" * 5000}), 431),
        (request_bytes("GET", "/x", [(f"X-{number}", "a") for number in range(30)]), 431),
        (request_bytes("GET", "/x?" + "a" * 1100), 414),
        (request_bytes("POST", "/x", body=b"a" * 11000), 413),
    ],
    ids=["header_bytes", "header_count", "uri_bytes", "body_bytes"],
)
def test_what_is_too_large_is_refused(origin, wire, request_data, status):
    larder = wire(limits=LIMITS)
    with larder.connect() as client:
        client.send(request_data)
        response = client.read_response()
        assert response.status == status and response.json()["error"] and "limit" in response.cache_status
    assert origin.requests() == []


def test_a_chunked_body_that_grows_too_large_is_refused(origin, wire):
    origin.on("/x", reply(body=b"taken"))
    larder = wire(limits=LIMITS)
    with larder.connect() as client:
        client.send(post(b"Transfer-Encoding: chunked") + b"2000\r\n" + b"a" * 0x2000 + b"\r\n")
        client.send(b"2000\r\n" + b"a" * 0x2000 + b"\r\n0\r\n\r\n")
        assert client.read_response().status == 413
    assert not any(request.complete for request in origin.requests())


def test_what_is_just_small_enough_passes(origin, wire):
    origin.on("/x", reply(body=b"fine"))
    larder = wire(limits=LIMITS)
    assert larder.get("/x", {"X-Long": "a" * 3800}).body == b"fine"
    assert larder.get("/x?" + "a" * 1000).body == b"fine"
    assert larder.request("POST", "/x", body=b"a" * 10240).body == b"fine"


def test_a_head_that_does_not_end_is_given_up(origin, wire):
    larder = wire(limits="{header_timeout: 300ms}")
    with larder.connect() as client:
        client.send(b"GET /x HTTP/1.1\r\nHost: api.test\r\n")
        response = client.read_response()
        assert response.status == 408 and "client-timeout" in response.cache_status
        assert client.is_closed_by_peer()
    assert origin.requests() == []


def test_a_body_that_does_not_come_is_given_up(origin, wire):
    origin.on("/x", reply(body=b"taken"))
    larder = wire(limits="{body_timeout: 300ms}")
    with larder.connect() as client:
        client.send(post(b"Content-Length: 10", body=b"half"))
        try:
            assert client.read_response().status == 408
        except (ConnectionEnded, ConnectionResetError):
            pass
    until(lambda: origin.open_connections() == 0)
    assert not any(request.complete for request in origin.requests())


def test_an_idle_connection_is_closed_without_a_word(origin, wire):
    origin.on("/x", reply(body=b"fine"))
    larder = wire(limits="{keepalive_timeout: 300ms}")
    with larder.connect() as client:
        client.get("/x")
        assert client.is_closed_by_peer()
    with larder.connect() as silent:
        assert silent.is_closed_by_peer()


BAD_RESPONSES = {
    "nothing": [cut],
    "reset": [reset],
    "not HTTP": [b"hello\r\n\r\n", cut],
    "HTTP/0.9": [b"<html>hello</html>", cut],
    "head cut": [b"HTTP/1.1 200 OK\r\nContent-Le", cut],
    "head without its blank line": [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", cut],
    "bad status": [b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", cut],
    "status 000": [b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", cut],
    "length beside chunked": [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        cut,
    ],
    "two lengths": [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", cut],
    "length beyond 2^64": [b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551621\r\n\r\nhello", cut],
    "negative length": [b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello", cut],
    "NUL in a field": [b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n", cut],
    "space before the colon": [b"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n", cut],
    "unknown coding": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello", cut],
    "101 nobody asked for": [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", cut],
    "endless head": [b"HTTP/1.1 200 OK\r\nX: " + b"a" * 2_000_000, cut],
}


@pytest.mark.parametrize("place", ["/x", "/cached/x"])
@pytest.mark.parametrize("steps", BAD_RESPONSES.values(), ids=BAD_RESPONSES)
def test_a_bad_response_is_a_502_and_is_not_stored(origin, larder, steps, place):
    origin.on(place, raw(*steps))
    response = larder.get(place)
    assert response.status == 502 and response.json()["error"] and "origin-error" in response.cache_status
    origin.on(place, reply(body=b"fine"))
    assert larder.get(place).body == b"fine"


CUT_BODIES = {
    "length": [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"],
    "chunk": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf"],
    "between chunks": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
    "before the last line": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n"],
    "bad chunk": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n"],
    "chunk beyond 2^64": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n10000000000000001\r\na"],
}


@pytest.mark.parametrize("ending", [cut, reset], ids=repr)
@pytest.mark.parametrize("place", ["/x", "/cached/x"])
@pytest.mark.parametrize("steps", CUT_BODIES.values(), ids=CUT_BODIES)
def test_half_a_response_looks_like_half_and_is_not_stored(origin, larder, steps, place, ending):
    origin.on(place, raw(*steps, ending), reply(body=b"whole"))
    with larder.connect() as client:
        client.send(request_bytes("GET", place))
        try:
            response = client.read_response()
        except (ConnectionEnded, ConnectionResetError):
            pass
        else:
            assert response.status == 502, "half a body must not look like a whole one"
    again = larder.get(place)
    assert (again.body, again.x_cache) == (b"whole", "MISS" if place == "/cached/x" else "BYPASS")


def test_a_close_delimited_response_ended_by_a_reset_is_not_stored(origin, larder):
    gate = Gate()
    origin.on("/cached/x", raw(b"HTTP/1.1 200 OK\r\n\r\nhalf", gate, reset), reply(body=b"whole"))
    with larder.connect() as client:
        client.send(request_bytes("GET", "/cached/x"))
        client.read_head()
        gate.open()
        with pytest.raises((ConnectionEnded, ConnectionResetError)):
            while client.read_chunk():
                pass
    assert larder.get("/cached/x").body == b"whole"


def test_an_origin_that_is_not_there_is_a_502(origin, larder):
    origin.stop()
    response = larder.get("/cached/x")
    assert response.status in (502, 503) and response.json()["error"]
    origin.start()
    origin.on("/cached/x", reply(body=b"back"))
    assert larder.get("/cached/x").body == b"back"


def test_an_origin_that_says_nothing_is_a_504(origin, wire):
    gate = Gate()
    origin.on("/x", reply().after(gate))
    larder = wire(origin_text="{servers: [%s], response_timeout: 300ms}" % origin.url)
    response = larder.get("/x")
    assert response.status == 504 and "origin-timeout" in response.cache_status and response.seconds < 5
    gate.open()


def test_an_origin_that_stops_in_the_middle_is_cut_off(origin, wire):
    gate = Gate()
    origin.on("/cached/x", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", gate), reply(body=b"whole"))
    larder = wire(origin_text="{servers: [%s], idle_timeout: 300ms}" % origin.url)
    with larder.connect() as client:
        client.send(request_bytes("GET", "/cached/x"))
        client.read_head()
        with pytest.raises((ConnectionEnded, ConnectionResetError)):
            client.read_exactly(10)
    gate.open()
    assert larder.get("/cached/x").body == b"whole"


def test_a_client_that_goes_away_does_not_harm_the_others(origin, larder):
    gate = Gate()
    origin.on("/x", reply(body=b"late").after(gate))
    origin.on("/next", reply(body=b"right"))
    gone = larder.connect()
    gone.send(request_bytes("GET", "/x"))
    gate.wait_for(1)
    gone.reset()
    gate.open()
    assert [larder.get("/next").body for _ in range(5)] == [b"right"] * 5


def test_slow_bytes_are_put_together(origin, larder):
    origin.on("/x", raw(*[bytes([byte]) for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]))
    with larder.connect() as client:
        for byte in request_bytes("POST", "/x", body=b"hello"):
            client.send(bytes([byte]))
        assert client.read_response().body == b"ok"
    assert origin.requests("/x")[0].body == b"hello"


def test_the_answer_may_come_before_the_body_was_sent(origin, larder):
    origin.on("/x", reply("403 Forbidden", body=b"no").without_reading_body())
    with larder.connect() as client:
        client.send(post(b"Content-Length: 100000", body=b"a" * 1000))
        answer = Later(client.read_response)
        assert answer.finish().status == 403
