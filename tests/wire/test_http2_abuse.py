"""Clients of HTTP/2 that mean harm: they are sent away, memory stays bounded, and others are served."""
import struct

import pytest
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from support import http2_client
from support.http2_client import ENHANCE_YOUR_CALM, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM
from support.scripted_origin import Gate, chunked, reply
from support.waiting import until

FRESH = {"Cache-Control": "max-age=60"}


@pytest.fixture
def attack(origin, larder):
    """attack(send): a client that sends frames until it is sent away. Another client is served meanwhile."""
    origin.on("GET /cached/other", reply(fields=FRESH, body=b"served"))
    origin.on("GET /cached/hit", reply(fields=FRESH, body=b"x"))

    def run(frames, codes=(ENHANCE_YOUR_CALM,), most=20000):
        with http2_client.Connection(larder.port) as client, http2_client.Connection(larder.port) as other:
            assert other.get("/cached/other").body == b"served"
            client.get("/cached/hit")
            before = larder.resident_bytes()
            sent = 0
            try:
                for sent, some in enumerate(frames(client)):
                    client.send(*some)
                    if sent % 50 == 0:
                        client.read_what_comes(0.001)
                    if client.go_away or client.ended or sent > most:
                        break
            except OSError:
                pass
            assert other.get("/cached/other").body == b"served"
            client.wait_for_end()
            assert client.ended and client.go_away and client.go_away[1] in codes, (client.go_away, sent)
            assert larder.resident_bytes() - before < 20_000_000
            assert other.get("/cached/other").body == b"served"
            return client

    return run


def test_rapid_reset(attack, origin):
    """CVE-2023-44487."""
    gate = Gate()
    origin.on("GET /slow", reply(body=b"x").after(gate))

    def frames(client):
        while True:
            stream = client.new_stream()
            yield client.headers(stream, client.fields_of("GET", "/slow")), RstStreamFrame(stream, 8)

    attack(frames)
    assert origin.count("/slow") <= 128
    gate.open()


def test_rapid_reset_of_hits(attack):
    def frames(client):
        while True:
            stream = client.new_stream()
            yield client.headers(stream, client.fields_of("GET", "/cached/hit"), end=False), RstStreamFrame(stream, 8)

    attack(frames)


def wait_for_reset(client, stream):
    client.read_until(lambda: client.go_away or client.ended or client.streams[stream].reset is not None)


@pytest.mark.parametrize("provoke", ["malformed", "overflow", "length"])
def test_resets_that_larder_is_made_to_send(attack, origin, provoke):
    """CVE-2025-8671: each stream has larder reset it, and may have begun work at the origin before."""
    gate = Gate()
    origin.on("/slow", reply(body=b"x").after(gate))

    def frames(client):
        while True:
            stream = client.new_stream()
            fields = client.fields_of("GET", "/slow")
            if provoke == "malformed":
                yield (client.headers(stream, [*fields, ("connection", "close")]),)
            elif provoke == "overflow":
                yield client.headers(stream, fields), WindowUpdateFrame(stream, window_increment=2**31 - 1)
            else:
                data = DataFrame(stream, b"abcdef")
                yield client.headers(stream, [*fields, ("content-length", "5")], end=False), data
            wait_for_reset(client, stream)

    client = attack(frames)
    # The bound on frames of any kind would come after a thousand.
    assert 256 <= sum(stream.reset is not None for stream in client.streams.values()) < 600
    if provoke == "malformed":
        assert origin.count("/slow") == 0
    if provoke == "overflow":  # The work goes on and counts; half a body ends it.
        # A few more: larder asks once again where a kept connection to the origin turns out to be closed.
        assert origin.count("/slow") <= 128 + 8
    gate.open()


def test_a_window_that_grows_by_nothing_ends_the_connection(attack, origin):
    """RFC 9113, 6.9, would have the stream reset; so no client can have that done again and again."""

    def frames(client):
        while True:
            stream = client.new_stream()
            yield client.headers(stream, client.fields_of("GET", "/slow")), RawFrame(8, 0, stream, b"\0\0\0\0")

    attack(frames, (PROTOCOL_ERROR,))
    assert origin.count("/slow") <= 1


class RawFrame:
    """A frame that no library would make."""

    def __init__(self, kind, flags, stream, payload):
        self.head = struct.pack(">BHBBL", len(payload) >> 16, len(payload) & 0xFFFF, kind, flags, stream)
        self.payload = payload

    def serialize(self):
        return self.head + self.payload


