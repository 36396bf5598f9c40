"""What SIGTERM must end, whatever is under way, and readers that must not be forgotten."""
import os
import signal
import time

import pytest

from support.raw_client import ConnectionEnded, request_bytes
from support.scripted_origin import Gate, chunked, raw, reply
from support.waiting import Later, until

DRAIN = 1.0
MB = 1 << 20
TEXT = """
listen: <listen>
admin: <admin>
origin: {servers: [<origin>], max_connections: <most>}
threads: 1
limits: {drain_timeout: 1s, max_object: 256KB, body_timeout: 20s}
routes:
  - {match: "GET /cached/{name}", key: "cached:{name}", ttl: 60}
"""


@pytest.fixture
def larder(origin, start_larder):
    return start_larder(TEXT, origin=origin.url, most="unlimited")


def unsent_bytes(port):
    """What larder has written to its clients and they have not taken yet, by socket."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    local = f":{port:04X}"
    return [int(row[4].split(":")[0], 16) for row in rows if row[1].endswith(local) and row[3] == "01"]


def ask(client, target):
    client.send(request_bytes("GET", target))


def test_a_reader_that_was_busy_with_an_interim_response_gets_its_answer(origin, larder):
    """The fetch begins and ends while the client does not read the interim responses, so no later wake-up comes."""
    hint = {"Link": "</style.css>; rel=preload; " + "x" * 50_000}
    final = reply(fields={"Cache-Control": "max-age=60"}, body=b"done")
    gate = Gate()
    heads = [b"HTTP/1.1 103 Early Hints\r\nLink: " + hint["Link"].encode() + b"\r\n\r\n"] * 30
    origin.on("/cached/x", raw(*heads, gate, *(step[1] if isinstance(step, tuple) else step for step in final.steps)))
    with larder.connect(receive_buffer=4096, segment=536) as slow:
        ask(slow, "/cached/x")
        gate.wait_for(1)
        until(lambda: max(unsent_bytes(larder.port), default=0) > 0, what="a client that is behind")
        joined = Later(larder.get, "/cached/x")
        gate.open()
        assert joined.finish().body == b"done"
        response = slow.read_response()
        assert (response.status, response.body, len(response.interim)) == (200, b"done", 30)


def test_sigterm_ends_every_kind_of_wait_in_time(origin, start_larder):
    larder = start_larder(TEXT, origin=origin.url, most=4)
    never = Gate()
    origin.on("GET /cached/silent", raw(never))
    origin.on("GET /passed/silent", raw(never))
    origin.on("POST /upload", raw(never).without_reading_body())
    origin.on(
        "GET /tunnel", raw(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n", never)
    )
    clients = [larder.connect() for _ in range(8)]
    ask(clients[0], "/cached/silent")  # leads a fetch
    ask(clients[1], "/cached/silent")  # waits for it
    ask(clients[2], "/passed/silent")
    clients[3].send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
    clients[4].send(b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n")
    assert clients[4].read_head().status == 101
    never.wait_for(4)
    for client in clients[5:]:
        ask(client, "/passed/more")  # wait for one of the four connections
    started = time.monotonic()
    larder.process.signal(signal.SIGTERM)
    log = larder.wait_for_end()
    assert time.monotonic() - started < DRAIN + 1.5
    assert "took too long" not in log, "it must end by itself, without the last resort"
    never.open()


def test_sigterm_ends_a_fetch_that_waits_for_a_reader_who_does_not_read(origin, larder):
    origin.on("/cached/x", chunked(*[b"d" * 65536] * 400, fields={"Cache-Control": "max-age=60"}))
    with larder.connect(receive_buffer=4096) as client:
        ask(client, "/cached/x")
        client.read_head()
        until(lambda: max(unsent_bytes(larder.port), default=0) > 0, what="a client that is behind")
        started = time.monotonic()
        larder.process.signal(signal.SIGTERM)
        log = larder.wait_for_end()
        assert time.monotonic() - started < DRAIN + 1.5
        assert "took too long" not in log


class Stuck:
    """Joins a fetch, takes its head, and reads no more."""

    def __init__(self, larder, target):
        self.client = larder.connect(receive_buffer=4096)
        ask(self.client, target)
        self.client.read_head()

    def is_cut_off(self):
        try:
            self.client.read_to_end()
        except (ConnectionResetError, ConnectionEnded):
            return True
        return False


def body_of(client):
    return b"".join(iter(client.read_chunk, b""))


BLOCKS = 300


def stream(gate):
    """A body far beyond max_object; those who asked before the gate opens have joined when they have the head."""
    return chunked(b"first", gate, *[b"d" * 65536] * BLOCKS, fields={"Cache-Control": "max-age=60"})


def test_a_reader_that_does_not_read_is_cut_off_and_the_others_go_on(origin, larder):
    gate = Gate()
    origin.on("/cached/x", stream(gate))
    stuck = Stuck(larder, "/cached/x")
    others = [larder.connect() for _ in range(3)]
    for client in others:
        ask(client, "/cached/x")
        assert client.read_head().status == 200
    assert origin.count("/cached/x") == 1
    started = time.monotonic()
    gate.open()
    bodies = [later.finish() for later in [Later(body_of, client) for client in others]]
    assert time.monotonic() - started < 8
    assert all(len(body) == 5 + BLOCKS * 65536 for body in bodies)
    assert stuck.is_cut_off()
    for client in others:
        client.close()


def test_a_slow_reader_that_takes_some_sets_the_pace_and_gets_everything(origin, larder):
    gate = Gate()
    origin.on("/cached/x", stream(gate))
    slow = larder.connect(receive_buffer=65536)
    other = larder.connect()
    for client in (slow, other):
        ask(client, "/cached/x")
        client.read_head()
    gate.open()
    fast = Later(body_of, other)
    size, next_pause, chunk = 0, 0, slow.read_chunk()
    while chunk:
        size += len(chunk)
        if next_pause < size < 6 * MB:
            time.sleep(0.4)  # it is slow
            next_pause = size + MB // 2
        chunk = slow.read_chunk()
    assert size == 5 + BLOCKS * 65536
    assert len(fast.finish()) == size
    slow.close()
    other.close()


def test_a_very_slow_reader_is_not_taken_for_a_dead_one(origin, larder):
    """It takes a block of the buffer in more than the two seconds after which one that takes nothing is cut off."""
    gate = Gate()
    origin.on("/cached/x", stream(gate))
    slow = larder.connect(receive_buffer=4096, segment=536)
    other = larder.connect()
    for client in (slow, other):
        ask(client, "/cached/x")
        client.read_head()
    gate.open()
    fast = Later(body_of, other)
    started = time.monotonic()
    while time.monotonic() - started < 7:
        slow.read_exactly(1000)
        time.sleep(0.1)
    assert not fast.is_done(), "the slow one sets the pace"
    slow.close()
    assert len(fast.finish()) == 5 + BLOCKS * 65536
    other.close()


def test_a_reader_alone_may_pause_for_long(origin, larder):
    gate = Gate()
    origin.on("/cached/x", stream(gate))
    with larder.connect(receive_buffer=4096) as client:
        ask(client, "/cached/x")
        client.read_head()
        gate.open()
        time.sleep(3)
        assert len(body_of(client)) == 5 + BLOCKS * 65536


def cpu_seconds(larder):
    with open(f"/proc/{larder.process.pid}/stat") as stat:
        fields = stat.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_waiting_for_max_connections_costs_no_cpu(origin, start_larder):
    larder = start_larder(TEXT, origin=origin.url, most=1)
    gate = Gate()
    origin.on("GET /passed/held", reply(body=b"held").after(gate))
    origin.on("GET /passed/more", reply(body=b"more"))
    held = Later(larder.get, "/passed/held")
    gate.wait_for(1)
    more = [Later(larder.get, "/passed/more") for _ in range(10)]
    until(lambda: larder.metrics().total("larder_client_connections") >= 11, what="those who wait")
    before = cpu_seconds(larder)
    time.sleep(1)
    spent = cpu_seconds(larder) - before
    gate.open()
    assert held.finish().body == b"held"
    assert [later.finish().body for later in more] == [b"more"] * 10
    assert spent < 0.2
