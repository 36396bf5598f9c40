"""Entries that never expire while they are asked for, and what clients are told of them."""
import select
import socket
import struct
import time

import pytest

from support.ports import HOST
from support.raw_client import request_bytes
from support.scripted_origin import Gate, reply
from support.waiting import Later, until


SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the module socket has no name for it


def numbered():
    """Replies 1, 2, 3, ..."""
    counter = iter(range(1, 10_000))
    return lambda request: reply(body=str(next(counter)))


def test_a_hit_refreshes_what_nears_its_end(origin, wire):
    larder = wire(route="ttl: 2s, refresh_ahead: 60%")
    origin.on("/cached/x", numbered())
    assert larder.get("/cached/x").x_cache == "MISS"
    seen = set()

    def asked_anew():
        answer = larder.get("/cached/x")
        seen.add(answer.x_cache)
        return int(answer.body) >= 4

    until(asked_anew, timeout=20)
    assert seen == {"HIT"}
    metrics = larder.metrics_once("larder_refresh_ahead_total", 3, path="/cached/{name}")
    assert metrics.total("larder_refresh_ahead_total") == origin.count("/cached/x") - 1


def test_no_hit_waits_for_the_refresh_and_there_is_one(origin, wire):
    larder = wire(route="ttl: 4s, refresh_ahead: 95%")
    gate = Gate()
    origin.on("/cached/x", reply(body=b"old"), reply(body=b"new").after(gate))
    larder.get("/cached/x")
    until(lambda: (larder.get("/cached/x"), gate.arrived)[1] == 1)
    for _ in range(20):
        answer = larder.get("/cached/x")
        assert (answer.x_cache, answer.body) == ("HIT", b"old")
    gate.open()
    until(lambda: larder.get("/cached/x").body == b"new")
    assert origin.count("/cached/x") == 2


def timed(connected):
    """The socket, so that the kernel notes when what it receives came."""
    connected.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    connected.settimeout(10)
    return connected


def times_are_noted():
    """The kernel begins a moment after the first socket asks for it."""
    with socket.create_server((HOST, 0)) as server, timed(socket.create_connection(server.getsockname())) as receiver:
        with server.accept()[0] as sender:
            sender.sendall(b"x")
            return bool(receiver.recvmsg(1, 256)[1])


def receive_timed(connected):
    """One message, with the nanosecond at which its last piece came."""
    data, at = b"", 0
    while not data.endswith((b"\r\n\r\nx", b"\r\n\r\n")):
        piece, notes, _, _ = connected.recvmsg(65536, 256)
        assert piece
        data += piece
        if notes:
            seconds, nanoseconds = struct.unpack("qq", notes[0][2])
            at = seconds * 10**9 + nanoseconds
    return data, at


@pytest.mark.parametrize(
    "route",
    ["ttl: 20s, refresh_ahead: 99%", "ttl: 1s, stale_while_revalidate: 60s", "ttl: 60, audit: 100%"],
    ids=["ahead", "stale", "audit"],
)
def test_a_hit_is_answered_before_the_request_that_it_leads_to_is_sent(wire, scene, route):
    """The kernel's own times tell which of two messages of one thread came first."""
    listener = socket.create_server((HOST, 0))
    larder = wire(origin_text=f"http://{HOST}:{listener.getsockname()[1]}", route=route)
    with timed(socket.create_connection((HOST, larder.port))) as client:
        until(times_are_noted)
        client.sendall(request_bytes("GET", "/cached/x"))
        origin = timed(listener.accept()[0])
        receive_timed(origin)
        origin.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
        assert b"MISS" in receive_timed(client)[0]

        def led_to_a_request():
            client.sendall(request_bytes("GET", "/cached/x"))
            answer, answered_at = receive_timed(client)
            if not select.select([origin, listener], [], [], 0.05)[0]:
                return None
            return answer, answered_at

        answer, answered_at = until(led_to_a_request)
        assert b"X-Cache: HIT" in answer or b"X-Cache: UPDATING" in answer
        assert select.select([origin], [], [], 5)[0], "over the same connection"
        assert receive_timed(origin)[1] > answered_at > 0
        origin.close()
    listener.close()


