"""The rig itself: a client that takes anything, or an origin that hides what it got, would prove nothing."""
import pytest

from support.raw_client import Connection, ConnectionEnded, Malformed, get, request
from support.scripted_origin import Gate, chunked, cut, raw, reply, until_close
from support.waiting import Later, all_at_once, until


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    ],
)
def test_the_client_refuses_a_malformed_response(origin, response):
    origin.on("/x", raw(response, cut))
    with pytest.raises(Malformed):
        get(origin.port, "/x")


def test_the_client_notices_a_response_cut_short(origin):
    origin.on("/x", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", cut))
    with pytest.raises(ConnectionEnded):
        get(origin.port, "/x")


def test_the_origin_records_the_exact_bytes_and_answers_in_turn(origin):
    origin.on("POST /x", reply("201 Created", {"X-A": "1"}, b"one"), reply(body=b"two"))
    with Connection(origin.port) as client:
        first = client.request("POST", "/x?q=1", {"x-odd-Case": "v"}, b"hello")
        client.send(
            b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;e=f\r\nhi\r\n0\r\nT: v\r\n\r\n"
        )
        second = client.read_response()
    assert (first.status, first.body, second.body) == (201, b"one", b"two")
    plain, pieces = origin.requests("POST /x")
    assert (
        plain.head.startswith(b"POST /x?q=1 HTTP/1.1\r\nHost: api.test\r\nx-odd-Case: v\r\n") and plain.body == b"hello"
    )
    assert (
        pieces.wire_body == b"2;e=f\r\nhi\r\n0\r\nT: v\r\n\r\n"
        and pieces.body == b"hi"
        and pieces.trailers == [("T", "v")]
    )
    assert plain.connection == pieces.connection and origin.connections_seen == 1


def test_a_reply_waits_at_its_gate(origin):
    gate = Gate()
    origin.on("/slow", chunked(b"first", gate, b"second", trailers={"X-End": "yes"}))
    with Connection(origin.port) as client:
        client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        client.read_head()
        assert client.read_chunk() == b"first"
        gate.wait_for(1)
        rest = Later(client.read_chunk)
        assert not rest.is_done()
        gate.open()
        assert rest.finish() == b"second"


def test_interim_heads_and_close_delimited_bodies_are_read(origin):
    origin.on("/x", until_close(b"all of it").interim("103 Early Hints", {"Link": "</a>"}))
    response = get(origin.port, "/x")
    assert [head.status for head in response.interim] == [103]
    assert (response.body, response.framing) == (b"all of it", "close")


def test_two_hundred_connections_are_served_together(origin):
    gate = Gate()
    origin.on("/x", reply(body=b"x").after(gate))
    answers = Later(all_at_once, 200, lambda _: get(origin.port, "/x").body)
    gate.wait_for(200)
    gate.open()
    assert answers.finish() == [b"x"] * 200


def test_a_stopped_origin_refuses_and_comes_back(origin):
    origin.on("/x", reply(body=b"x"))
    origin.stop()
    with pytest.raises(OSError):
        get(origin.port, "/x")
    origin.start()
    assert get(origin.port, "/x").status == 200


def test_redis_is_killed_frozen_and_restarted_with_and_without_its_data(redis):
    redis("SET", "a", "1")
    redis.save()
    redis("SET", "b", "2")
    redis.kill()
    redis.start()
    assert redis.keys() == ["a"]
    redis.kill()
    redis.forget_snapshot()
    redis.start()
    assert redis.keys() == []
    redis.freeze()
    answer = Later(redis, "PING")
    redis.thaw()
    assert answer.finish() == b"PONG"


def test_redis_asks_for_its_users_passwords(start_redis):
    redis = start_redis(password="s3cret", acl={"larder": ("pw", "~* &* +@all")})
    from support.redis_server import RedisClient, RedisError

    with pytest.raises(RedisError):
        RedisClient(redis.port)("PING")
    assert RedisClient(redis.port, "larder", "pw")("ACL", "WHOAMI") == b"larder"


def test_the_demo_api_answers_and_logs(demo):
    assert request(demo.port, "GET", "/articles/42").json()["title"] == "Article 42"
    until(lambda: demo.count("GET /articles/42") == 1)