@pytest.mark.parametrize(
    "flood",
    [
        lambda client: SettingsFrame(),
        lambda client: PingFrame(0, b"12345678"),
        lambda client: WindowUpdateFrame(0, window_increment=1),
        lambda client: PriorityFrame(99, depends_on=1, stream_weight=5),
        lambda client: RawFrame(0x10, 0, 0, struct.pack(">L", 1) + b"u=1"),
        lambda client: RawFrame(0xEE, 0, 0, b"unknown"),
        lambda client: RawFrame(3, 0, 1, struct.pack(">L", 8)),
    ],
    ids=["settings", "ping", "window update", "priority", "priority update", "unknown", "reset of a closed stream"],
)
def test_floods_of_frames_that_do_nothing(attack, flood):
    def frames(client):
        while True:
            yield [flood(client)] * 20

    attack(frames)


def test_empty_data_frames(attack, origin):
    gate = Gate()
    origin.on("POST /slow", reply(body=b"x").after(gate))

    def frames(client):
        stream = client.start("POST", "/slow", end=False)
        while True:
            yield [DataFrame(stream, b"")] * 20

    attack(frames)
    gate.open()


def test_padding_without_data(attack, origin):
    gate = Gate()
    origin.on("POST /slow", reply(body=b"x").after(gate))

    def frames(client):
        stream = client.start("POST", "/slow", end=False)
        while True:
            yield [RawFrame(0, 0x8, stream, b"\x05" + b"\0" * 5)] * 20

    attack(frames)
    gate.open()


@pytest.mark.parametrize("piece", [b"", b"\0\x01a\x01b"], ids=["empty", "small"])
def test_a_head_that_never_ends(attack, piece):
    """CVE-2024-27316."""

    def frames(client):
        stream = client.new_stream()
        block = Encoder().encode(client.fields_of("GET", "/cached/hit"))
        yield (HeadersFrame(stream, block),)
        while True:
            yield (ContinuationFrame(stream, piece),)

    attack(frames)


def test_a_head_that_unpacks_to_much(attack):
    """A field of 4000 bytes in the table of HPACK, referred to with one byte each time."""

    def frames(client):
        stream = client.new_stream()
        block = client._encoder.encode([*client.fields_of("GET", "/cached/hit"), ("x-bomb", "b" * 3900)])
        yield client.head_frames(stream, block + b"\xbe" * 14000)
        yield ()

    attack(frames)


def test_streams_beyond_the_limit_end_a_connection_that_knows_it(origin, wire):
    larder = wire(limits="{http2_streams: 4}")
    gate = Gate()
    origin.on("GET /slow", reply(body=b"slow").after(gate))
    with http2_client.Connection(larder.port) as client:
        client.read_until(lambda: client.settings)
        for _ in range(6):
            client.start("GET", "/slow")
        assert client.wait_for_end()[1] == PROTOCOL_ERROR
    assert origin.count("/slow") <= 4
    gate.open()


def test_streams_beyond_the_limit_are_refused(origin, wire):
    larder = wire(limits="{http2_streams: 4}")
    gate = Gate()
    origin.on("GET /slow", reply(body=b"slow").after(gate))
    with http2_client.Connection(larder.port, acknowledges=False) as client:
        client.read_until(lambda: client.settings)
        assert client.settings[SettingsFrame.MAX_CONCURRENT_STREAMS] == 4
        streams = [client.start("GET", "/slow") for _ in range(6)]
        client.read_until(lambda: sum(client.streams[stream].reset == REFUSED_STREAM for stream in streams) == 2)
        gate.open()
        assert [client.response(stream).body for stream in streams] == [b"slow"] * 4 + [b""] * 2
        assert client.get("/slow").body == b"slow"


def test_work_on_reset_streams_counts(origin, wire):
    larder = wire(limits="{http2_streams: 4}")
    gate = Gate()
    origin.on("GET /slow", reply(body=b"slow").after(gate))
    with http2_client.Connection(larder.port) as client:
        for count in range(4):
            stream = client.start("GET", "/slow")
            origin.wait_for_requests("/slow", count + 1)
            client.reset(stream)
        refused = client.response(client.start("GET", "/slow"))
        assert refused.reset == REFUSED_STREAM and origin.count("/slow") == 4
        gate.open()
        until(lambda: client.get("/slow").status == 200, what="the end of the work")


def test_a_client_that_never_reads(origin, wire):
    """A closed window holds a reference to the entry, and nobody else; the stream ends after limits.body_timeout."""
    larder = wire(limits="{body_timeout: 500ms}")
    origin.on("GET /cached/large", reply(fields=FRESH, body=b"x" * 1_000_000))
    origin.on("GET /pass", reply(body=b"y" * 1_000_000))
    with http2_client.Connection(larder.port) as other:
        assert len(other.get("/cached/large").body) == 1_000_000
        before = larder.resident_bytes()
        with http2_client.Connection(larder.port, window=0, gives=False) as client:
            streams = [client.start("GET", place) for place in ["/cached/large", "/pass"] for _ in range(40)]
            client.read_until(lambda: all(client.streams[stream].status == 200 for stream in streams))
            assert larder.resident_bytes() - before < 60_000_000
            assert len(other.get("/cached/large").body) == 1_000_000
            client.read_until(lambda: all(client.streams[stream].reset is not None for stream in streams))
            assert client.get("/missing").status == 404


