"""How connections of HTTP/2 end, and in which order streams are sent."""
import signal

import pytest

from support import http2_client
from support.http2_client import NO_ERROR
from support.scripted_origin import Gate, reply
from support.waiting import until

FRESH = {"Cache-Control": "max-age=60"}


@pytest.mark.parametrize("ending", ["stop", "hand over"])
def test_a_drain_lets_open_streams_end(origin, larder, ending):
    gate = Gate()
    origin.on("GET /slow", reply(body=b"slow").after(gate))
    with http2_client.Connection(larder.port) as client:
        stream = client.start("GET", "/slow")
        gate.wait_for()
        if ending == "stop":
            larder.process.signal(signal.SIGTERM)
        else:
            larder.hand_over()
        client.read_until(lambda: client.go_aways)
        assert client.go_aways[0] == (2**31 - 1, NO_ERROR)
        client.read_until(lambda: len(client.go_aways) == 2)
        assert client.go_away == (stream, NO_ERROR)
        gate.open()
        assert client.response(stream).body == b"slow"
        client.wait_for_end()
    if ending == "stop":
        larder.wait_for_end()


def test_a_drain_answers_what_was_sent_before_the_announcement_came(origin, larder):
    gate = Gate()
    origin.on("GET /slow", reply(body=b"slow").after(gate))
    origin.on("GET /late", reply(body=b"late"))
    with http2_client.Connection(larder.port) as client:
        slow = client.start("GET", "/slow")
        gate.wait_for()
        client.acknowledges = False
        larder.process.signal(signal.SIGTERM)
        client.read_until(lambda: client.go_aways)
        assert client.get("/late").body == b"late"
        client.read_until(lambda: len(client.go_aways) == 2)
        assert client.go_away[0] == slow + 2
        gate.open()
        assert client.response(slow).body == b"slow"
    larder.wait_for_end()


def test_an_idle_connection_ends_at_once_in_a_drain(larder):
    with http2_client.Connection(larder.port) as client:
        assert client.get("/missing").status == 404
        larder.process.signal(signal.SIGTERM)
        assert client.wait_for_end() == (1, NO_ERROR)
    larder.wait_for_end()


def test_a_client_may_end_its_direction(origin, larder):
    gate = Gate()
    origin.on("GET /slow", reply(body=b"slow").after(gate))
    with http2_client.Connection(larder.port, gives=False) as client:
        stream = client.start("GET", "/slow")
        gate.wait_for()
        client.socket.shutdown(1)
        gate.open()
        assert client.response(stream).body == b"slow"
        client.wait_for_end()


def test_a_client_that_goes_away_leaves_nothing(origin, larder):
    gate = Gate()
    origin.on("GET /slow", reply(body=b"slow").after(gate))
    origin.on("POST /slow", reply(body=b"slow").after(gate))
    with http2_client.Connection(larder.port) as client:
        client.start("GET", "/slow")
        client.start("POST", "/slow", {"content-length": "5"}, end=False)
        gate.wait_for()
    gate.open()
    until(lambda: larder.metrics().total("larder_client_connections") == 0, what="the end of the connection")


def test_urgent_streams_come_first(origin, larder):
    origin.on("GET /cached/large", reply(fields=FRESH, body=b"x" * 400_000))
    larder.get("/cached/large")
    with http2_client.Connection(larder.port, window=0, gives=False) as client:
        fields = {"later": {"priority": "u=6"}, "default": {}, "urgent": {"priority": "u=0"}}
        client.give(0, 100_000_000)
        streams = {name: client.start("GET", "/cached/large", own) for name, own in fields.items()}
        client.read_until(lambda: all(client.streams[stream].status for stream in streams.values()))
        client.send(http2_client.SettingsFrame(settings={http2_client.SettingsFrame.INITIAL_WINDOW_SIZE: 500_000}))
        for stream in streams.values():
            client.response(stream)
        ended = sorted(streams, key=lambda name: len(client.order) - client.order[::-1].index(streams[name]))
        assert ended == ["urgent", "default", "later"]


def test_incremental_streams_take_turns(origin, larder):
    origin.on("GET /cached/large", reply(fields=FRESH, body=b"x" * 400_000))
    larder.get("/cached/large")
    with http2_client.Connection(larder.port, window=0, gives=False) as client:
        client.give(0, 100_000_000)
        streams = [client.start("GET", "/cached/large", {"priority": "i"}) for _ in range(3)]
        client.read_until(lambda: all(client.streams[stream].status for stream in streams))
        client.send(http2_client.SettingsFrame(settings={http2_client.SettingsFrame.INITIAL_WINDOW_SIZE: 500_000}))
        for stream in streams:
            client.response(stream)
        assert set(client.order[:12]) == set(streams)


def test_a_priority_can_change(origin, larder):
    """PRIORITY_UPDATE (RFC 9218, 7.1)."""
    origin.on("GET /cached/large", reply(fields=FRESH, body=b"x" * 400_000))
    larder.get("/cached/large")
    with http2_client.Connection(larder.port, window=0, gives=False) as client:
        client.give(0, 100_000_000)
        first, second = (client.start("GET", "/cached/large") for _ in range(2))
        client.read_until(lambda: client.streams[first].status and client.streams[second].status)
        payload = second.to_bytes(4, "big") + b"u=1"
        client.send_raw(len(payload).to_bytes(3, "big") + b"\x10\0" + b"\0\0\0\0" + payload)
        client.send(http2_client.SettingsFrame(settings={http2_client.SettingsFrame.INITIAL_WINDOW_SIZE: 500_000}))
        client.response(first)
        assert client.streams[second].ended
