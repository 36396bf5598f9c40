"""TLS on both sides, with a certificate authority of the test's own."""
import socket
import ssl
import threading

import pytest

from support.certificates import Authority
from support.ports import HOST, free_port
from support.raw_client import request_bytes
from support.scripted_origin import reply
from support.waiting import until

LISTENER = """
listen: [{address: <listen>, tls: {certificate: <certificate>, key: <key>}}, <plain>]
admin: <admin>
origin: <origin>
threads: 2
limits: {header_timeout: 1s}
routes: [{match: "GET /cached/{name}", key: "cached:{name}", ttl: 60}]
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def secure(authority, origin, start_larder):
    """A larder with a TLS listener and a plain one."""
    certificate, key = authority.issue("larder.test")
    larder = start_larder(LISTENER, origin=origin.url, certificate=certificate, key=key, plain=f"{HOST}:{free_port()}")
    larder.certificate, larder.key = certificate, key
    return larder


def trusting(authority, **options):
    context = ssl.create_default_context(cafile=authority.certificate)
    for name, value in options.items():
        setattr(context, name, value)
    return context


def dial(larder, context, name="larder.test"):
    plain = socket.create_connection((HOST, larder.port), timeout=10)
    return context.wrap_socket(plain, server_hostname=name)


def talk(connection, data):
    """Sends and reads until the peer's orderly end."""
    connection.sendall(data)
    received = b""
    while True:
        piece = connection.recv(65536)
        if not piece:
            return received
        received += piece


CLOSE = {"Connection": "close"}


def test_a_request_over_tls(authority, secure, origin):
    origin.on("/x", reply(body=b"hello"))
    with dial(secure, trusting(authority)) as client:
        assert client.version() == "TLSv1.3"
        assert talk(client, request_bytes("GET", "/x", CLOSE)).endswith(b"hello")
    assert origin.requests("/x")[0].field("x-forwarded-proto") == "https"


def test_tls_1_2_is_spoken_with_forward_secrecy(authority, secure):
    context = trusting(authority, maximum_version=ssl.TLSVersion.TLSv1_2)
    with dial(secure, context) as client:
        assert client.version() == "TLSv1.2" and client.cipher()[0].startswith("ECDHE")


def test_older_versions_and_weak_ciphers_are_refused(authority, secure):
    old = trusting(authority)
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        dial(secure, old)
    weak = trusting(authority, maximum_version=ssl.TLSVersion.TLSv1_2)
    weak.set_ciphers("AES128-SHA:AES256-SHA:AES128-GCM-SHA256")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        dial(secure, weak)


@pytest.mark.parametrize(
    "offered, chosen",
    [(["http/1.1", "h2"], "h2"), (["h2"], "h2"), (["http/1.1"], "http/1.1"), (["http/1.0"], "http/1.0")],
)
def test_alpn_chooses_the_protocol(authority, secure, offered, chosen):
    context = trusting(authority)
    context.set_alpn_protocols(offered)
    with dial(secure, context) as client:
        assert client.selected_alpn_protocol() == chosen


def test_a_client_of_no_spoken_protocol_is_told_so(authority, secure):
    context = trusting(authority)
    context.set_alpn_protocols(["h3", "imap"])
    with pytest.raises(ssl.SSLError, match="no application protocol"):  # RFC 7301, 3.2
        dial(secure, context)
    with dial(secure, trusting(authority)) as client:  # none offered
        assert client.selected_alpn_protocol() is None


def test_large_bodies_both_ways_and_hits(authority, secure, origin):
    origin.on("/x", lambda request: reply(body=request.body[::-1]))
    origin.on("/cached/big", reply(body=b"b" * 3_000_000))
    body = bytes(range(256)) * 8000
    with dial(secure, trusting(authority)) as client:
        # One thread: OpenSSL's connection object may not be read and written by two at once.
        assert talk(client, request_bytes("POST", "/x", CLOSE, body)).endswith(body[::-1])
    for _ in range(2):
        with dial(secure, trusting(authority)) as client:
            assert talk(client, request_bytes("GET", "/cached/big", CLOSE)).endswith(b"b" * 3_000_000)


@pytest.mark.parametrize("size", [100, 16383, 16384, 16385, 40000])
def test_pipelined_requests_wherever_the_records_end(authority, secure, origin, size):
    """Bytes that OpenSSL holds decoded are not told of by the socket."""
    origin.on("/x", lambda request: reply(body=b"%d" % len(request.body)))
    data = (
        request_bytes("POST", "/x", body=b"a" * size)
        + request_bytes("GET", "/x") * 3
        + request_bytes("GET", "/x", CLOSE)
    )
    for cut in (1, 7, 100, 16384 - 1, 16384, len(data) - 10):
        with dial(secure, trusting(authority)) as client:
            client.sendall(data[:cut])
            assert talk(client, data[cut:]).count(b"HTTP/1.1 200 OK") == 5


def test_a_response_ended_by_close_ends_with_close_notify(authority, secure, origin):
    """Else nobody could tell the whole from a part that an attacker cut off."""
    from support.scripted_origin import until_close

    origin.on("/x", until_close(b"all of it"))
    with dial(
        secure,
        trusting(
            authority,
        ),
    ) as client:
        client.suppress_ragged_eofs = False
        received = talk(client, request_bytes("GET", "/x", version="1.0"))
        assert received.endswith(b"all of it")


def test_no_tls_on_the_tls_port(secure):
    with secure.connect() as client:
        client.send(request_bytes("GET", "/x"))
        try:
            assert b"200" not in client.read_to_end()
        except ConnectionResetError:
            pass


