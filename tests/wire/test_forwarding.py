"""What goes through arrives as it was sent, both ways."""
import pytest

from support.raw_client import request_bytes
from support.scripted_origin import Gate, chunked, cut, raw, reply, until_close
from support.waiting import Later, until, wait_until_still

BYTES = bytes(range(256)) * 17


def own(name):
    return name.lower() in ("x-cache", "cache-status", "via", "age")


def test_a_responses_fields_keep_case_order_repetition_and_odd_bytes(origin, larder):
    head = (
        b"HTTP/1.1 299 Odd but  allowed\r\nx-lower: a\r\nX-UPPER: b\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n"
        b"X-Empty:\r\nX-Latin: caf\xe9 \xff\r\nx-Lower: c\r\n_under.score~!: d\r\nContent-Length: 3\r\n\r\nabc"
    )
    origin.on("/x", raw(head))
    response = larder.get("/x")
    assert (response.status, response.reason, response.body) == (299, "Odd but  allowed", b"abc")
    # A forwarded response gets the Date that it lacks (RFC 9110, 6.6.1).
    assert [field for field in response.fields if not own(field[0]) and field[0] != "Date"] == [
        ("x-lower", "a"),
        ("X-UPPER", "b"),
        ("Set-Cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2"),
        ("X-Empty", ""),
        ("X-Latin", "caf\xe9 \xff"),
        ("x-Lower", "c"),
        ("_under.score~!", "d"),
        ("Content-Length", "3"),
    ]


def test_a_requests_line_and_fields_arrive_as_they_were_sent(origin, larder):
    origin.on("/x", reply())
    target = "/x?b=2&a=%7e&&c=[1]&d=;,@:$!'()*+~"
    fields = [
        ("x-lower", "a"),
        ("X-UPPER", "b"),
        ("Accept", "a"),
        ("Accept", "b"),
        ("X-Latin", "caf\xe9"),
        ("User-Agent", "odd/1 (x)"),
    ]
    larder.get(target, fields)
    (seen,) = origin.requests("/x")
    assert seen.target == target
    assert [field for field in seen.fields if field[0] in dict(fields)] == fields
    assert seen.all("host") == ["api.test"]
    assert seen.field("via") == "1.1 larder"


def test_via_is_appended_to_what_others_said(origin, larder):
    origin.on("/x", reply(fields={"Via": "1.0 inner"}))
    response = larder.get("/x", {"Via": "1.1 outer"})
    assert origin.requests("/x")[0].field("via") == "1.1 outer, 1.1 larder"
    assert response.field("via") == "1.0 inner, 1.1 larder"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "X-ODD"])