def test_a_window_of_one_stream_stops_no_other(origin, larder):
    origin.on("GET /cached/large", reply(fields=FRESH, body=b"x" * 1_000_000))
    origin.on("GET /cached/small", reply(fields=FRESH, body=b"small"))
    with http2_client.Connection(larder.port, window=65535, gives=False) as client:
        client.give(0, 10_000_000)
        stream = client.start("GET", "/cached/large")
        client.read_until(lambda: len(client.streams[stream].body) == 65535)
        assert client.get("/cached/small").body == b"small"
        client.give(stream, 2_000_000)
        assert len(client.response(stream).body) == 1_000_000


def test_a_stream_that_holds_up_others_is_reset(origin, wire):
    """A body that turns out too large to be stored goes to all its readers at the pace of the slowest one."""
    larder = wire(limits="{max_object: 64KB}")
    gate = Gate()
    origin.on("GET /cached/large", chunked(*[b"x" * 50_000] * 40, fields=FRESH).after(gate))
    with http2_client.Connection(larder.port, window=0) as slow, http2_client.Connection(larder.port) as fast:
        held = slow.start("GET", "/cached/large")
        gate.wait_for()
        read = fast.start("GET", "/cached/large")
        fast.ping()
        fast.read_until(lambda: fast.pings)
        gate.open()
        assert len(fast.response(read, timeout=30).body) == 2_000_000
        assert slow.response(held).reset is not None
        missing = slow.start("GET", "/missing")
        slow.read_until(lambda: slow.streams[missing].status == 404)
    assert origin.count("/cached/large") == 1


def test_a_socket_that_is_not_read(origin, wire):
    larder = wire(limits="{body_timeout: 500ms}")
    origin.on("GET /cached/large", reply(fields=FRESH, body=b"x" * 1_000_000))
    assert larder.get("/cached/large").status == 200
    client = http2_client.Connection(larder.port, window=2**31 - 1)
    client.give(0, 2**30)
    for _ in range(20):
        client.start("GET", "/cached/large")
    until(lambda: larder.metrics().total("larder_client_connections") <= 1, what="the end of the connection")
    client.close()


def test_a_preface_that_does_not_come(wire):
    larder = wire(limits="{header_timeout: 300ms}")
    with http2_client.Connection(larder.port, preface=False, acknowledges=False) as client:
        client.send_raw(http2_client.PREFACE[:20])
        assert client.wait_for_end()[1] == ENHANCE_YOUR_CALM


def test_a_head_that_stalls(origin, wire):
    larder = wire(limits="{header_timeout: 300ms}")
    with http2_client.Connection(larder.port, acknowledges=False) as client:
        frame = client.headers(1, client.fields_of("GET", "/x")).serialize()
        client.send_raw(frame[:-3])
        assert client.wait_for_end()[1] == ENHANCE_YOUR_CALM
    assert origin.count() == 0


def test_an_idle_connection_ends(wire):
    larder = wire(limits="{keepalive_timeout: 300ms}")
    with http2_client.Connection(larder.port) as client:
        assert client.get("/missing").status == 404
        assert client.wait_for_end() == (1, NO_ERROR)


@pytest.mark.parametrize(
    "frame",
    [
        RawFrame(0, 0, 0, b"x"),
        RawFrame(0, 0, 7, b"x"),
        RawFrame(1, 4, 2, b"\x82"),
        RawFrame(9, 4, 1, b"\x82"),
        RawFrame(5, 4, 1, b"\0\0\0\2\x82"),
        RawFrame(6, 0, 0, b"short"),
        RawFrame(4, 0, 0, b"12345"),
        RawFrame(4, 0, 0, struct.pack(">HL", 4, 2**31)),
        RawFrame(1, 5, 1, b"\xff\xff\xff\xff\xff"),
        RawFrame(8, 0, 0, b"\0\0\0\0"),
    ],
    ids=[
        "data on 0",
        "data on an idle stream",
        "even id",
        "continuation alone",
        "push",
        "short ping",
        "odd settings",
        "window",
        "bad hpack",
        "window update of 0",
    ],
)
def test_connection_errors(origin, larder, frame):
    with http2_client.Connection(larder.port) as client:
        client.send(frame)
        assert client.wait_for_end()[1] != NO_ERROR
    assert origin.count() == 0


def test_a_large_frame(larder):
    with http2_client.Connection(larder.port) as client:
        client.send(RawFrame(0, 0, 1, b"x" * 20000))
        assert client.wait_for_end()[1] == 0x6  # FRAME_SIZE_ERROR