def test_a_handshake_that_does_not_go_on_is_given_up(secure):
    with secure.connect() as client:
        client.send(b"\x16\x03\x01\x02\x00\x01")
        assert client.is_closed_by_peer(timeout=4)


def test_a_reload_brings_a_new_certificate_and_keeps_what_is_open(authority, secure, origin):
    origin.on("/x", reply(body=b"hello"))
    before = dial(secure, trusting(authority))
    old = before.getpeercert()["serialNumber"]
    authority.issue("larder.test")
    secure.reload()

    def new_one():
        with dial(secure, trusting(authority)) as client:
            return client.getpeercert()["serialNumber"] != old

    until(new_one, what="the new certificate")
    assert talk(before, request_bytes("GET", "/x", CLOSE)).endswith(b"hello")


def test_a_reload_with_a_broken_certificate_is_refused(authority, secure):
    with open(secure.certificate, "w") as out:
        out.write("nonsense")
    secure.reload()
    until(lambda: secure.metrics().total("larder_config_last_reload_successful") == 0)
    with dial(secure, trusting(authority)) as client:
        assert client.getpeercert()


def test_a_reload_with_the_listeners_in_another_order(authority, secure, origin):
    origin.on("/x", reply(body=b"hello"))
    text = open(secure.config_file).read()
    first, second = text[text.index("[{") : text.index("\nadmin")].strip("[]").rsplit(", ", 1)
    with open(secure.config_file, "w") as out:
        out.write(text.replace(f"[{first}, {second}]", f"[{second}, {first}]"))
    plain_port = int(second.rpartition(":")[2])
    secure.reload()
    until(lambda: "was reloaded" in secure.log())
    with dial(secure, trusting(authority)) as client:
        assert talk(client, request_bytes("GET", "/x", CLOSE)).endswith(b"hello")
    from support import raw_client

    assert raw_client.get(plain_port, "/x").body == b"hello"


# ---- towards the origin


class SecureOrigin:
    """Answers each request with its SNI; records it and ALPN's choice."""

    def __init__(self, certificate, key, version=None):
        self.names, self.protocols = [], []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["http/1.1"])
        if version:
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = version
            context.set_ciphers("ALL:@SECLEVEL=0")
        context.sni_callback = lambda _, name, __: self.names.append(name)
        self._context = context
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self.late = b""  # sent behind each answer
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted):
        try:
            with self._context.wrap_socket(accepted, server_side=True) as peer:
                self.connections += 1
                self.protocols.append(peer.selected_alpn_protocol())
                waiting = b""
                while True:
                    while b"\r\n\r\n" not in waiting:
                        data = peer.recv(65536)
                        if not data:
                            return
                        waiting += data
                    waiting = waiting.partition(b"\r\n\r\n")[2]
                    body = b"s" * 100_000
                    peer.sendall(
                        b"HTTP/1.1 200 OK\r\nX-Long: "
                        + b"h" * 30_000
                        + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
                        + body
                    )
                    if self.late:
                        threading.Event().wait(0.05)
                        peer.sendall(self.late)
        except OSError:
            pass


TO_ORIGIN = """
listen: <listen>
admin: <admin>
origin: {servers: ["https://<host>:<port>"], tls: {<tls>}}
threads: 1
"""


@pytest.fixture
def behind_tls(authority, scene, start_larder):
    def start(*names, host=HOST, tls="", version=None):
        server = scene(SecureOrigin(*authority.issue(*names, as_file="origin"), version))
        larder = start_larder(TO_ORIGIN, host=host, port=server.port, tls=tls.replace("CA", authority.certificate))
        return larder, server

    return start


def test_the_origins_certificate_is_verified_by_name(behind_tls):
    larder, server = behind_tls("localhost", host="localhost", tls="ca: CA")
    for _ in range(3):
        assert larder.get("/x").body == b"s" * 100_000
    assert server.names == ["localhost"] and server.protocols == ["http/1.1"], "one connection, with SNI and ALPN"


def test_the_origins_certificate_is_verified_by_address(behind_tls):
    larder, server = behind_tls(HOST, tls="ca: CA")
    assert larder.get("/x").status == 200
    assert server.names == [None], "an address is no server name"


def test_the_server_name_can_be_given(behind_tls):
    larder, server = behind_tls("api.internal", tls="ca: CA, server_name: api.internal")
    assert larder.get("/x").status == 200 and server.names == ["api.internal"]


@pytest.mark.parametrize(
    "names, tls",
    [(["elsewhere.test"], "ca: CA"), ([HOST], ""), (["localhost"], "ca: CA")],
    ids=["another name", "an unknown authority", "a name, no address"],
)
def test_an_origin_that_cannot_prove_itself_is_a_502_that_says_so(behind_tls, names, tls):
    larder, _ = behind_tls(*names, tls=tls)
    response = larder.get("/x")
    assert (
        response.status == 502
        and "origin-error" in response.cache_status
        and b"certificate" in response.body
        and b"not trusted" in response.body
    )
    assert larder.metrics().total("larder_origin_errors_total", reason="tls") >= 1


def test_verification_can_be_switched_off(behind_tls):
    larder, _ = behind_tls("elsewhere.test", tls="verify: off")
    assert larder.get("/x").status == 200


def test_an_origin_with_tls_1_1_is_refused(behind_tls):
    larder, _ = behind_tls(HOST, tls="ca: CA", version=ssl.TLSVersion.TLSv1_1)
    assert larder.get("/x").status == 502


def test_what_follows_a_response_over_tls_is_nobodys_answer(behind_tls):
    larder, server = behind_tls(HOST, tls="ca: CA")
    server.late = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    for _ in range(3):
        assert larder.get("/x").body == b"s" * 100_000
        threading.Event().wait(0.2)
    assert server.connections == 3
