"""The PROXY protocol, versions 1 and 2, from peers that may say it and from others."""
import socket
import ssl
import struct

import pytest

from support.certificates import Authority
from support.ports import HOST
from support.raw_client import request_bytes
from support.scripted_origin import reply

TEXT = """
listen: {address: <listen>, proxy_protocol: on<tls>}
admin: <admin>
origin: <origin>
threads: 1
trusted_proxies: [<trusted>]
limits: {header_timeout: 500ms, connections_per_client: 2}
"""
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(command, family, payload):
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack("!H", len(payload)) + payload


IPV4 = socket.inet_aton("203.0.113.9") + socket.inet_aton("198.51.100.1") + struct.pack("!HH", 4000, 443)
IPV6 = (
    socket.inet_pton(socket.AF_INET6, "2001:db8::9")
    + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    + struct.pack("!HH", 4000, 443)
)


@pytest.fixture
def start(origin, start_larder):
    origin.on("/x", lambda request: reply(body=request.field("x-forwarded-for").encode()))
    return lambda trusted="127.0.0.0/8", tls="": start_larder(TEXT, origin=origin.url, trusted=trusted, tls=tls)


GOOD = {
    "v1 TCP4": (b"PROXY TCP4 203.0.113.9 198.51.100.1 4000 443\r\n", b"203.0.113.9"),
    "v1 TCP6": (b"PROXY TCP6 2001:db8::9 2001:db8::1 4000 443\r\n", b"2001:db8::9"),
    "v1 UNKNOWN": (b"PROXY UNKNOWN\r\n", HOST.encode()),
    "v1 UNKNOWN with more": (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", HOST.encode()),
    "v2 TCP4": (v2(1, 0x11, IPV4), b"203.0.113.9"),
    "v2 TCP6": (v2(1, 0x21, IPV6), b"2001:db8::9"),
    "v2 with TLVs": (v2(1, 0x11, IPV4 + b"\x04\0\x0a" + b"t" * 10), b"203.0.113.9"),
    "v2 LOCAL": (v2(0, 0x00, b""), HOST.encode()),
    "v2 of an unknown family": (v2(1, 0x00, b"abc"), HOST.encode()),
    "v2 of a Unix socket": (v2(1, 0x31, b"u" * 216), HOST.encode()),
}


@pytest.mark.parametrize("header, address", GOOD.values(), ids=GOOD)
def test_a_trusted_peers_header_is_believed(start, header, address):
    larder = start()
    for cut in (0, 1, 5, 14, len(header) - 1):
        with larder.connect() as client:
            if cut:
                client.send(header[:cut])
            client.send(header[cut:] + request_bytes("GET", "/x"))
            assert client.read_response().body.endswith(address)
            assert client.get("/x").body.endswith(address)


BAD = {
    "v1 without an address": b"PROXY TCP4\r\n",
    "v1 with a bad address": b"PROXY TCP4 203.0.113 198.51.100.1 1 2\r\n",
    "v1 with the other family": b"PROXY TCP4 ::1 ::1 1 2\r\n",
    "v1 of another protocol": b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
    "v1 in lower case": b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
    "v1 with fields missing": b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
    "v1 without end": b"PROXY TCP4 " + b"1" * 200,
    "v1 with two spaces": b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
    "v2 of version 1": SIGNATURE + b"\x11\x11\0\x0c" + IPV4,
    "v2 too long": v2(1, 0x11, IPV4 + b"x" * 5000),
    "no header": request_bytes("GET", "/x"),
    "half a signature": SIGNATURE[:6] + b"xxxxxxxxxxxxxxxx",
}


@pytest.mark.parametrize("header", BAD.values(), ids=BAD)
def test_a_header_that_is_not_right_ends_the_connection(start, origin, header):
    larder = start()
    with larder.connect() as client:
        try:
            client.send(header + request_bytes("GET", "/x"))
            assert client.read_to_end() == b""
        except ConnectionError:
            pass
    assert origin.requests() == []


@pytest.mark.parametrize("header", [GOOD["v1 TCP4"][0], GOOD["v2 TCP4"][0], b""], ids=["v1", "v2", "none"])
def test_a_strangers_connection_is_ended(start, origin, header):
    larder = start(trusted="10.0.0.0/8")
    with larder.connect() as client:
        try:
            client.send(header + request_bytes("GET", "/x"))
            assert client.read_to_end() == b""
        except ConnectionError:
            pass
    assert origin.requests() == []


def test_a_header_that_does_not_come_is_given_up(start):
    larder = start()
    with larder.connect() as client:
        client.send(b"PROXY TCP4 203.0.113.9")
        assert client.is_closed_by_peer(timeout=4)


def test_the_limit_for_each_client_counts_the_addresses_behind_the_proxy(start):
    larder = start()

    def dial(address):
        client = larder.connect()
        client.send(b"PROXY TCP4 %s 198.51.100.1 4000 443\r\n" % address + request_bytes("GET", "/x"))
        return client, client.read_response().status

    kept = [dial(b"203.0.113.%d" % (number % 3)) for number in range(6)]
    assert [status for _, status in kept] == [200] * 6
    assert dial(b"203.0.113.1")[1] == 503
    for client, _ in kept:
        client.close()


@pytest.mark.parametrize("name", ["v1 TCP4", "v1 TCP6", "v1 UNKNOWN", "v2 TCP4", "v2 TCP6", "v2 with TLVs", "v2 LOCAL"])
@pytest.mark.parametrize("together", [True, False], ids=["in one segment", "apart"])
def test_tls_behind_the_header(start, tmp_path, name, together):
    """The bytes behind the header are TLS's own."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("larder.test")
    larder = start(tls=f", tls: {{certificate: {certificate}, key: {key}}}")
    header, address = GOOD[name]
    context = ssl.create_default_context(cafile=authority.certificate)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="larder.test")
    with socket.create_connection((HOST, larder.port), timeout=10) as connection:

        def step(call):
            while True:
                try:
                    return call()
                except ssl.SSLWantReadError:
                    connection.sendall(outgoing.read())
                    incoming.write(connection.recv(65536))

        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        if together:
            connection.sendall(header + outgoing.read())
        else:
            connection.sendall(header)
        step(client.do_handshake)
        client.write(request_bytes("GET", "/x", {"Connection": "close"}))
        connection.sendall(outgoing.read())
        received = b""
        while not received.endswith(address):
            received += step(lambda: client.read(65536))
        assert b"200 OK" in received and received.endswith(address)
