"""Several APIs behind one larder: origins, paths and hosts of their own, Unix sockets, client certificates."""
import os
import socket
import ssl

import pytest

from support.certificates import Authority
from support.larder import run
from support.ports import HOST, free_port
from support.raw_client import Connection, request_bytes
from support.scripted_origin import Gate, ScriptedOrigin, cut, raw, reply
from support.waiting import Later, until

APIS = """
listen: <listen>
admin: <admin>
origin: <origin>
origins:
  users: <users>
  search: {servers: ["<search>"], host: search.internal, response_timeout: 300ms}
threads: 2
routes:
  - {match: "GET /api/users/{id}", origin: users, origin_path: "/v2/people/{id}", key: "users:{id}", ttl: 60}
  - {match: "PUT,POST /api/users/{rest*}", origin: users, origin_path: "/v2/people/{rest}", purge: ["nothing:{rest}"]}
  - {match: "GET /find/{rest*}", origin: search, origin_path: "/{rest}", key: "find:{rest}", ttl: 60}
  - {match: "* /raw/{rest*}", origin: users, origin_path: "/{rest}", cache: off}
  - {match: "GET /shared/{id}", host: "*.example.com", key: "shared:{id}", ttl: 60}
  - {match: "GET /same", host: a.test, origin: users, key: "same", ttl: 60}
  - {match: "GET /same", key: "same", ttl: 60}
"""


@pytest.fixture
def users(scene):
    return scene(ScriptedOrigin())


@pytest.fixture
def search(scene):
    return scene(ScriptedOrigin())


@pytest.fixture
def larder(origin, users, search, start_larder):
    return start_larder(APIS, origin=origin.url, users=users.url, search=search.url)


def test_a_route_has_an_origin_and_a_path_of_its_own(origin, users, larder):
    users.on("/v2/people/7", reply(body=b"seven"))
    for word in ("MISS", "HIT"):
        answer = larder.get("/api/users/7?full=1")
        assert (answer.body, answer.x_cache) == (b"seven", word)
    assert [one.target for one in users.requests()] == ["/v2/people/7?full=1"]
    assert origin.count() == 0
    assert larder.get("/elsewhere").status == 404
    assert origin.count("/elsewhere") == 1


def test_what_a_value_encodes_stays_encoded(users, larder):
    users.on("/v2/people/a%2Fb%20c", reply(body=b"x"))
    assert larder.get("/api/users/a%2Fb%20c").body == b"x"


@pytest.mark.parametrize(
    "path", ["/find/../secret", "/find/a/%2e%2E/b", "/find/./a", "/find/..;x/a", "/find/a%2f..%2fb"]
)
def test_a_path_cannot_leave_the_place_of_its_route(search, larder, path):
    answer = larder.get(path)
    assert (answer.status, "detail=bad-request" in answer.field("cache-status")) == (400, True)
    assert search.count() == 0


def test_an_origin_has_settings_of_its_own(search, larder):
    gate = Gate()
    search.on("/a", reply(body=b"a"))
    search.on("/slow", reply().after(gate))
    larder.get("/find/a")
    assert search.requests("/a")[0].field("host") == "search.internal"
    assert larder.get("/find/slow").status == 504
    gate.open()


def test_each_origin_has_its_own_health(users, search, larder):
    search.stop()
    users.on("/v2/people/1", reply(body=b"1"))
    assert larder.get("/find/a").status == 502
    assert larder.get("/api/users/1").status == 200
    metrics = larder.metrics()
    assert metrics.total("larder_origin_errors_total", server=search.url) >= 1
    assert metrics.total("larder_origin_errors_total", server=users.url) == 0


