"""Answers that take longer than the limits for something else: a head, an idle connection, the origin's first byte.

What such a limit is for is over before the answer begins, so its time must not end the answer.
"""
import signal
import time

import pytest
from hyperframe.frame import DataFrame

from support import http2_client
from support.raw_client import request_bytes
from support.scripted_origin import raw, reply
from support.waiting import until

SIZE = 7_000_000  # more than the buffers of a connection take
LIMIT = 2.0  # seconds
LIMITS = "{header_timeout: 2s, keepalive_timeout: 2s, max_object: 16MB}"
WIDE = 2**31 - 1


@pytest.fixture
def slow(origin, wire):
    """A larder that has a large answer and a small one, and short limits for heads and for idle connections."""
    larder = wire(limits=LIMITS, extra="memory: 256MB")
    origin.on("GET /cached/big", reply(body=b"x" * SIZE))
    origin.on("GET /cached/small", reply(body=b"small"))
    for target in ("/cached/big", "/cached/small"):
        larder.get(target)
        assert until(lambda: larder.get(target).x_cache == "HIT")
    return larder


def wait_in_the_middle():
    """Longer than the limits: the client reads nothing meanwhile."""
    time.sleep(LIMIT * 1.7)


@pytest.mark.parametrize("before", ["a first request", "a request after an idle time", "a head in two pieces"])
def test_a_hit_over_http1_is_not_ended_by_the_limits_for_what_was_before_it(slow, before):
    with slow.connect(receive_buffer=32768) as client:
        request = request_bytes("GET", "/cached/big")
        if before == "a request after an idle time":
            client.get("/cached/small")
            time.sleep(LIMIT * 0.7)
        if before == "a head in two pieces":
            client.send(request[:20])
            time.sleep(LIMIT * 0.3)
            request = request[20:]
        client.send(request)
        wait_in_the_middle()
        answer = client.read_response()
        assert (answer.x_cache, len(answer.body)) == ("HIT", SIZE)


def wide_client(larder, **named):
    client = http2_client.Connection(larder.port, window=WIDE, receive_buffer=32768, **named)
    client.give(0, WIDE - 200_000_000)
    return client


@pytest.mark.parametrize("before", ["a first request", "a request after an idle time"])
def test_a_hit_over_http2_is_not_ended_by_the_limits_for_what_was_before_it(slow, before):
    with wide_client(slow) as client:
        if before == "a request after an idle time":
            client.get("/cached/small")
            time.sleep(LIMIT * 0.7)
        stream = client.start("GET", "/cached/big")
        wait_in_the_middle()
        answer = client.response(stream)
        assert (answer.x_cache, len(answer.body)) == ("HIT", SIZE)


def test_frames_of_http2_are_read_while_an_answer_waits_for_its_reader(origin, slow):
    """RFC 9113, 5.2.2."""
    origin.on("POST /write", reply(body=b"done"))
    with wide_client(slow, gives=False) as client:
        download = client.start("GET", "/cached/big")
        time.sleep(0.3)  # the connection is full
        writes = []
        for count in range(1, 5):
            writes.append(client.start("POST", "/write", body=b"hello"))
            until(lambda: origin.count("POST /write") == count)
        client.reset(download)
        for stream in writes:
            assert client.response(stream).body == b"done"
        assert len(client.streams[download].body) < SIZE  # the rest was of no use any more


def test_requests_renew_the_time_that_an_http2_connection_may_be_idle(slow):
    with http2_client.Connection(slow.port) as client:
        begin = time.monotonic()
        while time.monotonic() - begin < LIMIT * 2.5:
            assert client.get("/cached/small").status == 200
            client.read_what_comes(LIMIT * 0.3)
        assert not client.go_away
        client.wait_for_end(LIMIT * 5)  # and then it ends
        assert client.go_away[1] == http2_client.NO_ERROR


def test_each_head_of_http2_has_its_own_time(slow):
    """Reads that end inside the next head, each of which comes fast enough."""
    with http2_client.Connection(slow.port, gives=False) as client:
        client.get("/cached/small")
        client.acknowledges = False  # nothing may come between the parts of a frame
        rest, streams, begin = b"", [], time.monotonic()
        while time.monotonic() - begin < LIMIT * 2.5:
            stream = client.new_stream()
            frame = client.headers(stream, client.fields_of("GET", "/cached/small")).serialize()
            client.send_raw(rest + frame[:12])
            rest = frame[12:]
            time.sleep(LIMIT * 0.3)
            client.read_what_comes(0.01)
            streams.append(stream)
        client.send_raw(rest)
        assert all(client.response(stream).status == 200 for stream in streams) and not client.go_away


def test_a_head_of_http2_that_does_not_end_is_ended(slow):
    with http2_client.Connection(slow.port) as client:
        for _ in range(3):
            client.get("/cached/small")
        stream = client.new_stream()
        frame = client.headers(stream, client.fields_of("GET", "/cached/small")).serialize()
        client.send_raw(frame[:12])
        client.wait_for_end(LIMIT * 5)
        assert client.go_away[1] == http2_client.ENHANCE_YOUR_CALM


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_the_time_for_the_origins_first_byte_ends_with_its_head(origin, wire, framing):
    size, piece = 300_000, b"bb8\r\n" + b"y" * 3000 + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n"
    if framing == "length":
        answer = head + b"Content-Length: %d\r\n\r\n" % size + b"y" * size
    else:
        answer = head + b"Transfer-Encoding: chunked\r\n\r\n" + piece * (size // 3000) + b"0\r\n\r\n"
    origin.on("GET /pass", raw(answer))
    server = f"{{servers: [{origin.url}], response_timeout: 1s}}"
    larder = wire(origin_text=server)
    with http2_client.Connection(larder.port, window=0) as client:
        stream = client.start("GET", "/pass")
        time.sleep(LIMIT * 1.7)  # until the client wants the body
        client.give(stream, 10_000_000)
        assert len(client.response(stream).body) == size


@pytest.mark.parametrize("size", [1, 20])
def test_small_pieces_of_an_upload_may_come_together(origin, larder, size):
    origin.on("POST /upload", reply(body=b"done"))
    with http2_client.Connection(larder.port) as client:
        client.read_until(lambda: client.settings)
        stream = client.new_stream()
        begin = client.headers(stream, client.fields_of("POST", "/upload"), end=False)
        end = DataFrame(stream, flags=["END_STREAM"])
        client.send_raw(begin.serialize() + DataFrame(stream, b"x" * size).serialize() * 1500 + end.serialize())
        assert client.response(stream).body == b"done" and not client.go_away
    assert origin.requests("POST /upload")[0].body == b"x" * size * 1500


@pytest.mark.parametrize("why", ["asked for", "a drain"])
def test_a_hit_that_ends_its_connection_arrives_whole(slow, why):
    """RFC 9112, 9.6: with requests behind it unread, a close would be a reset that takes the answer away."""
    request = request_bytes("GET", "/cached/big", {"Connection": "close"} if why == "asked for" else {})
    with slow.connect(receive_buffer=32768) as client:
        client.send(request[:10])
        if why == "a drain":
            time.sleep(0.3)  # the request has begun
            slow.process.signal(signal.SIGTERM)
            until(lambda: not slow._accepts())
        client.send(request[10:] + request_bytes("GET", "/cached/big") * 500)
        time.sleep(0.3)  # the answer waits for its reader, with the other requests behind it
        answer = client.read_response()
        assert (answer.x_cache, len(answer.body), answer.field("connection")) == ("HIT", SIZE, "close")
    if why == "a drain":
        assert slow.process.wait(20) == 0
        slow.start()