def test_an_entry_whose_refresh_fails_lives_on_and_is_not_asked_for_again_and_again(origin, wire):
    larder = wire(route="ttl: 5s, refresh_ahead: 99%")
    origin.on("/cached/x", reply(body=b"good"), reply("500 Oops", body=b"bad"))
    larder.get("/cached/x")
    until(lambda: (larder.get("/cached/x"), origin.count("/cached/x"))[1] >= 2)
    for _ in range(50):
        answer = larder.get("/cached/x")
        assert (answer.x_cache, answer.body) == ("HIT", b"good")
    assert origin.count("/cached/x") <= 3  # one try of each worker


def test_requests_with_conditions_refresh_too(origin, wire):
    larder = wire(route="ttl: 3s, refresh_ahead: 95%")
    origin.on("/cached/x", reply(fields={"ETag": '"a"'}, body=b"x"), reply("304 Not Modified", {"ETag": '"a"'}))
    larder.get("/cached/x")
    words = set()

    def refreshed():
        words.add(larder.get("/cached/x", {"If-None-Match": '"a"'}).x_cache)
        return origin.count("/cached/x") == 2

    until(refreshed)
    assert words == {"HIT"}
    assert origin.requests("/cached/x")[1].field("if-none-match") == '"a"'


def test_a_request_whose_answer_is_not_for_all_refreshes_nothing(origin, wire):
    larder = wire(route="refresh_ahead: 99%, client_no_cache: honour")
    origin.on("/cached/x", reply(fields={"Cache-Control": "public, max-age=20"}, body=b"x"))
    larder.get("/cached/x")
    time.sleep(0.3)  # more than the first hundredth of its life
    for fields in ({"Authorization": "a"}, {"Cache-Control": "no-store"}, {"Cache-Control": "only-if-cached"}):
        assert larder.get("/cached/x", fields).x_cache == "HIT"
    assert larder.request("HEAD", "/cached/x").x_cache == "HIT"
    assert larder.metrics().total("larder_refresh_ahead_total") == 0
    until(lambda: (larder.get("/cached/x"), origin.count("/cached/x"))[1] == 2)
    assert origin.requests("/cached/x")[1].field("authorization") is None


def test_a_purge_ends_a_refresh_under_way(origin, wire):
    larder = wire(route="ttl: 5s, refresh_ahead: 99%")
    gate = Gate()
    origin.on("GET /cached/x", reply(body=b"1"), reply(body=b"2").after(gate), reply(body=b"3"))
    origin.on("PUT /cached/x", reply())
    larder.get("/cached/x")
    until(lambda: (larder.get("/cached/x"), gate.arrived)[1] == 1)
    larder.request("PUT", "/cached/x", body=b"")
    assert larder.get("/cached/x").body == b"3"
    gate.open()
    for _ in range(5):
        assert larder.get("/cached/x").body == b"3"


def test_jitter_spreads_the_ends_of_what_came_together(origin, wire):
    larder = wire(route="ttl: 100s, jitter: 50%")
    left = set()
    for i in range(30):
        origin.on(f"/cached/{i}", reply(body=b"x"))
        larder.get(f"/cached/{i}")
        status = larder.get(f"/cached/{i}").field("cache-status")
        left.add(int(status.split("ttl=")[1].split(";")[0]))
    assert min(left) >= 48 and max(left) <= 100 and len(left) > 10


@pytest.mark.parametrize("own", [{"Cache-Control": "max-age=50", "Expires": "0", "Age": "7"}, {}], ids=["own", "none"])
def test_clients_are_told_the_routes_cache_control(origin, wire, own):
    larder = wire(route='ttl: 60, client_cache_control: "no-cache"')
    origin.on("/cached/x", reply(fields={**own, "ETag": '"a"'}, body=b"x"))
    for word in ("MISS", "HIT"):
        answer = larder.get("/cached/x")
        assert answer.x_cache == word
        assert answer.all("cache-control") == ["no-cache"]
        assert (answer.field("expires"), answer.field("age")) == (None, None)
    same = larder.get("/cached/x", {"If-None-Match": '"a"'})
    assert (same.status, same.all("cache-control"), same.field("age")) == (304, ["no-cache"], None)
    part = larder.get("/cached/x", {"Range": "bytes=0-0"})
    assert (part.status, part.all("cache-control"), part.field("age")) == (206, ["no-cache"], None)