def test_a_write_purges_by_the_paths_of_clients_and_of_the_origin(users, larder):
    for number in ("7", "8", "9"):
        users.on(f"GET /v2/people/{number}", reply(body=number))
        assert larder.get(f"/api/users/{number}").x_cache == "MISS"
    users.on("PUT /v2/people/7", reply(fields={"Content-Location": "/v2/people/8"}))
    answer = larder.request("PUT", "/api/users/7", body=b"x")
    assert answer.field("content-location") == "/v2/people/8"
    words = [larder.get(f"/api/users/{number}").x_cache for number in ("7", "8", "9")]
    assert words == ["MISS", "MISS", "HIT"]


def test_location_of_the_origins_own_host_counts(search, users, larder):
    users.on("GET /v2/people/5", reply(body=b"5"))
    larder.get("/api/users/5")
    users.on("POST /v2/people/new", reply("201 Created", {"Location": "http://api.test/v2/people/5"}))
    assert larder.request("POST", "/api/users/new", body=b"x").field("location") == "http://api.test/v2/people/5"
    assert larder.get("/api/users/5").x_cache == "MISS"


def test_every_method_passes_where_the_route_says_so(users, larder):
    for method in ("GET", "QUERY", "PROPFIND", "BREW", "DELETE"):
        users.on(f"{method} /tea", reply(body=method))
        answer = larder.request(method, "/raw/tea")
        assert (answer.status, answer.body, answer.x_cache) == (200, method.encode(), "BYPASS")


def test_a_wildcard_takes_the_hosts_below_it_and_keeps_them_apart(origin, larder):
    origin.on("/shared/1", lambda request: reply(body=request.field("host")))

    def get(host):
        return larder.get("/shared/1", {"Host": host})

    for host in ("a.example.com", "b.example.com", "x.y.example.com:81"):
        assert (get(host).body, get(host).x_cache) == (host.encode(), "HIT")
    for host in ("example.com", "badexample.com", "a.example.com.evil.test"):
        assert "detail=no-route" in get(host).field("cache-status")


def test_one_key_under_two_origins_is_two_entries(origin, users, larder):
    origin.on("/same", reply(body=b"main"))
    users.on("/same", reply(body=b"users"))
    for _ in range(2):
        assert larder.get("/same", {"Host": "a.test"}).body == b"users"
        assert larder.get("/same", {"Host": "b.test"}).body == b"main"


EJECTING = """
listen: <listen>
admin: <admin>
origin: {servers: ["<one>", "<two>"], ejection: <ejection>}
threads: 1
"""


@pytest.mark.parametrize(
    "ejection, asked", [("{failures: 1, duration: 30s}", 1), ("{failures: 4, duration: 30s}", 4), ("off", 12)]
)
def test_a_server_that_fails_is_left_out_as_configured(scene, start_larder, ejection, asked):
    good, bad = scene(ScriptedOrigin(default=reply(body=b"good"))), scene(ScriptedOrigin(default=raw(cut)))
    larder = start_larder(EJECTING, one=good.url, two=bad.url, ejection=ejection)
    for i in range(24):
        larder.request("POST", f"/{i}", body=b"")
    assert bad.count() == asked


UNIX = """
listen: [<listen>, "unix:<folder>/larder.sock"]
admin: <admin>
origin: "http+unix://<folder>/origin.sock"
threads: 2
trusted_proxies: <trusted>
log: {access: on, format: json}
routes: [{match: "GET /cached/{name}", key: "cached:{name}", ttl: 60}]
"""


