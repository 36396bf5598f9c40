"""Writes whose outcome nobody knows when they are answered: the origin may commit them later."""
import pytest

from support.raw_client import request_bytes
from support.scripted_origin import Gate, cut, hang, raw, reply
from support.versioned_api import VersionedApi
from support.waiting import Later, until

TEXT = """\
listen: <listen>
admin: <admin>
origin: {servers: [<origin>], response_timeout: 300ms, idle_timeout: 1s}
redis: <redis>
memory: <memory>
limits: {drain_timeout: <drain>}
routes:
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 300}
  - {match: "PUT /articles/{id}", purge: ["articles:{id}"]}
"""
TARGET = "/articles/42"


@pytest.fixture
def api(origin):
    return VersionedApi(origin)


@pytest.fixture
def larder(origin, api, start_larder):
    return start_larder(TEXT, origin=origin.url, redis="off", memory="64MB", drain="5s")


def version(larder, target=TARGET):
    return larder.get(target).json()["version"]


def kept_from_before(larder, target=TARGET):
    """Reads, so that what the origin has before it commits is stored."""
    assert version(larder, target) == 0
    assert larder.get(target).x_cache == "HIT"


def misses(larder):
    return larder.get(TARGET).x_cache == "MISS"


def test_a_write_that_is_committed_a_second_after_its_504_is_seen(origin, api, larder):
    origin.on("PUT " + TARGET, raw(hang))
    assert larder.request("PUT", TARGET).status == 504
    kept_from_before(larder)
    api.version = 1
    until(lambda: version(larder) == 1, timeout=4, what="the purge after 2 s")
    api.version = 2
    until(lambda: version(larder) == 2, timeout=10, what="the purge after 10 s")


def purges(larder):
    return larder.admin("GET", "/purges").json()["purges"]


def test_a_repeat_stands_in_the_record_as_the_purge_did(origin, api, larder):
    origin.on("PUT " + TARGET, raw(hang))
    assert larder.request("PUT", TARGET).status == 504
    until(lambda: len(purges(larder)) == 2, timeout=4, what="the purge after 2 s")
    again, first = purges(larder)
    assert (first["repeat"], again["repeat"]) == (False, True)
    for name in ("source", "who", "token", "route", "keys", "patterns", "tags", "urls", "soft", "acknowledged"):
        assert again[name] == first[name], name
    assert (first["source"], first["who"], first["route"]) == ("write", "127.0.0.1", "PUT /articles/{id}")
    assert "articles:42" in first["keys"] and first["time"] < again["time"]
    assert larder.log().count("purge source=write") == 2
    assert larder.metrics().total("larder_purges_total", source="write") == 2


def test_the_answer_that_comes_after_its_504_purges_what_it_says(origin, api, larder):
    gate = Gate()
    committed = reply("201 Created", fields={"Location": "/articles/7"}, body=b"{}").after(gate)
    origin.on("PUT " + TARGET, committed)
    assert larder.request("PUT", TARGET).status == 504
    kept_from_before(larder)
    until(lambda: misses(larder), timeout=4, what="the purge after 2 s")
    kept_from_before(larder)
    kept_from_before(larder, "/articles/7")
    api.version = 1
    gate.open()
    until(lambda: version(larder) == 1, timeout=2, what="the purge by the late answer")
    assert version(larder, "/articles/7") == 1


@pytest.mark.parametrize(
    "answer, status",
    [
        (raw(cut), 502),
        (raw(b"HTTP/1.1 2xx ?\r\n\r\n", cut), 502),
        (reply("502 Bad Gateway"), 502),
        (reply("503 Service Unavailable"), 503),
        (reply("504 Gateway Timeout"), 504),
    ],
)
def test_a_write_that_may_have_been_done_is_purged_once_more(origin, api, larder, answer, status):
    origin.on("PUT " + TARGET, answer)
    assert larder.request("PUT", TARGET).status == status
    kept_from_before(larder)
    api.version = 1
    until(lambda: version(larder) == 1, timeout=4, what="the purge after 2 s")


def test_a_write_whose_answer_was_cut_off_is_purged_at_once_and_once_more(origin, api, larder):
    gate = Gate()  # a body of up to 64 KB is waited for before anything is sent
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 100000
    origin.on("PUT " + TARGET, raw(half, gate, cut))
    with larder.connect() as writer:
        writer.send(request_bytes("PUT", TARGET))
        writer.read_head()
        kept_from_before(larder)
        gate.open()
        with pytest.raises(ConnectionResetError):
            writer.read_to_end()
    until(lambda: misses(larder), timeout=1, what="the purge at the cut")
    api.version = 1
    until(lambda: version(larder) == 1, timeout=4, what="the purge after 2 s")


