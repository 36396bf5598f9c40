"""Keep-alive, pipelining and the pool of origin connections."""
import time

import pytest

from support.raw_client import request_bytes
from support.scripted_origin import Gate, cut, raw, reply
from support.waiting import Later, all_at_once, until


def test_a_hundred_requests_use_one_connection_each_way(origin, larder):
    origin.on("/x", reply(body=b"x"))
    with larder.connect() as client:
        for _ in range(100):
            assert client.get("/x").body == b"x"
    assert origin.connections_seen == 1


def test_pipelined_requests_are_answered_in_order(origin, larder):
    gate = Gate()
    origin.on("/slow", reply(body=b"slow").after(gate))
    origin.on("/cached/quick", reply(body=b"quick"))
    origin.on("POST /post", reply(body=b"posted"))
    larder.get("/cached/quick")
    with larder.connect() as client:
        client.send(
            request_bytes("GET", "/slow")
            + request_bytes("GET", "/cached/quick")
            + request_bytes("POST", "/post", body=b"hello")
            + request_bytes("HEAD", "/cached/quick")
            + request_bytes("GET", "/cached/quick")
        )
        gate.open()
        answers = [client.read_response(method) for method in ("GET", "GET", "POST", "HEAD", "GET")]
    assert [answer.body for answer in answers] == [b"slow", b"quick", b"posted", b"", b"quick"]
    assert [answer.x_cache for answer in answers] == ["BYPASS", "HIT", "BYPASS", "HIT", "HIT"]
    assert origin.requests("POST /post")[0].body == b"hello"


def test_two_hundred_pipelined_hits_in_one_write(origin, larder):
    origin.on("/cached/x", reply(body=b"x" * 100))
    larder.get("/cached/x")
    with larder.connect() as client:
        client.send(request_bytes("GET", "/cached/x") * 200)
        assert [client.read_response().body for _ in range(200)] == [b"x" * 100] * 200


def test_a_head_in_pieces_after_a_pipelined_one(origin, larder):
    origin.on("/cached/x", reply(body=b"x"))
    second = request_bytes("GET", "/cached/x")
    with larder.connect() as client:
        client.send(request_bytes("GET", "/cached/x") + second[:20])
        assert client.read_response().body == b"x"
        client.send(second[20:])
        assert client.read_response().body == b"x"


def test_empty_lines_before_a_request_are_overlooked(origin, larder):
    origin.on("/x", reply(body=b"x"))
    with larder.connect() as client:
        client.send(b"\r\n" + request_bytes("GET", "/x"))
        assert client.read_response().body == b"x"


@pytest.mark.parametrize("place", ["/x", "/cached/x"])
def test_connection_close_is_obeyed(origin, larder, place):
    origin.on(place, reply(body=b"x"))
    larder.get(place)
    with larder.connect() as client:
        response = client.get(place, {"Connection": "close"})
        assert response.field("connection") == "close"
        assert client.is_closed_by_peer()


@pytest.mark.parametrize("place", ["/x", "/cached/x"])
def test_http_1_0_closes_unless_asked_to_stay(origin, larder, place):
    origin.on(place, reply(body=b"x"))
    larder.get(place)
    with larder.connect() as client:
        assert client.get(place, version="1.0").body == b"x"
        assert client.is_closed_by_peer()
    with larder.connect() as client:
        response = client.get(place, {"Connection": "keep-alive"}, version="1.0")
        assert response.field("connection").lower() == "keep-alive"
        assert client.get(place, {"Connection": "keep-alive"}, version="1.0").body == b"x"


def test_a_half_closed_client_gets_its_answer(origin, larder):
    gate = Gate()
    origin.on("/x", reply(body=b"x").after(gate))
    with larder.connect() as client:
        client.send(request_bytes("GET", "/x", {"Connection": "close"}))
        client.finish_sending()
        gate.wait_for(1)
        gate.open()
        assert client.read_response().body == b"x"


@pytest.mark.parametrize("place", ["/x", "/cached/x"])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_an_end_that_came_with_the_request_is_seen_once_it_is_answered(origin, larder, place, before):
    origin.on(place, reply(body=b"x"))
    larder.get(place)
    with larder.connect() as client:
        for _ in range(before):
            client.get(place)
        client.send(request_bytes("GET", place))
        client.finish_sending()
        assert client.read_response().body == b"x"
        assert client.is_closed_by_peer()


def test_an_origin_connection_that_ended_while_idle_costs_no_request(origin, larder):
    origin.on("/x", reply(body=b"x"))
    for _ in range(10):
        assert larder.get("/x").status == 200
        origin.close_connections()
        until(lambda: origin.open_connections() == 0)


def test_a_request_that_met_a_dying_connection_is_sent_again_where_that_is_safe(origin, larder):
    origin.on("GET /x", reply(body=b"first"), raw(cut), reply(body=b"again"))
    client = larder.connect()  # one connection is one worker, and so the kept connection of that worker
    assert client.get("/x").body == b"first"
    assert client.get("/x").body == b"again"
    client.close()


def test_a_write_is_never_sent_twice(origin, larder):
    origin.on("GET /x", reply(body=b"first"))
    origin.on("POST /x", raw(cut))
    larder.get("/x")
    assert larder.request("POST", "/x", body=b"once").status == 502
    assert origin.count("POST /x") == 1


def test_an_origin_that_closes_is_not_asked_again_on_that_connection(origin, larder):
    origin.on("/x", raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"))
    assert [larder.get("/x").body for _ in range(5)] == [b"x"] * 5
    assert len({request.connection for request in origin.requests("/x")}) == 5


def test_requests_at_once_each_have_a_connection_and_leave_it_to_the_next(origin, larder):
    gate = Gate()
    origin.on("/x", reply(body=b"x").after(gate))
    answers = Later(all_at_once, 50, lambda _: larder.get("/x").body)
    gate.wait_for(50)
    gate.open()
    assert answers.finish() == [b"x"] * 50
    seen = origin.connections_seen
    assert [larder.get("/x").body for _ in range(20)] == [b"x"] * 20
    assert origin.connections_seen == seen


def test_origin_connections_can_be_limited(origin, wire):
    gate = Gate()
    origin.on("/x", reply(body=b"x").after(gate))
    larder = wire(origin_text="{servers: [%s], max_connections: 4}" % origin.url)
    answers = Later(all_at_once, 20, lambda _: larder.get("/x").status)
    gate.wait_for(4)
    time.sleep(0.3)
    assert gate.arrived == 4 and origin.open_connections() == 4, "the others wait for one to become free"
    gate.open()
    assert answers.finish() == [200] * 20


def test_five_hundred_idle_connections_do_not_disturb(origin, larder):
    origin.on("/cached/x", reply(body=b"x"))
    idle = [larder.connect() for _ in range(500)]
    try:
        for client in idle[::50]:
            assert client.get("/cached/x").body == b"x"
        assert larder.get("/cached/x").x_cache == "HIT"
        until(lambda: larder.metrics().total("larder_client_connections") >= 500)
    finally:
        for client in idle:
            client.close()
    until(lambda: larder.metrics().total("larder_client_connections") <= 5)
