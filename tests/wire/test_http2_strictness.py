"""Requests of HTTP/2 that are malformed, or ambiguous in HTTP/1.1, never reach the origin."""
import json

import pytest

from support import http2_client
from support.http2_client import PROTOCOL_ERROR
from support.scripted_origin import reply


@pytest.mark.parametrize(
    "pairs",
    [
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("connection", "close")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("keep-alive", "1")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("proxy-connection", "close")],
        [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", "/x"),
            ("transfer-encoding", "chunked"),
        ],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("upgrade", "h2c")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("te", "gzip")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("X-Upper", "1")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("a b", "1")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("a:b", "1")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("a\r\nb", "1")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("a", "1\r\nb: 2")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("a", "1\n2")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("a", "1\0")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("a", " 1")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("", "1")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("host", "b")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), ("content-length", "5")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), (":path", "/y")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), (":own", "1")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x"), (":status", "200")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), ("a", "1"), (":path", "/x")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a")],
        [(":method", "GET"), (":authority", "a"), (":path", "/x")],
        [(":scheme", "http"), (":authority", "a"), (":path", "/x")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "x")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "http://b/x")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x HTTP/1.1\r\na: b")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x y")],
        [(":method", "GET /y HTTP/1.1\r\n"), (":scheme", "http"), (":authority", "a"), (":path", "/x")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a\r\nb: c"), (":path", "/x")],
        [(":method", "GET"), (":scheme", "ftp"), (":authority", "a"), (":path", "/x")],
        [(":method", "GET"), (":scheme", "http"), (":path", "/x")],
        [(":method", "GET"), (":scheme", "http"), (":authority", ""), (":path", "/x"), ("host", "")],
    ],
    ids=lambda pairs: " ".join("=".join(pair) for pair in pairs[3:]) or "short",
)
def test_a_malformed_request_ends_its_stream_only(origin, connect, pairs):
    client = connect()
    stream = client.start_with(pairs)
    client.read_until(lambda: client.streams[stream].is_over)
    answer = client.streams[stream]
    assert answer.reset == PROTOCOL_ERROR or answer.status == 400, answer
    assert origin.count() == 0
    origin.on("GET /fine", reply(body=b"x"))
    assert client.get("/fine").body == b"x"


@pytest.mark.parametrize(
    "pairs, status",
    [
        ([(":authority", "a@b"), (":path", "/x")], 400),
        ([(":authority", "a"), (":path", "/x#y")], 400),
        ([(":authority", "a"), (":path", "/" + "x" * 20000)], 414),
        ([(":authority", "a"), (":path", "/x"), *[(f"x-{i}", "1") for i in range(200)]], 431),
        ([(":authority", "a"), (":path", "/x"), *[(f"x-{i}", "y" * 5000) for i in range(9)]], 431),
        ([(":authority", "a"), (":path", "/x"), *[(f"x-{i}", "y" * 6000) for i in range(9)]], 431),
    ],
    ids=["userinfo", "fragment", "long target", "many fields", "large head", "larger head"],
)
def test_what_http1_refuses_is_refused_with_the_same_status(origin, connect, pairs, status):
    client = connect()
    stream = client.start_with_continuation([(":method", "GET"), (":scheme", "http"), *pairs])
    answer = client.response(stream)
    assert answer.status == status
    assert json.loads(answer.body)["detail"]
    assert origin.count() == 0


def test_connect_is_not_implemented(origin, connect):
    client = connect()
    stream = client.start_with([(":method", "CONNECT"), (":authority", "a:443")])
    assert client.response(stream).status == 501
    assert origin.count() == 0


@pytest.mark.parametrize("sent", [b"abcd", b"abcdef"], ids=["short", "long"])
def test_a_body_must_have_the_announced_length(origin, connect, sent):
    client = connect()
    stream = client.start("POST", "/pass", {"content-length": "5"}, end=False)
    client.data(stream, sent, end=True)
    answer = client.response(stream)
    assert answer.reset == PROTOCOL_ERROR or answer.status == 400
    assert all(not request.complete for request in origin.requests())


def test_upgrade_to_h2c_is_answered_in_http1(origin, larder):
    origin.on("GET /pass", reply(body=b"x"))
    fields = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA"}
    assert larder.get("/pass", fields).status == 200
    (request,) = origin.requests("/pass")
    assert request.field("upgrade") is None and request.field("http2-settings") is None


def test_http2_can_be_refused(origin, start_larder):
    text = "listen: {address: <listen>, http2: off}\nadmin: <admin>\norigin: <origin>\n"
    larder = start_larder(text, origin=origin.url)
    with larder.connect() as client:
        client.send(http2_client.PREFACE)
        assert client.read_response().status == 400


def test_the_preface_comes_first_or_not_at_all(origin, larder):
    origin.on("GET /pass", reply(body=b"x"))
    with larder.connect() as client:
        client.send(b"GET /pass HTTP/1.1\r\nHost: a\r\n\r\n" + http2_client.PREFACE)
        assert client.read_response().status == 200
        assert client.read_response().status == 400


def test_a_preface_in_pieces(origin, larder):
    origin.on("GET /pass", reply(body=b"x"))
    with http2_client.Connection(larder.port, preface=False) as client:
        whole = http2_client.PREFACE + http2_client.SettingsFrame().serialize()
        for at in range(0, len(whole), 5):
            client.send_raw(whole[at : at + 5])
        assert client.get("/pass").body == b"x"