class UnixOrigin(ScriptedOrigin):
    def __init__(self, path):
        self.path = path
        super().__init__()

    def start(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(64)
        self._listener = listener
        import threading

        threading.Thread(target=self._accept_unix, args=(listener,), daemon=True).start()

    def _accept_unix(self, listener):
        import threading

        from support.scripted_origin import _Peer

        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            peer = _Peer(accepted, 0)
            with self._lock:
                self._open.add(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()


class UnixConnection(Connection):
    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._socket.connect(path)
        self._waiting = bytearray()


@pytest.fixture
def unix(scene, start_larder, tmp_path):
    def start(trusted="[]"):
        origin = scene(UnixOrigin(str(tmp_path / "origin.sock")))
        larder = start_larder(UNIX, folder=str(tmp_path), trusted=trusted)
        larder.path = str(tmp_path / "larder.sock")
        return origin, larder

    return start


def test_both_sides_may_be_unix_sockets(unix):
    origin, larder = unix()
    origin.on("/cached/x", reply(body=b"x" * 300_000))
    origin.on("/up", lambda request: reply(body=request.body))
    with UnixConnection(larder.path) as client:
        for word in ("MISS", "HIT", "HIT"):
            answer = client.get("/cached/x")
            assert (answer.x_cache, answer.body) == (word, b"x" * 300_000)
        assert client.request("POST", "/up", body=b"y" * 200_000).body == b"y" * 200_000
    assert origin.requests("/cached/x")[0].field("x-forwarded-for") == "127.0.0.1"
    assert larder.get("/cached/x").x_cache == "HIT"
    assert larder.metrics().total("larder_origin_up", server=f"http+unix://{origin.path}") == 1
    assert '"client":"unix"' in larder.log().replace(" ", "")


def test_a_client_on_a_unix_socket_counts_as_loopback(unix):
    origin, larder = unix(trusted="[127.0.0.0/8]")
    with UnixConnection(larder.path) as client:
        assert client.request("PURGE", "/cached/x").status == 404  # allowed, and nothing there
        client.get("/y", {"X-Forwarded-For": "10.1.2.3"})
    assert origin.requests("/y")[0].field("x-forwarded-for") == "10.1.2.3, 127.0.0.1"


def test_a_socket_file_left_behind_is_replaced_and_a_served_one_is_not(unix):
    origin, larder = unix()
    second = run("serve", "-c", larder.config_file, "--listen", f"unix:{larder.path}", "--admin", "off")
    assert second.returncode == 1 and "in use" in second.stderr + second.stdout
    larder.process.signal(9)
    larder.process.wait(10)
    assert os.path.exists(larder.path)
    larder.start()
    with UnixConnection(larder.path) as client:
        assert client.get("/z").status == 404


def test_a_hand_over_keeps_the_unix_socket(unix):
    origin, larder = unix()
    origin.on("/cached/x", reply(body=b"x"))
    with UnixConnection(larder.path) as client:
        client.get("/cached/x")
    larder.hand_over()
    with UnixConnection(larder.path) as client:
        assert client.get("/cached/x").body == b"x"


MUTUAL = """
listen: [{address: <listen>, tls: {certificate: <certificate>, key: <key>, client_ca: <ca>}}]
admin: <admin>
origin: {servers: ["https://<secure>"], tls: {ca: <ca>, server_name: larder.test, certificate: <own>, key: <own_key>}}
threads: 1
"""


def secure_origin(scene, authority, asks):
    """A TLS server that answers one request per connection with the subject of the client's certificate."""
    import threading

    certificate, key = authority.issue("larder.test", as_file="origin")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED if asks else ssl.CERT_NONE
    listener = socket.create_server((HOST, 0))

    def serve():
        while True:
            try:
                plain, _ = listener.accept()
                with context.wrap_socket(plain, server_side=True) as connection:
                    connection.recv(65536)
                    name = dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"].encode()
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name)
                    )
            except ssl.SSLError:
                continue
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()

    class Server:
        address = f"{HOST}:{listener.getsockname()[1]}"

        def stop(self):
            listener.close()

    return scene(Server())


