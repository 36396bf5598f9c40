"""What must stay bounded, measured. Run with -s to see the figures; under sanitizers memory proves nothing."""
import os
import resource
import socket
import subprocess
import threading
import time

import pytest

from support import http2_client
from support.larder import binary
from support.ports import HOST
from support.raw_client import request_bytes
from support.scripted_origin import Gate, ScriptedOrigin, chunked, raw, reply
from support.waiting import Later, until, wait_until_still

MB = 1 << 20


def is_sanitized():
    names = subprocess.run(["nm", "-D", binary()], capture_output=True).stdout
    return b"__asan_init" in names or b"__tsan_init" in names


plain_only = pytest.mark.skipif(is_sanitized(), reason="a sanitizer's memory is not the program's")


class Growth:
    """The most the process has grown since the beginning."""

    def __init__(self, larder):
        self._larder, self._before, self.most, self._end = larder, larder.resident_bytes(), 0, threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    def _look(self):
        while not self._end.wait(0.01):
            self.most = max(self.most, self._larder.resident_bytes() - self._before)

    def stop(self):
        self._end.set()
        self._watch.join()
        return self.most


def stream(size, framing):
    block = b"d" * 65536

    def send(peer):
        for _ in range(size // len(block)):
            peer.socket.sendall(b"10000\r\n" + block + b"\r\n" if framing == "chunked" else block)
        if framing == "chunked":
            peer.socket.sendall(b"0\r\n\r\n")

    head = b"Transfer-Encoding: chunked" if framing == "chunked" else b"Content-Length: %d" % size
    return raw(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n" + head + b"\r\n\r\n", send)


def swallow(client, size):
    """Reads so many bytes without keeping them."""
    left = size - len(client._waiting)
    client._waiting.clear()
    block = bytearray(1 << 18)
    while left > 0:
        count = client._socket.recv_into(block)
        assert count, "cut off"
        left -= count


@plain_only
@pytest.mark.parametrize("place", ["/x", "/cached/x"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_download_of_a_gigabyte(origin, larder, place, framing):
    size = 1024 * MB
    origin.on(place, stream(size, framing))
    larder.get("/warm")
    growth = Growth(larder)
    with larder.connect() as client:
        client.send(request_bytes("GET", place, {"Connection": "close"}))
        client.read_head()
        swallow(client, size)
    most = growth.stop()
    print(f"\n1 GB {framing} through {place}: grew by {most / MB:.1f} MB")
    assert most < 32 * MB


@plain_only
@pytest.mark.parametrize("place", ["/x", "/cached/x"])
def test_a_download_that_nobody_reads(origin, larder, place):
    origin.on(place, stream(256 * MB, "length"))
    larder.get("/warm")
    growth = Growth(larder)
    clients = [larder.connect(receive_buffer=4096) for _ in range(4)]
    for client in clients:
        client.send(request_bytes("GET", place))
    time.sleep(3)
    most = growth.stop()
    print(f"\n4 downloads that nobody reads through {place}: grew by {most / MB:.1f} MB")
    for client in clients:
        client.close()
    assert most < 32 * MB


@plain_only
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("method, place", [("POST", "/x"), ("PUT", "/cached/x")])
def test_an_upload_of_200_megabytes(origin, larder, method, place, framing):
    size, seen = 200 * MB, []

    def take(peer):
        total = 0
        while total < size:
            total += len(peer.take_some(1 << 18))
        if framing == "chunked":
            peer.take_until(b"0\r\n\r\n")
        seen.append(total)
        peer.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    origin.on(place, raw(take).without_reading_body())
    larder.get("/warm")
    growth = Growth(larder)
    with larder.connect() as client:
        head = b"Transfer-Encoding: chunked" if framing == "chunked" else b"Content-Length: %d" % size
        client.send(f"{method} {place} HTTP/1.1\r\nHost: api.test\r\n".encode() + head + b"\r\n\r\n")
        block = b"u" * 65536
        for _ in range(size // len(block)):
            client.send(b"10000\r\n" + block + b"\r\n" if framing == "chunked" else block)
        if framing == "chunked":
            client.send(b"0\r\n\r\n")
        assert client.read_response().status == 200
    most = growth.stop()
    print(f"\n200 MB {framing} up to {method} {place}: grew by {most / MB:.1f} MB")
    assert most < 32 * MB and seen[0] >= size


def idle_connections(larder, count):
    """So many connections, from several source addresses, each after one answered request."""
    kept = []
    for number in range(count):
        client = socket.socket()
        client.bind((f"127.0.0.{1 + number // 5000}", 0))
        client.connect((HOST, larder.port))
        kept.append(client)
    return kept


@plain_only
def test_ten_thousand_idle_connections(origin, wire):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 10_000
    if hard != resource.RLIM_INFINITY and hard < wanted + 200:
        pytest.skip("not enough descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        origin.on("/cached/x", reply(body=b"x"))
        larder = wire(limits="{connections: 20000}")
        larder.get("/cached/x")
        for client in idle_connections(larder, 200):  # warm the pools
            client.close()
        until(lambda: larder.metrics().total("larder_client_connections") == 0)
        before = larder.resident_bytes()
        kept = idle_connections(larder, wanted)
        try:
            until(lambda: larder.metrics().total("larder_client_connections") >= wanted)
            fresh = (larder.resident_bytes() - before) / wanted
            request = request_bytes("GET", "/cached/x")
            for client in kept:
                client.sendall(request)
                assert client.recv(4096).startswith(b"HTTP/1.1 200")
            used = (wait_until_still(larder.resident_bytes) - before) / wanted
            print(f"\n{wanted} idle connections: {fresh:.0f} bytes each when new, {used:.0f} after a request")
            assert larder.get("/cached/x").x_cache == "HIT"
            assert used < 1536
        finally:
            for client in kept:
                client.close()
        until(lambda: larder.metrics().total("larder_client_connections") == 0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@plain_only
def test_an_object_of_1_kb_costs_little_more_than_its_bytes(scene, wire):
    """What the process grows by for each stored response, which has an ordinary head beside its body. The memory tier counts
    as much, or its budget would not hold."""
    fields = {"Content-Type": "application/json", "Cache-Control": "max-age=600", "ETag": '"5f3c-6a1b2c3d"'}
    api = scene(ScriptedOrigin(reply(fields=fields, body=b"x" * 1024)))
    larder = wire(route="ttl: 600", origin_text=api.url)

    def load(numbers):
        with larder.connect() as client:
            for number in numbers:
                assert client.get(f"/cached/{number}").x_cache == "MISS"

    warm, wanted = range(100_000, 105_000), range(200_000, 220_000)
    load(warm)
    before, counted_before = wait_until_still(larder.resident_bytes), larder.metrics().total("larder_memory_bytes")
    load(wanted)
    each = (wait_until_still(larder.resident_bytes) - before) / len(wanted)
    counted = (larder.metrics().total("larder_memory_bytes") - counted_before) / len(wanted)
    print(f"\nan object of 1 KB: {each:.0f} bytes of the process, counted as {counted:.0f}")
    assert each < 1450
    assert abs(each - counted) < 0.05 * each


@plain_only
def test_idle_connections_of_http2_cost_little(origin, wire):
    """What each keeps after an answered request. nghttp2 alone needs 9 KB for a session, besides a buffer for a frame."""
    origin.on("/cached/x", reply(body=b"x"))
    larder = wire(limits="{connections: 5000}")
    larder.get("/cached/x")

    def connections(count):
        clients = [http2_client.Connection(larder.port) for _ in range(count)]
        for client in clients:
            assert client.get("/cached/x").body == b"x"
        return clients

    wanted, warm = 1000, connections(100)
    before = larder.resident_bytes()
    kept = connections(wanted)
    try:
        each = (larder.resident_bytes() - before) / wanted
        print(f"\n{wanted} idle connections of HTTP/2: {each:.0f} bytes each")
        assert each < 24 * 1024
    finally:
        for client in warm + kept:
            client.close()


def cpu_seconds(larder):
    with open(f"/proc/{larder.process.pid}/stat") as stat:
        fields = stat.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_descriptors_run_out_and_nothing_spins_or_ends(origin, larder):
    origin.on("/cached/x", reply(body=b"x"))
    larder.get("/cached/x")
    with larder.connect() as client:
        assert client.get("/cached/x").x_cache == "HIT"
        open_now = len(os.listdir(f"/proc/{larder.process.pid}/fd"))
        resource.prlimit(larder.process.pid, resource.RLIMIT_NOFILE, (open_now + 10, open_now + 10))
        crowd = [larder.connect() for _ in range(60)]
        time.sleep(0.3)
        before = cpu_seconds(larder)
        time.sleep(2)
        spent = cpu_seconds(larder) - before
        print(f"\nout of descriptors for 2 s: {spent:.2f} s of CPU")
        assert spent < 0.4
        assert client.get("/cached/x").x_cache == "HIT", "what is open goes on"
        for one in crowd:
            one.close()
    until(lambda: larder.get("/cached/x").x_cache == "HIT", what="accepting anew")


ENDLESS = {
    "one endless field": b"GET /x HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000_000,
    "endless small fields": b"GET /x HTTP/1.1\r\nHost: a\r\n" + b"a:\r\n" * 5_000_000,
    "an endless target": b"GET /" + b"a" * 20_000_000,
    "an endless method": b"A" * 20_000_000,
    "endless empty lines": b"\r\n" * 5_000_000,
    "endless chunk extensions": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"1;"
    + b"a" * 20_000_000,
    "endless trailers": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    + b"a: b\r\n" * 3_000_000,
    "endless leading zeros": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 20_000_000,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_has_no_end_costs_little(origin, larder, name):
    before = cpu_seconds(larder)
    with larder.connect() as client:
        try:
            client.send(ENDLESS[name])
            client.read_to_end()
        except OSError:
            pass
    spent = cpu_seconds(larder) - before
    print(f"\n{name}: {spent:.2f} s of CPU")
    assert spent < 2


def test_a_head_byte_by_byte_costs_little(origin, larder):
    """Looking at the whole head again for each byte would be quadratic."""
    before = cpu_seconds(larder)
    with larder.connect() as client:
        try:
            client.send(b"GET /x HTTP/1.1\r\nHost: a\r\n")
            for _ in range(20_000):
                client.send(b"a:")
                client.send(b"\r\n")
        except OSError:
            pass
    spent = cpu_seconds(larder) - before
    print(f"\na head in 40000 pieces: {spent:.2f} s of CPU")
    assert spent < 4


def test_a_body_in_tiny_chunks(origin, larder):
    origin.on("POST /x", reply(body=b"ok"))
    count = 30_000
    before = cpu_seconds(larder)
    with larder.connect() as client:
        sending = Later(
            client.send,
            b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * count + b"0\r\n\r\n",
        )
        assert client.read_response().status == 200
        sending.finish()
    assert len(origin.requests("POST /x")[0].body) == count
    spent = cpu_seconds(larder) - before
    print(f"\n{count} chunks of a byte up: {spent:.2f} s of CPU")


@pytest.mark.parametrize("place", ["/events", "/cached/events"])
def test_events_are_passed_on_as_they_come(origin, larder, place):
    gates = [Gate() for _ in range(20)]
    pieces = [item for number, gate in enumerate(gates) for item in (gate, b"data: %d\n\n" % number)]
    origin.on(place, chunked(*pieces, fields={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}))
    slowest = 0
    with larder.connect() as client:
        client.send(request_bytes("GET", place))
        assert client.read_head().field("content-type") == "text/event-stream", "the head does not wait for an event"
        for number, gate in enumerate(gates):
            started = time.monotonic()
            gate.open()
            assert client.read_chunk() == b"data: %d\n\n" % number
            slowest = max(slowest, time.monotonic() - started)
    print(f"\nslowest of 20 events through {place}: {slowest * 1000:.1f} ms")
    assert slowest < 1


def test_long_polls_wait_side_by_side(origin, larder):
    gate = Gate()
    origin.on("/poll", reply(body=b"news").after(gate))
    polls = [Later(larder.get, "/poll") for _ in range(50)]
    gate.wait_for(50)
    gate.open()
    assert [poll.finish().body for poll in polls] == [b"news"] * 50


def test_a_client_that_left_a_download_ends_it_at_the_origin(origin, larder):
    origin.on("/x", stream(1024 * MB, "length"))
    with larder.connect() as client:
        client.send(request_bytes("GET", "/x"))
        client.read_head()
    until(lambda: origin.open_connections() == 0, what="the end of the download")


def test_grpc_web_bodies_pass(origin, larder):
    frames = b"\0\0\0\0\5hello" + b"\x80\0\0\0\x0fgrpc-status:0\r\n"
    origin.on(
        "POST /svc",
        lambda request: reply(fields={"Content-Type": "application/grpc-web+proto"}, body=frames + request.body),
    )
    response = larder.request("POST", "/svc", {"Content-Type": "application/grpc-web+proto"}, b"\0\0\0\0\1x")
    assert response.body == frames + b"\0\0\0\0\1x" and response.field("content-type") == "application/grpc-web+proto"


def test_a_reset_in_the_middle_of_everything_leaks_nothing(origin, larder):
    origin.on("/x", stream(64 * MB, "chunked"))
    origin.on("POST /y", reply(body=b"y"))
    for number in range(60):
        client = larder.connect()
        if number % 3 == 0:
            client.send(request_bytes("GET", "/x"))
            client.read_head()
        elif number % 3 == 1:
            client.send(b"POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
        else:
            client.send(b"GET /z HT")
        client.reset()
    until(lambda: larder.metrics().total("larder_client_connections") == 0)
    until(lambda: origin.open_connections() == 0)
