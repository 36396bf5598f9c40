"""Exchanges with wrong timing or order: early answers, stalled and slow peers, half-closed and reused connections."""
import select
import time

import pytest

from support.raw_client import ConnectionEnded, Malformed, request_bytes
from support.scripted_origin import Gate, chunked, cut, hang, raw, reply, until_close
from support.waiting import Later, until


def head(method, *fields, target="/x"):
    return (
        f"{method} {target} HTTP/1.1\r\nHost: api.test\r\n".encode()
        + b"".join(field + b"\r\n" for field in fields)
        + b"\r\n"
    )


# ---- deadlines: each ends what it watches, and nothing else


def test_an_answer_may_take_longer_than_the_upload_was_watched(origin, wire):
    """The upload's deadline ends with the upload."""
    gate = Gate()
    origin.on("POST /x", reply(body=b"late").after(gate))
    larder = wire(limits="{body_timeout: 300ms}")
    with larder.connect() as client:
        client.send(head("POST", b"Content-Length: 5") + b"he")
        time.sleep(0.1)
        client.send(b"llo")
        gate.wait_for(1)
        time.sleep(1)
        gate.open()
        assert client.read_response().body == b"late"


@pytest.mark.parametrize("place", ["/x", "/cached/x"])
def test_a_reader_that_paused_once_may_wait_for_slow_events(origin, wire, place):
    """A write's deadline ends with the write."""
    gate, last = Gate(), Gate()
    origin.on(place, chunked(b"a" * 20_000_000, gate, b"event", last, b"end", fields={"Cache-Control": "no-store"}))
    larder = wire(limits="{body_timeout: 1s}")
    with larder.connect(receive_buffer=4096) as client:
        client.send(request_bytes("GET", place))
        client.read_head()
        time.sleep(0.5)  # the writing side blocks
        taken = 0
        while taken < 20_000_000:
            taken += len(client.read_chunk())
        time.sleep(1.8)
        gate.open()
        assert client.read_chunk() == b"event"
        last.open()
        assert client.read_chunk() == b"end" and client.read_chunk() == b""