def test_certificates_are_shown_both_ways(scene, start_larder, tmp_path):
    authority = Authority(tmp_path)
    stranger = Authority(scene_folder(tmp_path), name="another")
    certificate, key = authority.issue("larder.test")
    own, own_key = authority.issue("larder-client")
    server = secure_origin(scene, authority, asks=True)
    larder = start_larder(
        MUTUAL,
        certificate=certificate,
        key=key,
        ca=authority.certificate,
        own=own,
        own_key=own_key,
        secure=server.address,
    )

    def ask(pair):
        context = ssl.create_default_context(cafile=authority.certificate)
        if pair:
            context.load_cert_chain(*pair)
        plain = socket.create_connection((HOST, larder.port), timeout=10)
        with context.wrap_socket(plain, server_hostname="larder.test") as connection:
            connection.sendall(request_bytes("GET", "/x", {"Connection": "close"}))
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            return answer

    assert ask(authority.issue("client")).endswith(b"larder-client")
    for pair in (None, stranger.issue("client")):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(pair)


def scene_folder(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def test_a_value_may_come_from_a_file(origin, start_larder, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    larder = start_larder(
        'listen: <listen>\nadmin: {address: <admin>, token: "${file:<secret>}"}\norigin: <origin>\n',
        origin=origin.url,
        secret=str(secret),
    )
    assert larder.admin("GET", "/stats").status == 401
    assert larder.admin("GET", "/stats", {"Authorization": "Bearer s3cret"}).status == 200


@pytest.mark.parametrize(
    "text, message",
    [
        ("origins: {a b: http://x}", "is made of letters"),
        ("origins: {users: {host: x}}", "needs servers"),
        ("routes: [{match: GET /a, key: a, origin: nobody}]", '"nobody" is no name among `origins`'),
        ("routes: [{match: GET /a, key: a, origin_path: b}]", "must begin with '/'"),
        ('routes: [{match: "GET /a/{x}", key: "a:{x}", origin_path: "/b/{y}"}]', "{y} is no placeholder of this route"),
        ('routes: [{match: "* /a", key: a}]', "pass route (cache: off) only"),
        ("routes: [{match: * /a, cache: off}]", "quote the value"),
        ("routes: [{match: GET /a, key: a, host: 'a.*.com'}]", "*.example.com for every host below it"),
        ("routes: [{match: QUERY /a, key: a}]", "must hold the body"),
        ('routes: [{match: GET /a, key: "a:{body:/x}"}]', "only in the key of a QUERY or POST route"),
        ('routes: [{match: QUERY /a, key: "a:{body}"}]', "{body|sha256}"),
        ("routes: [{match: GET /a, key: a, refresh_ahead: 100%}]", "less than 100%"),
        ("routes: [{match: GET /a, key: a, settle: 2s}]", "only a route with purge takes this"),
        ("routes: [{match: GET /a, cache: off, jitter: 10%}]", "only a route with a key takes this"),
        ("routes: [{match: GET /a, key: a, compress: [lzma]}]", "zstd, br or gzip"),
        ("memory: ${file:/nowhere/at/all}", "cannot read /nowhere/at/all"),
    ],
)
def test_check_says_what_is_wrong_and_where(tmp_path, text, message):
    config = tmp_path / "larder.yaml"
    config.write_text(f"origin: http://127.0.0.1:1\n{text}\n")
    checked = run("check", "-c", str(config))
    told = checked.stdout + checked.stderr
    assert checked.returncode == 1, told
    assert message in told and f"{config}:2:" in told, told


@pytest.mark.parametrize(
    "text, message",
    [
        ("origins: {users: http://x}", "no route names it"),
        (
            'routes: [{match: POST /a, key: "a:{body:/x}", ttl: 1}, {match: PUT /a, purge: []}]',
            "only parts of the body",
        ),
        ("routes: [{match: GET /a, key: a, jitter: 10%}, {match: PUT /a, purge: []}]", "has no effect"),
        ("memory: off\nredis: redis://127.0.0.1:1\ncompress: [gzip]", "has no effect"),
    ],
)
def test_check_warns(tmp_path, text, message):
    config = tmp_path / "larder.yaml"
    config.write_text(f"origin: http://127.0.0.1:1\n{text}\n")
    checked = run("check", "-c", str(config))
    assert checked.returncode == 0, checked.stderr
    assert message in checked.stdout, checked.stdout
