"""Origin servers with several addresses, and names whose addresses change."""
import collections
import socket
import time

import pytest

from support.hosts_file import HostsFile, is_possible
from support.ports import free_port
from support.raw_client import request_bytes
from support.scripted_origin import Gate, ScriptedOrigin, raw, reply
from support.waiting import Later, until

needs_namespaces = pytest.mark.skipif(not is_possible(), reason="needs the right to make mount namespaces")


class DeadListener:
    """An address that swallows packets: a listener whose queue is full, so that SYNs are dropped."""

    def __init__(self, host, port):
        self._sockets = [socket.socket()]
        listener = self._sockets[0]
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((host, port))
            self._sockets.append(one)
        until(lambda: self._swallows(host, port), what="a full queue")

    @staticmethod
    def _swallows(host, port):
        try:
            socket.create_connection((host, port), 0.1).close()
            return False
        except TimeoutError:
            return True

    def stop(self):
        for one in self._sockets:
            one.close()


@pytest.fixture
def hosts(scene):
    return scene(HostsFile())


@pytest.fixture
def server_at(scene):
    """server_at("127.0.0.2", port) answers /x with its address."""

    def start(host, port):
        server = scene(ScriptedOrigin(host=host, port=port))
        server.on("/x", reply(body=host.encode()))
        server.on("/health", reply(body=b"fine"))
        return server

    return start


def counted(larder, count):
    return collections.Counter(larder.get("/x").body for _ in range(count))


def addresses_of(larder):
    """{address: its figures} of the first server."""
    return {one["address"]: one for one in larder.stats()["origins"][0]["addresses"]}


def reaches(larder, body):
    return lambda: larder.get("/x").body == body


# ---- several addresses


def test_8305_5_an_address_that_swallows_packets_costs_a_moment_once(wire, scene, server_at):
    port = free_port()
    scene(DeadListener("127.0.0.1", port))
    server_at("127.0.0.2", port)
    larder = wire(
        origin_text="{servers: [http://127.0.0.1:%d, http://127.0.0.2:%d], connect_timeout: 5s}" % (port, port)
    )
    seconds = []
    for _ in range(10):
        with larder.connect() as client:
            response = client.get("/x")
            assert response.body == b"127.0.0.2"
            seconds.append(response.seconds)
    assert max(seconds) < 1.5, seconds
    assert sum(each > 0.2 for each in seconds) <= 2, "each worker may find out by itself, and nobody again"


@needs_namespaces
def test_a_name_with_a_dead_and_a_living_address_is_served(wire, scene, hosts, server_at):
    port = free_port()
    scene(DeadListener("127.0.0.1", port))
    server_at("127.0.0.2", port)
    hosts.set(api=["127.0.0.1", "127.0.0.2"])
    larder = wire(origin_text="http://api.test:%d" % port, within=hosts.within)
    assert counted(larder, 10) == {b"127.0.0.2": 10}
    assert set(addresses_of(larder)) == {f"127.0.0.1:{port}", f"127.0.0.2:{port}"}
    until(lambda: not addresses_of(larder)[f"127.0.0.1:{port}"]["reachable"], what="the dead one's being known")


def test_an_address_that_comes_back_is_used_again(wire, server_at):
    port = free_port()
    one, two = server_at("127.0.0.1", port), server_at("127.0.0.2", port)
    larder = wire(origin_text="{servers: [%s, %s]}" % (one.url, two.url))
    assert counted(larder, 10) == {b"127.0.0.1": 5, b"127.0.0.2": 5}
    one.stop()
    assert counted(larder, 10) == {b"127.0.0.2": 10}
    one.start()
    until(lambda: addresses_of(larder)[f"127.0.0.1:{port}"]["reachable"], what="its being tried")
    assert counted(larder, 10) == {b"127.0.0.1": 5, b"127.0.0.2": 5}


