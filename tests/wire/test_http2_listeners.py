"""HTTP/2 by ALPN (RFC 7301), on plain listeners behind a PROXY header, and where it is refused."""
import socket
import ssl

import pytest

from support import http2_client
from support.certificates import Authority
from support.ports import HOST
from support.scripted_origin import reply
from support.secure_larder import offering, start_secure
from support.waiting import until

FRESH = {"Cache-Control": "max-age=60"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def test_alpn_chooses_http2(authority, origin, start_larder):
    larder = start_secure(authority, origin, start_larder)
    body = b"meow" * 50000
    origin.on("GET /cached/a", reply(fields=FRESH, body=body))
    with http2_client.Connection(larder.port, tls=offering(authority, "http/1.1", "h2")) as client:
        assert client.socket.selected_alpn_protocol() == "h2"
        assert [client.get("/cached/a", scheme="https").x_cache for _ in range(2)] == ["MISS", "HIT"]
        assert client.get("/cached/a", scheme="https").body == body
    assert origin.requests("/cached/a")[0].field("x-forwarded-proto") == "https"


@pytest.mark.parametrize(
    "http2, offered, chosen",
    [("on", ["http/1.1"], "http/1.1"), ("off", ["h2", "http/1.1"], "http/1.1")],
)
def test_alpn_keeps_http1(authority, origin, start_larder, http2, offered, chosen):
    larder = start_secure(authority, origin, start_larder, http2)
    plain = socket.create_connection((HOST, larder.port), timeout=10)
    with offering(authority, *offered).wrap_socket(plain, server_hostname="larder.test") as client:
        assert client.selected_alpn_protocol() == chosen
        client.sendall(b"GET /missing HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 404")


def test_a_client_of_http2_alone_is_refused_where_it_is_off(authority, origin, start_larder):
    larder = start_secure(authority, origin, start_larder, "off")
    plain = socket.create_connection((HOST, larder.port), timeout=10)
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        offering(authority, "h2").wrap_socket(plain, server_hostname="larder.test")


def test_a_proxy_header_before_the_preface(origin, start_larder):
    text = """
listen: {address: <listen>, proxy_protocol: on}
admin: <admin>
origin: <origin>
trusted_proxies: [127.0.0.0/8]
"""
    larder = start_larder(text, origin=origin.url)
    origin.on("GET /x", lambda request: reply(body=request.field("x-forwarded-for").encode()))
    for header in (b"PROXY TCP4 203.0.113.9 198.51.100.1 4000 443\r\n", b""):
        with http2_client.Connection(larder.port, preface=False) as client:
            settings = http2_client.SettingsFrame().serialize()
            client.send_raw(header + http2_client.PREFACE + settings)
            if header:
                assert client.get("/x").body == b"203.0.113.9"
            else:
                client.wait_for_end()
                assert not client.settings


def test_a_reload_keeps_connections_and_changes_what_new_requests_get(origin, start_larder):
    text = "listen: <listen>\nadmin: <admin>\norigin: <origin>\nroutes:\n"
    cached = '  - {match: "GET /cached/{name}", key: "cached:{name}", ttl: 60}\n'
    larder = start_larder(text + cached, origin=origin.url)
    origin.on("GET /cached/a", reply(body=b"meow"))
    with http2_client.Connection(larder.port) as client:
        assert [client.get("/cached/a").x_cache for _ in range(2)] == ["MISS", "HIT"]
        larder.write_config(text + "  - {match: GET /cached/a, cache: off}\n")
        larder.reload()
        until(lambda: client.get("/cached/a").x_cache == "BYPASS", what="the new rules")
        assert not client.go_aways
