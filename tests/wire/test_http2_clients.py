"""HTTP/2 with other people's clients: curl, nghttp, h2load and python3-h2."""
import socket
import subprocess

import h2.config
import h2.connection
import h2.events
import pytest

from support.certificates import Authority
from support.ports import HOST
from support.scripted_origin import reply
from support.secure_larder import offering, start_secure

FRESH = {"Cache-Control": "max-age=60"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def secure(authority, origin, start_larder):
    origin.on("GET /cached/a", reply(fields=FRESH, body=b"meow"))
    origin.on("POST /pass", lambda request: reply(body=str(len(request.body)).encode()))
    return start_secure(authority, origin, start_larder)


@pytest.fixture
def upload(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(b"x" * 3_000_000)
    return path


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def curl(*words):
    return run("curl", "-sS", "-m", "40", "-w", "\n%{http_version}", *words)


def test_curl(authority, secure, upload):
    trusting = ["--cacert", authority.certificate, "--resolve", f"larder.test:{secure.port}:{HOST}"]
    address = f"https://larder.test:{secure.port}"
    assert curl("--http2", *trusting, f"{address}/cached/a") == "meow\n2"
    assert curl("--http1.1", *trusting, f"{address}/cached/a") == "meow\n1.1"
    assert curl("--http2", *trusting, "--data-binary", f"@{upload}", f"{address}/pass") == "3000000\n2"


def test_curl_without_tls(secure, upload):
    address = f"http://{secure.plain_address}"
    assert curl("--http2-prior-knowledge", f"{address}/cached/a") == "meow\n2"
    assert curl("--http2-prior-knowledge", "--data-binary", f"@{upload}", f"{address}/pass") == "3000000\n2"
    assert curl("--http2", f"{address}/cached/a") == "meow\n1.1"  # asks for Upgrade: h2c


def test_nghttp(secure, upload):
    address = f"http://{secure.plain_address}"
    assert run("nghttp", f"{address}/cached/a") == "meow"
    assert run("nghttp", "-d", str(upload), f"{address}/pass") == "3000000"
    assert run("nghttp", "-m", "100", f"{address}/cached/a") == "meow" * 100


@pytest.mark.parametrize("secured", [True, False])
def test_h2load(secure, secured):
    address = f"https://{HOST}:{secure.port}" if secured else f"http://{secure.plain_address}"
    told = run("h2load", "-n", "2000", "-c", "4", "-m", "100", f"{address}/cached/a")
    assert "2000 succeeded, 0 failed, 0 errored, 0 timeout" in told


def test_python_h2(authority, secure):
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    plain = socket.create_connection((HOST, secure.port), timeout=20)
    with offering(authority, "h2").wrap_socket(plain, server_hostname="larder.test") as connection:
        client.initiate_connection()
        for _ in range(3):
            fields = [(":method", "GET"), (":scheme", "https"), (":authority", "larder.test"), (":path", "/cached/a")]
            client.send_headers(client.get_next_available_stream_id(), fields, end_stream=True)
        connection.sendall(client.data_to_send())
        bodies, ended = b"", 0
        while ended < 3:
            data = connection.recv(65536)
            assert data
            for event in client.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    bodies += event.data
                    client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                ended += isinstance(event, h2.events.StreamEnded)
            connection.sendall(client.data_to_send())
        assert bodies == b"meow" * 3
