"""HTTP/2 by ALPN (RFC 7301), and with other people's clients."""
import socket
import ssl
import subprocess

import pytest

from support import http2_client
from support.certificates import Authority
from support.ports import HOST, free_port
from support.scripted_origin import reply

FRESH = {"Cache-Control": "max-age=60"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def start_secure(authority, origin, start_larder, http2="on"):
    certificate, key = authority.issue("larder.test")
    text = """
listen: [{address: <listen>, http2: <http2>, tls: {certificate: <certificate>, key: <key>}}, <plain>]
admin: <admin>
origin: <origin>
threads: 2
routes: [{match: "GET /cached/{name}", key: "cached:{name}", ttl: 60}]
"""
    named = {"certificate": certificate, "key": key, "plain": f"{HOST}:{free_port()}", "http2": http2}
    return start_larder(text, origin=origin.url, **named)


def offering(authority, *protocols):
    context = ssl.create_default_context(cafile=authority.certificate)
    context.set_alpn_protocols(list(protocols))
    return context


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
    [("on", ["http/1.1"], "http/1.1"), ("off", ["h2", "http/1.1"], "http/1.1"), ("off", ["h2"], None)],
)
def test_alpn_keeps_http1(authority, origin, start_larder, http2, offered, chosen):
    larder = start_secure(authority, origin, start_larder, http2)
    plain = socket.create_connection((HOST, larder.port), timeout=10)
    with offering(authority, *offered).wrap_socket(plain, server_hostname="larder.test") as client:
        assert client.selected_alpn_protocol() == chosen
        client.sendall(b"GET /missing HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 404")


# ---- other people's clients


def test_curl(authority, origin, start_larder, tmp_path):
    larder = start_secure(authority, origin, start_larder)
    origin.on("GET /cached/a", reply(fields=FRESH, body=b"meow"))
    origin.on("POST /pass", lambda request: reply(body=str(len(request.body)).encode()))
    upload = tmp_path / "upload"
    upload.write_bytes(b"x" * 3_000_000)

    def curl(*words):
        done = subprocess.run(
            ["curl", "-sS", "-m", "20", "-w", "\n%{http_version}", *words], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    secure = ["--cacert", authority.certificate, "--resolve", f"larder.test:{larder.port}:{HOST}"]
    address = f"https://larder.test:{larder.port}"
    assert curl("--http2", *secure, f"{address}/cached/a") == "meow\n2"
    assert curl("--http1.1", *secure, f"{address}/cached/a") == "meow\n1.1"
    assert curl("--http2", *secure, "--data-binary", f"@{upload}", f"{address}/pass") == "3000000\n2"