@pytest.mark.parametrize("size", [1, 1000, 300_000])
def test_bodies_with_a_length_pass_both_ways(origin, larder, method, size):
    body = (BYTES * (size // len(BYTES) + 1))[:size]
    origin.on("/x", reply(body=body[::-1]))
    response = larder.request(method, "/x", body=body)
    assert response.body == body[::-1] and response.framing == "length"
    (seen,) = origin.requests("/x")
    assert (seen.method, seen.body, seen.complete) == (method, body, True)


def test_an_empty_body_keeps_its_length_zero(origin, larder):
    origin.on("/x", reply())
    response = larder.request("POST", "/x", body=b"")
    assert origin.requests("/x")[0].all("content-length") == ["0"]
    assert response.all("content-length") == ["0"]


def test_a_chunked_request_arrives_whole_with_its_trailers(origin, larder):
    origin.on("/x", reply(body=b"thanks"))
    with larder.connect() as client:
        client.send(
            b"POST /x HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
            b"4\r\nWiki\r\n6;ext=\"q\"\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nX-Sum: 9\r\n\r\n"
        )
        assert client.read_response().body == b"thanks"
        assert client.get("/x").status == 200
    seen = origin.requests("POST /x")[0]
    assert seen.body == b"Wikipedia in \r\n\r\nchunks."
    assert seen.complete and seen.trailers == [("X-Sum", "9")] and seen.field("trailer") == "X-Sum"


def test_a_trailer_never_becomes_a_header_field(origin, larder):
    origin.on("/x", reply())
    with larder.connect() as client:
        client.send(
            b"POST /x HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
            b"Host: evil\r\nAuthorization: x\r\nContent-Length: 5\r\n\r\n"
        )
        client.read_response()
    for request in origin.requests("/x"):
        assert request.all("host") == ["api.test"] and request.field("authorization") is None


def test_a_chunked_response_passes_with_its_trailers(origin, larder):
    origin.on("/x", chunked(b"first,", b"second", trailers={"X-Sum": "12"}))
    response = larder.get("/x")
    assert (response.framing, response.body) == ("chunked", b"first,second")
    assert response.trailers in ([], [("X-Sum", "12")])


def test_a_close_delimited_response_ends_where_the_origin_closed(origin, larder):
    origin.on("/x", until_close(b"all ", b"of it"))
    with larder.connect() as client:
        response = client.get("/x")
        assert response.body == b"all of it" and response.framing in ("chunked", "close")
    with larder.connect() as old:
        response = old.get("/x", version="1.0")
        assert response.body == b"all of it" and response.framing == "close"


def test_each_piece_is_sent_on_as_it_comes(origin, larder):
    gates = [Gate(), Gate()]
    origin.on(
        "/events",
        chunked(
            b"data: 1\n\n",
            gates[0],
            b"data: 2\n\n",
            gates[1],
            b"data: 3\n\n",
            fields={"Content-Type": "text/event-stream"},
        ),
    )
    with larder.connect() as client:
        client.send(request_bytes("GET", "/events"))
        assert client.read_head().status == 200
        for number, gate in enumerate(gates, 1):
            assert client.read_chunk() == b"data: %d\n\n" % number
            gate.open()
        assert client.read_chunk() == b"data: 3\n\n"


def test_an_upload_is_sent_on_while_it_is_still_coming(origin, larder):
    got = Gate()
    first = []

    def early(peer):
        first.append(peer.take(5))
        got.open()
        peer.take(5)

    origin.on("/x", raw(early, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").without_reading_body())
    with larder.connect() as client:
        client.send(b"POST /x HTTP/1.1\r\nHost: api.test\r\nContent-Length: 10\r\n\r\nfirst")
        got.pass_through()
        client.send(b"later")
        assert client.read_response().body == b"ok"
    assert first == [b"first"]


@pytest.mark.parametrize(
    "answer",
    [
        reply(fields={"ETag": '"a"'}, body=b"x" * 500),
        chunked(b"abc"),
        until_close(b"abc"),
        reply("204 No Content"),
    ],
    ids=["length", "chunked", "close", "204"],
)
def test_head_has_the_fields_of_get_and_no_body(origin, larder, answer):
    origin.on("GET /x", answer)
    head = answer.steps[0]
    origin.on("HEAD /x", raw(head))
    with larder.connect() as client:
        response = client.request("HEAD", "/x")
        assert response.status in (200, 204)
        if b"Content-Length: 500" in head:
            assert response.field("content-length") == "500"
        origin.on("/next", reply(body=b"next"))
        assert client.get("/next").body == b"next"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_bytes_after_a_response_without_a_body_are_nobodys_answer(origin, larder, status):
    origin.on("/x", raw(f"HTTP/1.1 {status}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged".encode()))
    origin.on("/next", reply(body=b"right"))
    with larder.connect() as client:
        assert client.get("/x").status == int(status[:3])
        assert client.get("/next").body == b"right"


def test_bytes_after_the_end_of_a_body_are_nobodys_answer(origin, larder):
    origin.on(
        "/x", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
    )
    origin.on("/next", reply(body=b"right"))
    with larder.connect() as client:
        assert client.get("/x").body == b"ok"
        assert client.get("/next").body == b"right"


def test_interim_responses_pass_and_do_not_lose_the_final_one(origin, larder):
    origin.on("/x", reply(body=b"final").interim("103 Early Hints", {"Link": "</a.css>"}).interim("102 Processing"))
    response = larder.get("/x")
    assert response.body == b"final"
    assert [head.status for head in response.interim] == [103, 102]
    assert response.interim[0].field("link") == "</a.css>"


def test_an_http_1_0_client_gets_no_interim_response_and_no_chunks(origin, larder):
    origin.on("/x", chunked(b"one", b"two").interim("103 Early Hints"))
    with larder.connect() as client:
        client.send(b"GET /x HTTP/1.0\r\nHost: api.test\r\n\r\n")
        response = client.read_response()
        assert (response.interim, response.body) == ([], b"onetwo") and response.framing in ("close", "length")
        assert client.is_closed_by_peer()


def test_expect_100_continue_is_answered_before_the_body_is_sent(origin, larder):
    origin.on("/x", reply("201 Created", body=b"made"))
    with larder.connect() as client:
        client.send(b"PUT /x HTTP/1.1\r\nHost: api.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert client.read_head().status == 100
        client.send(b"hello")
        assert client.read_response().status == 201
    assert origin.requests("/x")[0].body == b"hello"


def test_a_refused_expectation_takes_no_body_for_a_request(origin, larder):
    origin.on("PUT /x", reply("417 Expectation Failed", body=b"no").without_reading_body())
    origin.on("/next", reply(body=b"right"))
    with larder.connect() as client:
        client.send(b"PUT /x HTTP/1.1\r\nHost: api.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        response = client.read_head()
        if response.status == 100:  # a proxy may ask for the body by itself; then it must take it
            client.send(b"hello")
            response = client.read_head()
        assert response.status == 417
        assert client.read_exactly(2) == b"no"
    assert larder.get("/next").body == b"right"
    assert origin.count() == 2, "nothing of the body became a request"


WEBSOCKET = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_upgrade_turns_into_a_tunnel(origin, larder):
    def echo(peer):
        peer.socket.sendall(b"welcome")
        while True:
            peer.socket.sendall(peer.take_some(65536).upper())

    accepted = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    origin.on("/ws", raw(accepted, echo))
    with larder.connect() as client:
        client.send(request_bytes("GET", "/ws", WEBSOCKET) + b"early")
        response = client.read_response()
        assert response.status == 101
        assert (response.field("upgrade"), response.field("connection").lower()) == ("websocket", "upgrade")
        assert response.x_cache == "BYPASS" and response.field("via") == "1.1 larder"
        (seen,) = origin.requests("/ws")
        assert (seen.field("upgrade"), seen.field("connection").lower()) == ("websocket", "upgrade")
        assert client.read_exactly(12) == b"welcomeEARLY"
        client.send(b"\x00\xffping")
        assert client.read_exactly(6) == b"\x00\xffPING"
        client.finish_sending()


def test_a_write_that_switches_protocols_is_purged_at_both_ends(origin, wire):
    """What it changes may be changed until the tunnel ends."""
    larder = wire(extra='  - {match: "POST /cached/{name}", purge: ["cached:{name}"]}')
    value = [b"old"]
    origin.on("GET /cached/x", lambda request: reply(body=value[0]))
    gate = Gate()

    def change(peer):
        value[0] = b"new"
        peer.socket.sendall(b"changed")
        gate.pass_through()
        value[0] = b"newer"

    accepted = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    origin.on("POST /cached/x", raw(accepted, change, cut))
    larder.get("/cached/x")
    assert until(lambda: larder.get("/cached/x").x_cache == "HIT")
    with larder.connect() as client:
        client.send(request_bytes("POST", "/cached/x", {"Connection": "upgrade", "Upgrade": "x"}))
        assert client.read_response().status == 101 and client.read_exactly(7) == b"changed"
        assert larder.get("/cached/x").body == b"new"
        gate.open()
        client.read_to_end()
    assert until(lambda: larder.get("/cached/x").body == b"newer")


def test_an_upgrade_the_origin_declines_is_an_ordinary_answer(origin, larder):
    origin.on("/ws", reply(body=b"no websocket here"))
    with larder.connect() as client:
        response = client.get("/ws", WEBSOCKET)
        assert response.body == b"no websocket here"
        assert client.get("/ws").status == 200


def test_hop_by_hop_fields_go_no_further(origin, larder):
    origin.on(
        "/x",
        raw(
            b"HTTP/1.1 200 OK\r\nConnection: X-Named, keep-alive\r\nKeep-Alive: timeout=5\r\nX-Named: secret\r\n"
            b"Proxy-Connection: x\r\nX-Kept: yes\r\nContent-Length: 0\r\n\r\n"
        ),
    )
    response = larder.get(
        "/x",
        [
            ("Connection", "x-named"),
            ("Connection", "keep-alive, TE"),
            ("X-Named", "secret"),
            ("Keep-Alive", "timeout=5"),
            ("TE", "trailers"),
            ("Proxy-Connection", "keep-alive"),
            ("X-Kept", "yes"),
        ],
    )
    (seen,) = origin.requests("/x")
    for name in ("x-named", "keep-alive", "proxy-connection"):
        assert seen.field(name) is None and response.field(name) is None, name
    assert seen.field("x-kept") == response.field("x-kept") == "yes"
    assert "x-named" not in (seen.field("connection") or "").lower()


@pytest.mark.parametrize("named", ["Host", "Content-Length", "Authorization", "Cache-Control", "Cookie"])
def test_connection_cannot_remove_what_matters_for_safety(origin, larder, named):
    origin.on("/x", reply(body=b"ok"))
    response = larder.request(
        "POST", "/x", {"Connection": named, "Authorization": "a", "Cache-Control": "no-store", "Cookie": "c"}, b"body"
    )
    if response.status == 200:
        (seen,) = origin.requests("/x")
        assert seen.all("host") == ["api.test"] and seen.body == b"body"
    else:
        assert response.status == 400


def test_what_a_stranger_says_about_itself_is_not_believed(origin, larder):
    origin.on("/x", reply())
    larder.get(
        "/x",
        {
            "X-Forwarded-For": "203.0.113.9",
            "X-Forwarded-Host": "evil",
            "X-Forwarded-Proto": "https",
            "Forwarded": "for=203.0.113.9",
            "X-Real-IP": "203.0.113.9",
        },
    )
    (seen,) = origin.requests("/x")
    for name in ("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-real-ip"):
        value = seen.field(name) or ""
        assert "203.0.113.9" not in value and "evil" not in value and "https" not in value, name


def test_what_a_trusted_proxy_says_is_passed_on(origin, wire):
    larder = wire(extra="trusted_proxies: [127.0.0.0/8]")
    origin.on("/x", reply())
    larder.get("/x", {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"})
    (seen,) = origin.requests("/x")
    assert "203.0.113.9" in seen.field("x-forwarded-for") and seen.field("x-forwarded-proto") == "https"


def test_the_host_can_be_replaced(origin, wire):
    larder = wire(origin_text="{servers: [%s], host: inner.test}" % origin.url)
    origin.on("/x", reply())
    larder.get("/x")
    assert origin.requests("/x")[0].all("host") == ["inner.test"]


def test_an_absolute_target_decides_the_host(origin, larder):
    origin.on("/x", reply(body=b"ok"))
    with larder.connect() as client:
        client.send(b"GET http://other.test/x HTTP/1.1\r\nHost: api.test\r\n\r\n")
        response = client.read_response()
    if response.status == 200:
        assert origin.requests()[0].all("host") == ["other.test"]
    else:
        assert response.status == 400


@pytest.mark.parametrize("target", ["*", "http://api.test"])
def test_options_for_the_whole_server_passes(origin, larder, target):
    """RFC 9112, 3.2.4: an absolute target without a path means the server too."""
    origin.on("OPTIONS *", reply(fields={"Allow": "GET"}))
    assert larder.request("OPTIONS", target).field("allow") == "GET"


def test_a_later_minor_version_is_read_as_the_latest_known_one(origin, larder):
    """RFC 9110, 2.5."""
    origin.on("/x", reply(body=b"ok"))
    answer = larder.get("/x", version="1.2")
    assert (answer.status, answer.version, origin.requests("/x")[0].field("via")) == (200, "1.1", "1.1 larder")


def test_connection_does_not_take_the_requests_id_away(origin, larder):
    origin.on("/x", reply())
    larder.get("/x", {"Connection": "x-request-id", "X-Request-Id": "abc"})
    assert len(origin.requests("/x")[0].all("x-request-id")) == 1


def test_a_slow_reader_makes_the_origin_wait_instead_of_filling_memory(origin, larder):
    sent = []

    def flood(peer):
        piece = b"x" * 65536
        for _ in range(1000):
            peer.socket.sendall(piece)
            sent.append(len(piece))

    origin.on("/big", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 65536000\r\n\r\n", flood))
    before = larder.resident_bytes()
    with larder.connect(receive_buffer=65536) as client:
        client.send(request_bytes("GET", "/big"))
        client.read_head()
        wait_until_still(lambda: len(sent))
        assert sum(sent) < 32 * 1024 * 1024
        assert larder.resident_bytes() - before < 16 * 1024 * 1024
        rest = Later(client.read_exactly, 65536000)
        assert rest.finish(60) == b"x" * 65536000