def test_a_write_whose_short_answer_was_cut_off_is_purged_once_more(origin, api, larder):
    origin.on("PUT " + TARGET, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", cut))
    with larder.connect() as writer:
        writer.send(request_bytes("PUT", TARGET))
        with pytest.raises(ConnectionResetError):
            writer.read_to_end()
    kept_from_before(larder)
    api.version = 1
    until(lambda: version(larder) == 1, timeout=4, what="the purge after 2 s")


def test_a_write_whose_client_left_in_mid_upload_is_purged_once_more(origin, api, larder):
    origin.on("PUT " + TARGET, reply(body=b"{}"))
    with larder.connect() as writer:
        writer.send(f"PUT {TARGET} HTTP/1.1\r\nHost: api.test\r\nContent-Length: 100\r\n\r\nhalf".encode())
        origin.wait_for_requests("PUT " + TARGET)
    until(lambda: larder.metrics().total("larder_purges_total", source="write") == 1, what="the purge at once")
    kept_from_before(larder)
    api.version = 1
    until(lambda: version(larder) == 1, timeout=4, what="the purge after 2 s")


def test_a_write_that_never_reached_the_origin_is_not_purged_again(origin, api, larder):
    kept_from_before(larder)
    origin.stop()
    assert larder.request("PUT", TARGET).status == 502
    origin.start()
    kept_from_before(larder)
    hits = Later(lambda: until(lambda: misses(larder), timeout=3))
    with pytest.raises(AssertionError):
        hits.finish()


def test_the_next_process_purges_what_this_one_would_have(origin, api, start_larder):
    larder = start_larder(TEXT, origin=origin.url, redis="off", memory="64MB", drain="1s")
    origin.on("PUT " + TARGET, raw(hang))
    assert larder.request("PUT", TARGET).status == 504
    larder.hand_over()
    kept_from_before(larder)
    api.version = 1
    until(lambda: version(larder) == 1, timeout=4, what="the purge after 2 s")


def test_a_stop_waits_for_the_purge_that_other_instances_need(origin, api, redis, start_larder):
    names = {"origin": origin.url, "redis": redis.url, "memory": "off"}
    stopped = start_larder(TEXT, **names, drain="4s")
    other = start_larder(TEXT, **names, drain="4s")
    for larder in (stopped, other):
        larder.wait_for_redis()
    origin.on("PUT " + TARGET, raw(hang))
    assert stopped.request("PUT", TARGET).status == 504
    stopped.process.signal(15)
    assert version(other) == 0
    until(lambda: other.get(TARGET).x_cache == "HIT", what="the entry in Redis")
    api.version = 1
    until(lambda: version(other) == 1, timeout=4, what="the purge after 2 s")
    assert "not purged in Redis: articles:42" in stopped.wait_for_end()


def kept_after_the_first_repeat(larder, targets, purges):
    """Reads after the purge that comes 2 s after the writes: the next one would come after 10 s.

    purges: how many this process has made by then.
    """
    done = lambda: larder.metrics().total("larder_purges_total", source="write") == purges
    until(done, timeout=4, what="the purges after 2 s")
    for target in targets:
        kept_from_before(larder, target)


def test_a_write_is_purged_again_where_no_connection_is_left_to_wait_for_its_answer(origin, api, start_larder):
    text = TEXT.replace("idle_timeout: 1s", "idle_timeout: 12s, max_connections: 1")
    larder = start_larder(text, origin=origin.url, redis="off", memory="64MB", drain="1s")
    origin.on("PUT " + TARGET, raw(hang))
    assert larder.request("PUT", TARGET).status == 504
    kept_after_the_first_repeat(larder, [TARGET], purges=2)
    api.version = 1
    until(lambda: version(larder) == 1, timeout=5, what="a purge before 10 s are over")
    api.version = 2
    until(lambda: version(larder) == 2, timeout=6, what="the purge after 10 s")
    api.version = 3
    until(lambda: version(larder) == 3, timeout=4, what="the purge at the end of idle_timeout")
    assert larder.log().count("larder does not wait for the late answer") == 1
    assert "max_connections leaves no connection" in larder.log()


def test_the_answers_of_many_writes_are_not_all_awaited_and_none_stays_old(origin, api, start_larder):
    text = TEXT.replace("300ms, idle_timeout: 1s", "1s, idle_timeout: 60s") + "threads: 1\n"
    larder = start_larder(text, origin=origin.url, redis="off", memory="64MB", drain="1s")
    targets, gate = [f"/articles/{i}" for i in range(70)], Gate()
    for target in targets:
        origin.on("GET " + target, lambda request: reply(body={"version": api.version}))
        origin.on("PUT " + target, reply(body=b"{}").after(gate))
    writes = [Later(larder.request, "PUT", target) for target in targets]
    assert {write.finish().status for write in writes} == {504}
    kept_after_the_first_repeat(larder, targets, purges=140)
    api.version = 1
    gate.open()
    seen = lambda: all(larder.get(target).json().get("version") == 1 for target in targets)  # or 504 on a busy machine
    until(seen, timeout=6, what="what was committed")
    assert larder.log().count("it waits for 64 already") == 1


def test_a_write_is_purged_again_after_the_connection_for_its_answer_was_cut(origin, api, start_larder):
    text = TEXT.replace("idle_timeout: 1s", "idle_timeout: 60s")
    larder = start_larder(text, origin=origin.url, redis="off", memory="64MB", drain="1s")
    gate = Gate()
    origin.on("PUT " + TARGET, raw(gate, cut))
    assert larder.request("PUT", TARGET).status == 504
    gate.open()
    kept_after_the_first_repeat(larder, [TARGET], purges=2)
    api.version = 1
    until(lambda: version(larder) == 1, timeout=6, what="a purge before 10 s are over")


def test_the_next_process_goes_on_where_no_answer_is_awaited(origin, api, start_larder):
    text = TEXT.replace("idle_timeout: 1s", "idle_timeout: 60s")
    larder = start_larder(text, origin=origin.url, redis="off", memory="64MB", drain="1s")
    origin.on("PUT " + TARGET, raw(hang))
    assert larder.request("PUT", TARGET).status == 504
    larder.hand_over()
    kept_after_the_first_repeat(larder, [TARGET], purges=1)
    api.version = 1
    until(lambda: version(larder) == 1, timeout=6, what="a purge before 10 s are over")