@pytest.mark.parametrize("place", ["/x", "/cached/x"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_slow_reader_does_not_make_the_origin_late(origin, wire, place, framing):
    """origin.idle_timeout is about the origin's silence, not about the client's."""
    body = b"0123456789abcdef" * 500_000
    answer = (
        reply(body=body, fields={"Cache-Control": "no-store"})
        if framing == "length"
        else chunked(body, fields={"Cache-Control": "no-store"})
    )
    origin.on(place, answer)
    larder = wire(origin_text="{servers: [%s], idle_timeout: 300ms}" % origin.url)
    with larder.connect(receive_buffer=4096) as client:
        client.send(request_bytes("GET", place))
        time.sleep(1.2)
        assert client.read_response().body == body


def test_an_upload_may_wait_for_a_slow_origin(origin, wire):
    """limits.body_timeout is about the client's silence, not about the origin's."""
    gate = Gate()
    origin.on(
        "POST /x",
        raw(
            gate, lambda peer: peer.take(8_000_000), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        ).without_reading_body(),
    )
    larder = wire(limits="{body_timeout: 300ms}")
    with larder.connect() as client:
        client.send(head("POST", b"Content-Length: 8000000"))
        sending = Later(client.send, b"a" * 8_000_000)
        gate.wait_for(1)
        time.sleep(1)
        gate.open()
        sending.finish()
        assert client.read_response().body == b"ok"


def drip(client, data, pause):
    """Bytes one by one until the other side closes; the seconds it took."""
    started = time.monotonic()
    try:
        for byte in data:
            client.send(bytes([byte]))
            time.sleep(pause)
            if select.select([client._socket], [], [], 0)[0]:
                break
    except OSError:
        pass
    return time.monotonic() - started


@pytest.mark.parametrize(
    "before",
    [b"", request_bytes("GET", "/x"), request_bytes("GET", "/cached/x")],
    ids=["first", "after a pass", "after a hit"],
)
def test_slowloris_a_byte_does_not_renew_the_head_deadline(origin, wire, before):
    origin.on("/x", reply(body=b"x"))
    origin.on("/cached/x", reply(body=b"x"))
    larder = wire(limits="{header_timeout: 600ms}")
    larder.get("/cached/x")
    with larder.connect() as client:
        if before:
            client.send(before)
            client.read_response()
        seconds = drip(client, b"GET /x HTTP/1.1\r\nHost: api.test\r\nX: " + b"a" * 100, 0.1)
        assert seconds < 3
        assert client.read_response().status == 408 and client.is_closed_by_peer()


def test_slowloris_behind_a_pipelined_request(origin, wire):
    origin.on("/x", reply(body=b"x"))
    larder = wire(limits="{header_timeout: 600ms}")
    with larder.connect() as client:
        client.send(request_bytes("GET", "/x") + b"GET /y HTTP/1.1\r\nHo")
        assert client.read_response().body == b"x"
        assert drip(client, b"st: api.test\r\nX: " + b"a" * 100, 0.1) < 3
        assert client.read_response().status == 408


def test_a_reader_that_never_reads_is_given_up(origin, wire):
    origin.on("/x", reply(body=b"a" * 30_000_000))
    larder = wire(limits="{body_timeout: 500ms}")
    with larder.connect(receive_buffer=4096) as client:
        client.send(request_bytes("GET", "/x"))
        until(lambda: origin.count("/x") == 1 and origin.open_connections() == 0, what="the end of the exchange")
        with pytest.raises((ConnectionEnded, ConnectionResetError)):
            client.read_response()


def test_a_reader_that_never_reads_a_hit_is_given_up(origin, wire):
    origin.on("/cached/x", reply(body=b"a" * 7_000_000))
    larder = wire(limits="{body_timeout: 500ms}")
    larder.get("/cached/x")
    with larder.connect(receive_buffer=4096) as client:
        client.send(request_bytes("GET", "/cached/x"))
        time.sleep(1.5)
        with pytest.raises((ConnectionEnded, ConnectionResetError)):
            client.read_response()


@pytest.mark.parametrize(
    "limits, sent",
    [
        ("{header_timeout: 400ms}", b"\x16\x03\x01"),
        ("{header_timeout: 400ms}", b"GET"),
        ("{keepalive_timeout: 400ms}", b""),
    ],
    ids=["no HTTP", "part of a head", "nothing"],
)
def test_every_phase_before_a_request_ends(origin, wire, limits, sent):
    larder = wire(limits=limits)
    with larder.connect() as client:
        if sent:
            client.send(sent)
        started = time.monotonic()
        try:
            client.read_to_end()
        except ConnectionResetError:
            pass
        assert time.monotonic() - started < 5
    assert origin.requests() == []


def test_a_shutdown_does_not_wait_for_an_origin_that_hangs(origin, wire):
    """The fetch goes on when its client has left; SIGTERM ends it."""
    origin.on("/cached/x", raw(hang))
    larder = wire(limits="{drain_timeout: 500ms}")
    client = larder.connect()
    client.send(request_bytes("GET", "/cached/x"))
    origin.wait_for_requests("/cached/x")
    client.close()
    started = time.monotonic()
    larder.stop()
    assert time.monotonic() - started < 10


def test_a_shutdown_does_not_wait_for_a_tunnel_that_stays(origin, wire):
    origin.on("/ws", raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", hang))
    larder = wire(limits="{drain_timeout: 500ms}")
    with larder.connect() as client:
        client.send(head("GET", b"Upgrade: x", b"Connection: upgrade", target="/ws"))
        assert client.read_response().status == 101
        started = time.monotonic()
        larder.stop()
        assert time.monotonic() - started < 10


# ---- answers before the upload ends


@pytest.mark.parametrize("answer", ["403 Forbidden", "413 Content Too Large", "200 OK"])
def test_9112_9_3_an_early_answer_reaches_a_client_that_still_sends(origin, larder, answer):
    origin.on("POST /x", reply(answer, body=b"early").without_reading_body())
    with larder.connect() as client:
        client.send(head("POST", b"Content-Length: 100000000"))

        def push():
            try:
                for _ in range(400):
                    client.send(b"a" * 10_000)
                    time.sleep(0.001)
            except OSError:
                pass

        pushing = Later(push)
        response = client.read_response()
        assert (response.status, response.body, response.field("connection")) == (int(answer[:3]), b"early", "close")
        pushing.finish()


def test_half_an_upload_leaves_no_connection_behind_it(origin, larder):
    """Request smuggling into the pool: what follows on that connection would be the rest of the body."""
    origin.on("POST /x", raw(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nearly", hang).without_reading_body())
    origin.on("POST /y", reply(body=b"right"))
    for _ in range(4):
        with larder.connect() as client:
            client.send(head("POST", b"Content-Length: 1000") + b"half")
            assert client.read_response().status == 403
        assert larder.request("POST", "/y", body=b"whole").body == b"right"
    seen = [(request.connection, request.target) for request in origin.requests()]
    for at, (connection, target) in enumerate(seen):
        assert target != "/x" or connection not in [other for other, _ in seen[at + 1 :]]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_9110_10_1_1_an_expectation_without_a_body_is_none(origin, larder, version):
    origin.on("/x", reply(body=b"right"))
    response = larder.get("/x", {"Expect": "100-continue"}, version=version)
    assert response.body == b"right" and response.interim == []
    assert origin.requests("/x")[0].field("expect") is None


def test_9110_10_1_1_http_1_0_gets_no_100(origin, larder):
    origin.on("/x", reply(body=b"right"))
    with larder.connect() as client:
        client.send(b"POST /x HTTP/1.0\r\nHost: api.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
        response = client.read_response()
        assert response.body == b"right" and response.interim == []
    assert origin.requests("/x")[0].field("expect") is None


def test_9110_10_1_1_an_origin_that_never_says_100(origin, larder):
    origin.on(
        "/x", raw(lambda peer: peer.take(5), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").without_reading_body()
    )
    with larder.connect() as client:
        client.send(head("PUT", b"Expect: 100-continue", b"Content-Length: 5"))
        time.sleep(0.3)
        client.send(b"hello")  # as curl does after a second
        assert client.read_response().body == b"ok"


def test_9110_10_1_1_an_expectation_with_the_body_at_once(origin, larder):
    origin.on("/x", reply(body=b"right"))
    with larder.connect() as client:
        client.send(head("PUT", b"Expect: 100-continue", b"Content-Length: 5") + b"hello" + request_bytes("GET", "/x"))
        assert client.read_response().body == b"right"
        assert client.read_response().body == b"right"
    assert origin.requests("PUT /x")[0].body == b"hello"


def test_9110_10_1_1_another_expectation_is_the_origins_to_refuse(origin, larder):
    origin.on("/x", lambda request: reply("417 Expectation Failed", body=(request.field("expect") or "").encode()))
    response = larder.get("/x", {"Expect": "the-unexpected"})
    assert (response.status, response.body) == (417, b"the-unexpected")


@pytest.mark.parametrize("status", ["417 Expectation Failed", "401 Unauthorized", "307 Temporary Redirect"])
def test_9110_10_1_1_a_refused_expectation_ends_the_connection(origin, larder, status):
    """The body may come or not: nobody could tell it from a request."""
    origin.on("PUT /x", reply(status, body=b"no").without_reading_body())
    origin.on("/smuggled", reply(body=b"no"))
    with larder.connect() as client:
        client.send(head("PUT", b"Expect: 100-continue", b"Content-Length: 60"))
        response = client.read_response()
        assert response.status == int(status[:3]) and response.field("connection") == "close"
        try:
            client.send(request_bytes("GET", "/smuggled"))
            assert client.read_to_end() == b""
        except OSError:
            pass
    assert larder.get("/x").status == 404
    assert origin.count("/smuggled") == 0


# ---- responses that would poison the next one


AFTER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
POISONED = {
    "9112 6.3 behind a 204": ("GET", b"HTTP/1.1 204 No Content\r\n\r\n" + AFTER),
    "9112 6.3 behind a 204 with a length": ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\npoison"),
    "9112 6.3 behind a 204 with chunks": (
        "GET",
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npoison\r\n0\r\n\r\n",
    ),
    "9112 6.3 behind a 304": ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\npoison"),
    "9112 6.3 behind a HEAD's head": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"),
    "9112 6.3 behind a HEAD's head with chunks": (
        "HEAD",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npoison\r\n0\r\n\r\n",
    ),
    "9112 6.3 behind a length": ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + AFTER),
    "9112 6.3 behind the last chunk": (
        "GET",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + AFTER,
    ),
    "9112 6.3 behind an empty body": ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + AFTER),
    "9112 9.3 two answers to a POST": ("POST", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + AFTER),
}


@pytest.mark.parametrize("late", [False, True], ids=["at once", "later"])
@pytest.mark.parametrize("method, data", POISONED.values(), ids=POISONED)
def test_what_follows_a_response_is_nobodys_answer(origin, larder, method, data, late):
    if late:
        cut_at = (
            data.index(b"\r\n\r\n") + 4
            if method == "HEAD" or b" 204 " in data or b" 304 " in data
            else data.rindex(b"HTTP/1.1 200")
        )
        origin.on("/x", raw(data[:cut_at], lambda peer: time.sleep(0.05), data[cut_at:], hang))
    else:
        origin.on("/x", raw(data, hang))
    origin.on("/next", reply(body=b"right"))
    with larder.connect() as client:
        response = client.request(method, "/x")
        assert b"poison" not in response.body
        time.sleep(0.2 if late else 0)
        for _ in range(3):
            assert client.get("/next").body == b"right"


def test_9110_8_6_a_204_has_no_length(origin, larder):
    """A client that believes it takes the next answer for the body."""
    origin.on("/x", raw(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"))
    response = larder.get("/x")
    assert (
        response.status == 204
        and response.field("content-length") is None
        and response.field("transfer-encoding") is None
    )


def test_9110_15_2_an_interim_response_has_no_length(origin, larder):
    origin.on(
        "/x",
        raw(
            b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        ),
    )
    response = larder.get("/x")
    assert (
        response.body == b"ok"
        and response.interim[0].field("content-length") is None
        and response.interim[0].field("link") == "a"
    )


@pytest.mark.parametrize("place", ["/x", "/cached/x"])
def test_a_flood_of_interim_responses_is_a_502(origin, larder, place):
    origin.on(
        place, raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    )
    assert larder.get(place).status == 502


@pytest.mark.parametrize("place", ["/x", "/cached/x"])
def test_endless_interim_responses_end(origin, wire, place):
    def flood(peer):
        while True:
            peer.socket.sendall(b"HTTP/1.1 102 Processing\r\n\r\n" * 50)

    origin.on(place, raw(flood))
    assert wire().get(place).status == 502


BAD = {
    "9112 2.2 an empty line first": b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "9112 2.3 HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "9112 2.3 lower case": b"http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "9112 4 status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
    "9112 4 a tab behind the status": b"HTTP/1.1 200\tOK\r\nContent-Length: 2\r\n\r\nok",
    "9112 4 signed status": b"HTTP/1.1 +200 OK\r\nContent-Length: 2\r\n\r\nok",
    "9112 5.1 space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "9112 5.2 obs-fold": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "9112 5 CR in a value (response splitting)": b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok",
    "9112 6.1 chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "9112 6.1 chunked twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "9112 6.1 chunked not last": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "9112 6.1 gzip, chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "9112 6.3 a list of different lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok",
    "9112 6.3 different lengths in lines with LF": b"HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 3\n\nok",
    "9112 6.3 a length beside chunks in lines with LF": b"HTTP/1.1 200 OK\nContent-Length: 2\nTransfer-Encoding: chunked\n\nok",
    "9112 5.2 obs-fold in lines with LF": b"HTTP/1.1 200 OK\nX: a\n b\nContent-Length: 2\n\nok",
    "9112 5.1 no colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\nok",
    "9112 2.2 CR CR LF": b"HTTP/1.1 200 OK\r\nX: a\r\r\nContent-Length: 2\r\n\r\nok",
    "9112 6.2 a signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    "9112 6.2 an empty length": b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok",
    "9112 6.2 a length of 2^63": b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nok",
    "600 fields": b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 600 + b"Content-Length: 2\r\n\r\nok",
    "a head of 100 KB": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\nContent-Length: 2\r\n\r\nok",
}


@pytest.mark.parametrize("place", ["/x", "/cached/x"])
@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_a_response_that_is_not_clean_is_a_502(origin, larder, data, place):
    origin.on(place, raw(data, cut), reply(body=b"right"))
    response = larder.get(place)
    assert response.status == 502 and "origin-error" in response.cache_status, response
    assert larder.get(place).body == b"right"


BAD_CHUNKS = {
    "7.1 CR after the size": b"4\rhalf\r\n0\r\n\r\n",
    "7.1 0x": b"0x4\r\nhalf\r\n0\r\n\r\n",
    "7.1 2^64": b"10000000000000004\r\nhalf\r\n0\r\n\r\n",
    "7.1 minus": b"-4\r\nhalf\r\n0\r\n\r\n",
    "7.1 no CRLF behind the data": b"4\r\nhalfXX0\r\n\r\n",
    "7.1.1 LF in an extension": b"4;a\nb\r\nhalf\r\n0\r\n\r\n",
    "7.1.1 an endless extension": b"4;" + b"a" * 50_000 + b"\r\nhalf\r\n0\r\n\r\n",
    "7.1.2 endless trailers": b"4\r\nhalf\r\n0\r\n" + b"X: a\r\n" * 3000 + b"\r\n",
    "7.1.2 no colon in a trailer": b"4\r\nhalf\r\n0\r\nX\r\n\r\n",
}


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("place", ["/x", "/cached/x"])
@pytest.mark.parametrize("data", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_a_broken_chunked_response_never_looks_whole(origin, larder, data, place, version):
    origin.on(place, raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data, cut), reply(body=b"right"))
    with larder.connect() as client:
        client.send(request_bytes("GET", place, version=version))
        try:
            response = client.read_response()
            assert response.status == 502, response
        except (ConnectionEnded, ConnectionResetError, Malformed):
            pass
    assert larder.get(place).body == b"right"


# ---- tunnels


ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
WEBSOCKET = (b"Upgrade: websocket", b"Connection: Upgrade")


def echo(peer):
    while True:
        peer.socket.sendall(peer.take_some(65536))


def test_a_tunnel_carries_megabytes_both_ways(origin, larder):
    origin.on("/ws", raw(ACCEPTED, echo))
    data = bytes(range(256)) * 20_000
    with larder.connect() as client:
        client.send(head("GET", *WEBSOCKET, target="/ws"))
        assert client.read_response().status == 101
        sending = Later(client.send, data)
        assert client.read_exactly(len(data)) == data
        sending.finish()


def test_a_tunnels_origin_may_go_on_after_the_client_has_ended(origin, larder):
    def tail(peer):
        try:
            while True:
                peer.take_some(100)
        except ConnectionError:
            peer.socket.sendall(b"last words")

    origin.on("/ws", raw(ACCEPTED, tail, cut))
    with larder.connect() as client:
        client.send(head("GET", *WEBSOCKET, target="/ws"))
        client.read_response()
        client.send(b"hello")
        client.finish_sending()
        assert client.read_to_end() == b"last words"


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_tunnel_whose_client_goes_leaves_nothing(origin, larder, end):
    origin.on("/ws", raw(ACCEPTED, echo))
    with larder.connect() as client:
        client.send(head("GET", *WEBSOCKET, target="/ws"))
        client.read_response()
        getattr(client, end)()
    until(lambda: origin.open_connections() == 0, what="the end of the tunnel")
    until(lambda: larder.metrics().total("larder_client_connections") == 0)


def test_a_tunnel_is_logged_with_its_own_request(origin, wire):
    """The head outlives the bytes that the tunnel reads into the connection's buffer."""
    origin.on("/ws/with/a/long/name", raw(ACCEPTED, echo))
    larder = wire(extra="log: {access: on}")
    with larder.connect() as client:
        client.send(head("GET", *WEBSOCKET, target="/ws/with/a/long/name"))
        client.read_response()
        for _ in range(50):
            client.send(b"#" * 30_000)
            client.read_exactly(30_000)
    until(lambda: "/ws/with/a/long/name" in larder.log(), what="the line in the log")
    assert "###" not in larder.log()


def test_an_http_1_0_client_gets_no_tunnel(origin, larder):
    origin.on("/ws", lambda request: reply(body=(request.field("upgrade") or "no upgrade").encode()))
    with larder.connect() as client:
        client.send(b"GET /ws HTTP/1.0\r\nHost: api.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        assert client.read_response().body == b"no upgrade"


# ---- pipelining and reuse


def test_pipelined_bodies_of_every_framing(origin, larder):
    origin.on("/x", lambda request: reply(body=request.body + b"!"))
    with larder.connect() as client:
        client.send(
            head("POST", b"Content-Length: 3")
            + b"one"
            + head("PUT", b"Transfer-Encoding: chunked")
            + b"3\r\ntwo\r\n0\r\n\r\n"
            + head("POST", b"Content-Length: 0")
            + head("GET")
            + head("POST", b"Content-Length: 200000")
            + b"5" * 200_000
            + head("DELETE")
        )
        bodies = [client.read_response().body for _ in range(6)]
    assert bodies == [b"one!", b"two!", b"!", b"!", b"5" * 200_000 + b"!", b"!"]
    assert [request.method for request in origin.requests()] == ["POST", "PUT", "POST", "GET", "POST", "DELETE"]


@pytest.mark.parametrize("size", [4095, 4096, 16383, 16384, 16385, 65536, 131072, 131073])
def test_bodies_at_the_edges_of_buffers_with_a_request_behind_them(origin, larder, size):
    origin.on("/x", lambda request: reply(body=b"%d" % len(request.body)))
    with larder.connect() as client:
        for _ in range(3):
            client.send(head("POST", b"Content-Length: %d" % size) + b"b" * size + head("GET"))
            assert client.read_response().body == b"%d" % size
            assert client.read_response().body == b"0"


@pytest.mark.parametrize(
    "method, times", [("GET", 2), ("HEAD", 2), ("PUT", 2), ("DELETE", 2), ("POST", 1), ("PATCH", 1)]
)
def test_9112_9_3_1_one_retry_and_only_where_it_is_safe(origin, larder, method, times):
    origin.on("/warm", reply(body=b"x"))
    origin.on("/x", raw(cut))
    larder.get("/warm")
    response = larder.request(method, "/x", body=b"body" if method in ("PUT", "POST", "PATCH") else None)
    assert response.status == 502 and origin.count("/x") <= times


def test_9112_9_3_1_nothing_is_sent_again_after_a_byte_of_an_answer(origin, larder):
    origin.on("/warm", reply(body=b"x"))
    origin.on("/x", raw(b"HTTP/1.1 2", cut), reply(body=b"again"))
    larder.get("/warm")
    assert larder.get("/x").status == 502 and origin.count("/x") == 1


def test_9112_9_3_1_an_upload_is_not_sent_again(origin, larder):
    origin.on("/warm", reply(body=b"x"))
    origin.on("PUT /x", raw(cut).without_reading_body())
    larder.get("/warm")
    with larder.connect() as client:
        client.send(head("PUT", b"Content-Length: 10") + b"half")
        assert client.read_response().status == 502
    assert origin.count("PUT /x") == 1


def test_connections_that_the_origin_ended_are_given_back_soon(origin, larder):
    """A pool that is not asked would keep its half of each for ever."""
    origin.on("/x", reply(body=b"x"))
    answers = [Later(larder.get, "/x") for _ in range(20)]
    assert all(answer.finish().status == 200 for answer in answers)
    origin.close_connections()

    def half_closed():
        with open(f"/proc/{larder.process.pid}/net/tcp") as table:
            return sum(1 for row in table if f":{origin.port:04X} 08" in row)

    until(lambda: half_closed() == 0, timeout=8, what="the end of half-closed connections")


def test_max_connections_is_shared_fairly_by_the_workers(origin, wire):
    """What one worker keeps idle must not starve the other."""
    origin.on("/x", reply(body=b"x"))
    larder = wire(origin_text="{servers: [%s], max_connections: 1}" % origin.url)
    assert [larder.get("/x").status for _ in range(20)] == [200] * 20
    assert origin.open_connections() <= 1


def test_until_close_to_http_1_0_and_chunks_to_http_1_1(origin, larder):
    origin.on("/x", until_close(b"one", b"two"))
    with larder.connect() as client:
        client.send(request_bytes("GET", "/x", {"Connection": "keep-alive"}, version="1.0"))
        response = client.read_response()
        assert (response.framing, response.body) == ("close", b"onetwo")
    assert larder.get("/x").framing == "chunked"


def test_connection_per_client_limit(origin, wire):
    origin.on("/x", reply(body=b"x"))
    larder = wire(limits="{connections_per_client: 3}")
    kept = [larder.connect() for _ in range(3)]
    try:
        assert [client.get("/x").status for client in kept] == [200] * 3
        with larder.connect() as more:
            response = more.get("/x")
            assert response.status == 503 and "limit" in response.cache_status and more.is_closed_by_peer()
        kept.pop().close()
        until(lambda: larder.get("/x").status == 200, what="room for one more")
        assert [client.get("/x").status for client in kept] == [200] * 2
    finally:
        for client in kept:
            client.close()


def test_connection_limit_pauses_accepting(origin, wire):
    origin.on("/x", reply(body=b"x"))
    larder = wire(limits="{connections: 4}")
    kept = [larder.connect() for _ in range(12)]
    try:
        answers = [Later(client.get, "/x") for client in kept]
        until(lambda: sum(answer.is_done() for answer in answers) >= 4)
        time.sleep(0.3)
        assert sum(answer.is_done() for answer in answers) <= 8
        for client, answer in zip(kept, answers):
            if answer.is_done():
                client.close()
        until(lambda: sum(answer.is_done() for answer in answers) >= 8)
    finally:
        for client in kept:
            client.close()