def test_with_all_addresses_dead_the_answer_comes_in_time(wire, scene):
    port = free_port()
    for host in ("127.0.0.1", "127.0.0.2"):
        scene(DeadListener(host, port))
    larder = wire(
        origin_text="{servers: [http://127.0.0.1:%d, http://127.0.0.2:%d], connect_timeout: 600ms}" % (port, port)
    )
    response = larder.get("/x")
    assert response.status == 504 and 0.5 < response.seconds < 2
    assert larder.metrics().total("larder_origin_errors_total", reason="connect-timeout") == 2


@needs_namespaces
def test_each_address_of_a_name_is_a_server(wire, hosts, server_at):
    port = free_port()
    for host in ("127.0.0.2", "127.0.0.3"):
        server_at(host, port)
    hosts.set(api=["127.0.0.2", "127.0.0.3", "127.0.0.2"])
    larder = wire(origin_text="{servers: ['http://api.test:%d'], max_connections: 1}" % port, within=hosts.within)
    assert counted(larder, 20) == {b"127.0.0.2": 10, b"127.0.0.3": 10}
    figures = addresses_of(larder)
    assert len(figures) == 2 and all(one["connections"] <= 1 for one in figures.values())
    metrics = larder.metrics()
    labels = {own["server"] for name, own, _ in metrics if name == "larder_origin_up"}
    assert labels == {f"http://api.test:{port}"}, "the metrics know the configured server only"


@needs_namespaces
def test_health_checks_are_for_each_address(wire, hosts, server_at):
    port = free_port()
    sick, well = server_at("127.0.0.2", port), server_at("127.0.0.3", port)
    hosts.set(api=["127.0.0.2", "127.0.0.3"])
    health = "health: {path: /health, interval: 100ms, healthy: 1, unhealthy: 2}"
    larder = wire(origin_text="{servers: ['http://api.test:%d'], %s}" % (port, health), within=hosts.within)
    sick.on("/health", reply("500 Oops"))
    until(lambda: not addresses_of(larder)[f"127.0.0.2:{port}"]["up"], what="the end of the sick one's use")
    assert counted(larder, 6) == {b"127.0.0.3": 6}
    assert larder.metrics().total("larder_origin_up") == 1, "one address is up"
    well.on("/health", reply("500 Oops"))
    until(lambda: larder.metrics().total("larder_origin_up") == 0)
    assert larder.get("/x").status == 503
    sick.on("/health", reply(body=b"fine"))
    until(lambda: larder.metrics().total("larder_origin_up") == 1)
    assert counted(larder, 6) == {b"127.0.0.2": 6}


# ---- names that change


@needs_namespaces
@pytest.mark.parametrize(
    "health",
    ["", ", health: {path: /health, interval: 200ms, healthy: 1, unhealthy: 2}"],
    ids=["no checks", "health checks"],
)
def test_an_address_that_refuses_makes_the_name_be_looked_up(wire, hosts, server_at, health):
    """Long before `resolve` is over: a container that was made anew has another address."""
    port = free_port()
    old = server_at("127.0.0.2", port)
    hosts.set(api=["127.0.0.2"])
    larder = wire(origin_text="{servers: ['http://api.test:%d']%s}" % (port, health), within=hosts.within)
    assert larder.get("/x").body == b"127.0.0.2"
    hosts.set(api=["127.0.0.3"])
    server_at("127.0.0.3", port)
    old.stop()
    until(reaches(larder, b"127.0.0.3"), timeout=5, what="the new address")
    assert counted(larder, 6) == {b"127.0.0.3": 6} and set(addresses_of(larder)) == {f"127.0.0.3:{port}"}