def test_what_is_not_stored_keeps_the_origins_cache_control(origin, wire):
    larder = wire(route='ttl: 60, client_cache_control: "no-cache"')
    origin.on("/cached/x", reply(fields={"Cache-Control": "private, max-age=5"}, body=b"x"))
    origin.on("/cached/y", reply("404 Not Found", {"Cache-Control": "no-store"}))
    origin.on("/other", reply(fields={"Cache-Control": "max-age=9"}))
    for _ in range(3):
        assert larder.get("/cached/x").all("cache-control") == ["private, max-age=5"]
    assert larder.get("/cached/y").all("cache-control") == ["no-store"]
    assert larder.get("/other").all("cache-control") == ["max-age=9"]


def test_a_renewed_entry_lives_by_the_origins_word(origin, wire):
    larder = wire(route='client_cache_control: "no-cache"')
    kept = {"Cache-Control": "max-age=2", "ETag": '"a"'}
    origin.on("/cached/x", reply(fields=kept, body=b"x"), reply("304 Not Modified", {"ETag": '"a"'}))
    larder.get("/cached/x")
    until(lambda: larder.get("/cached/x").x_cache == "REVALIDATED")
    answer = larder.get("/cached/x")
    assert (answer.x_cache, answer.all("cache-control"), answer.body) == ("HIT", ["no-cache"], b"x")


def test_etag_on_gives_the_cache_a_validator(origin, wire):
    larder = wire(route="ttl: 60, etag: on")
    origin.on("/cached/x", reply(body=b"0123456789"))
    assert larder.get("/cached/x").field("etag") is None
    tag = larder.get("/cached/x").field("etag")
    assert tag.startswith('"') and tag.endswith('"')
    assert larder.request("HEAD", "/cached/x").field("etag") == tag
    assert larder.get("/cached/x", {"If-None-Match": tag}).status == 304
    assert larder.get("/cached/x", {"If-None-Match": '"other"'}).status == 200
    part = larder.get("/cached/x", {"Range": "bytes=2-4", "If-Range": tag})
    assert (part.status, part.body) == (206, b"234")
    assert larder.get("/cached/x", {"Range": "bytes=2-4", "If-Range": '"other"'}).status == 200


def test_the_origin_is_not_asked_about_a_tag_that_larder_made(origin, wire):
    larder = wire(route="ttl: 1s, etag: on")
    origin.on("/cached/x", reply(body=b"same"))
    larder.get("/cached/x")
    tag = larder.get("/cached/x").field("etag")
    until(lambda: larder.get("/cached/x").x_cache == "EXPIRED")
    assert all(asked.field("if-none-match") is None for asked in origin.requests("/cached/x"))
    assert larder.get("/cached/x").field("etag") == tag


def test_an_etag_of_the_origins_stays(origin, wire):
    larder = wire(route="ttl: 60, etag: on")
    origin.on("/cached/x", reply(fields={"ETag": 'W/"own"'}, body=b"x"))
    larder.get("/cached/x")
    assert larder.get("/cached/x").all("etag") == ['W/"own"']


def test_a_ttl_counts_from_the_moment_the_response_came(origin, wire):
    """A slow origin whose Date is from before its work."""
    larder = wire(route="ttl: 3s")
    gate = Gate()
    origin.on("/cached/x", reply(fields={"Age": "100"}, body=b"x").after(gate))
    first = Later(lambda: larder.get("/cached/x"))
    gate.wait_for()
    time.sleep(1.2)  # the origin's own work, which is what this test is about
    gate.open()
    first.finish()
    answer = larder.get("/cached/x")
    assert answer.x_cache == "HIT"
    assert "ttl=3" in answer.field("cache-status") or "ttl=2" in answer.field("cache-status")