@needs_namespaces
def test_a_name_is_looked_up_again_while_all_is_well(wire, hosts, server_at):
    port = free_port()
    old = server_at("127.0.0.2", port)
    server_at("127.0.0.3", port)
    hosts.set(api=["127.0.0.2"])
    larder = wire(origin_text="{servers: ['http://api.test:%d'], resolve: 1s}" % port, within=hosts.within)
    gate = Gate()
    old.on("/slow", reply(body=b"slow").after(gate))
    old.on(
        "/ws",
        raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", gate, b"still here"),
    )
    with larder.connect() as tunnel, larder.connect() as busy:
        tunnel.send(request_bytes("GET", "/ws", {"Upgrade": "x", "Connection": "upgrade"}))
        assert tunnel.read_response().status == 101
        idle = Later(larder.get, "/x")
        assert idle.finish().body == b"127.0.0.2"
        busy.send(request_bytes("GET", "/slow"))
        gate.wait_for(2)
        hosts.set(api=["127.0.0.3"])
        until(lambda: set(addresses_of(larder)) == {f"127.0.0.3:{port}"}, timeout=5, what="the lookup")
        assert counted(larder, 6) == {b"127.0.0.3": 6}
        until(lambda: old.open_connections() == 2, timeout=5, what="the end of what is idle")
        gate.open()
        assert busy.read_response().body == b"slow", "what is under way ends well"
        assert tunnel.read_exactly(10) == b"still here", "tunnels stay"
    until(lambda: old.open_connections() == 0, timeout=5, what="the end of the rest")
    assert "no longer at 127.0.0.2" in larder.log()


@needs_namespaces
def test_a_lookup_that_fails_leaves_the_addresses_in_force(wire, hosts, server_at):
    port = free_port()
    server_at("127.0.0.2", port)
    hosts.set(api=["127.0.0.2"])
    larder = wire(origin_text="{servers: ['http://api.test:%d'], resolve: 1s}" % port, within=hosts.within)
    assert larder.get("/x").status == 200
    hosts.set(api=[])
    until(lambda: "looking up api.test failed" in larder.log(), timeout=15, what="the failure")
    for _ in range(4):
        assert larder.get("/x").body == b"127.0.0.2"
        time.sleep(0.5)
    assert larder.log().count("looking up api.test failed") == 1, "told once"
    hosts.set(api=["127.0.0.2"])
    until(lambda: "can be looked up again" in larder.log(), timeout=10)


@needs_namespaces
def test_a_name_that_comes_later_is_found(wire, hosts, server_at):
    port = free_port()
    server_at("127.0.0.2", port)
    larder = wire(origin_text="{servers: ['http://api.test:%d'], resolve: 1s}" % port, within=hosts.within)
    until(lambda: "looking up api.test failed" in larder.log(), timeout=15, what="the failure")
    response = larder.get("/x")
    assert response.status == 502 and response.seconds < 1 and "no address" in response.json()["detail"]
    assert larder.metrics().total("larder_origin_up") == 0
    hosts.set(api=["127.0.0.2"])
    until(reaches(larder, b"127.0.0.2"), timeout=8, what="the name")


@needs_namespaces
def test_a_reload_keeps_what_is_known(wire, scene, hosts, server_at):
    port = free_port()
    scene(DeadListener("127.0.0.1", port))
    server_at("127.0.0.2", port)
    hosts.set(api=["127.0.0.1", "127.0.0.2"])
    larder = wire(origin_text="http://api.test:%d" % port, within=hosts.within)
    until(lambda: larder.get("/x").body == b"127.0.0.2" and not addresses_of(larder)[f"127.0.0.1:{port}"]["reachable"])
    hosts.set(api=[])
    larder.reload()
    assert not addresses_of(larder)[f"127.0.0.1:{port}"]["reachable"]
    assert max(larder.get("/x").seconds for _ in range(6)) < 0.2


@pytest.fixture
def silent_name_server(scene):
    """Takes questions and never answers."""

    class Silent:
        host = "127.53.53.53"

        def __init__(self):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((self.host, 53))
            self.socket.settimeout(20)

        def stop(self):
            self.socket.close()

    return scene(Silent())


@needs_namespaces
def test_a_lookup_that_hangs_holds_up_neither_requests_nor_the_end(wire, scene, silent_name_server):
    hosts = scene(HostsFile(silent_name_server.host))
    larder = wire(
        origin_text="{servers: ['http://api.test:81'], connect_timeout: 500ms}",
        limits="{drain_timeout: 1s}",
        within=hosts.within,
    )
    silent_name_server.socket.recvfrom(512)
    until(lambda: larder.get("/x").seconds < 0.2, timeout=5, what="an answer at once")
    assert larder.get("/x").status == 502
    started = time.monotonic()
    larder.stop()
    assert time.monotonic() - started < 2.5
