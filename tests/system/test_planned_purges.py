"""`settle` and writes of unknown outcome where the process that planned the second purge dies before it."""
import os
import signal
import time

import pytest

from support.scripted_origin import hang, raw, reply
from support.waiting import until

TEXT = """\
listen: <listen>
admin: <admin>
origin: {servers: [<origin>], response_timeout: 300ms}
redis: <redis>
memory: <memory>
routes:
  - {match: "GET /items/{id}", key: "items:{id}", ttl: 600, stale_if_error: 600, tags: ["all"]}
  - {match: "PUT /items/{id}", purge: ["items:{id}"], settle: 1500ms}
  - {match: "POST /items", purge: ["items:*"], settle: 1500ms}
  - {match: "DELETE /items/{id}", purge: ["items:{id}"]}
"""
MEMORY = pytest.mark.parametrize("memory", ["off", "64MB"])


def ttl(answer):
    return int(answer.cache_status.split("ttl=")[1].split(";")[0])


@MEMORY
@pytest.mark.parametrize("write", ["PUT /items/1", "POST /items"])
def test_what_another_instance_stores_meanwhile_ends_with_the_time(origin, redis, articles_larder, memory, write):
    method, target = write.split()
    origin.on(write, reply(body=b"{}"))
    origin.on("GET /items/1", reply(fields={"ETag": '"1"'}, body=b"old"))
    writer, reader = (articles_larder(origin, redis, memory, text=TEXT) for _ in range(2))
    assert writer.request(method, target, body=b"{}").status == 200
    written = time.monotonic()
    until(lambda: reader.get("/items/1").x_cache == "HIT")
    assert ttl(reader.get("/items/1")) <= 1
    writer.kill()
    origin.on("GET /items/1", reply(fields={"ETag": '"2"'}, body=b"new"))
    until(lambda: reader.get("/items/1").body == b"new", timeout=3, what="the end of the old answer")
    assert time.monotonic() - written > 1


def test_a_confirmed_entry_ends_with_the_time_too(origin, redis, articles_larder):
    origin.on("PUT /items/1", reply(body=b"{}"))
    origin.on("GET /items/1", reply(fields={"ETag": '"1"', "Cache-Control": "max-age=1"}, body=b"old"))
    writer, reader = (articles_larder(origin, redis, "64MB", text=TEXT) for _ in range(2))
    writer.request("PUT", "/items/1", body=b"{}")
    until(lambda: reader.get("/items/1").x_cache == "HIT")
    origin.on("GET /items/1", reply("304 Not Modified", fields={"ETag": '"1"', "Cache-Control": "max-age=600"}))
    until(lambda: reader.get("/items/1").x_cache == "REVALIDATED", timeout=3)
    writer.kill()
    origin.on("GET /items/1", reply(fields={"ETag": '"2"'}, body=b"new"))
    until(lambda: reader.get("/items/1").body == b"new", timeout=3, what="the end of the confirmed answer")


@MEMORY
def test_what_is_stored_after_a_write_of_unknown_outcome_ends_with_its_last_purge(
    origin, redis, articles_larder, memory
):
    origin.on("DELETE /items/1", raw(hang))
    origin.on("GET /items/1", reply(body=b"old"))
    writer, reader = (articles_larder(origin, redis, memory, text=TEXT) for _ in range(2))
    assert writer.request("DELETE", "/items/1").status == 504
    until(lambda: reader.get("/items/1").x_cache == "HIT")
    assert ttl(reader.get("/items/1")) <= 10
    writer.kill()
    origin.on("GET /items/1", reply(body=b"new"))
    until(lambda: reader.get("/items/1").body == b"new", timeout=12, what="the end of the old answer")


STATE_TEXT = TEXT.replace("1500ms", "<settle>") + "state: <state>\nlimits: {drain_timeout: 200ms}\n"
END = pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])


@pytest.fixture
def keeping(origin, start_larder, state):
    """A larder that keeps what it has planned; redis: None without one."""

    def start(redis, memory="64MB", settle="4s"):
        where = redis.url if redis else "off"
        larder = start_larder(STATE_TEXT, origin=origin.url, redis=where, memory=memory, settle=settle, state=state)
        if redis:
            larder.wait_for_redis()
        return larder

    return start


def read_old_then_new(origin, larder, within):
    """Stores the old answer; once the origin has the new one, it must be seen."""
    until(lambda: larder.get("/items/1").x_cache == "HIT", what="the old answer in the cache")
    assert larder.get("/items/1").body == b"old"
    origin.on("GET /items/1", reply(body=b"new"))
    until(lambda: larder.get("/items/1").body == b"new", timeout=within, what="the purge that was planned")
    until(lambda: larder.get("/items/1").x_cache == "HIT", what="the new answer in the cache")


@END
@pytest.mark.parametrize("memory", ["off", "64MB", "without Redis"])
def test_the_next_process_makes_the_purge_at_the_end_of_settle(origin, redis, keeping, memory, number):
    origin.on("PUT /items/1", reply(body=b"{}"))
    origin.on("GET /items/1", reply(body=b"old"))
    larder = keeping(None) if memory == "without Redis" else keeping(redis, memory)
    assert larder.request("PUT", "/items/1", body=b"{}").status == 200
    larder.restart(number)
    read_old_then_new(origin, larder, within=6)


@END
def test_the_next_process_purges_again_for_a_write_of_unknown_outcome(origin, redis, keeping, number):
    origin.on("DELETE /items/1", raw(hang))
    origin.on("GET /items/1", reply(body=b"old"))
    larder = keeping(redis)
    assert larder.request("DELETE", "/items/1").status == 504
    larder.restart(number)
    read_old_then_new(origin, larder, within=7)


def test_what_was_due_while_nothing_ran_is_purged_before_anything_is_served(origin, redis, keeping, articles_larder):
    origin.on("PUT /items/1", reply(body=b"{}"))
    origin.on("GET /items/1", reply(body=b"old"))
    larder = keeping(redis, settle="100ms")
    larder.request("PUT", "/items/1", body=b"{}")
    larder.process.signal(signal.SIGKILL)
    larder.process.wait(5)
    killed = time.monotonic()
    other = articles_larder(origin, redis, "off", text=TEXT)
    until(lambda: other.get("/items/1").x_cache == "HIT")
    origin.on("GET /items/1", reply(body=b"new"))
    assert other.get("/items/1").body == b"old"
    until(lambda: time.monotonic() > killed + 0.3, what="the time of the purge")
    larder.start()
    assert larder.get("/items/1").body == b"new"


def test_a_plan_survives_a_hand_over_and_the_kill_of_the_new_process(origin, redis, keeping):
    origin.on("PUT /items/1", reply(body=b"{}"))
    origin.on("GET /items/1", reply(body=b"old"))
    larder = keeping(redis, settle="8s")
    larder.request("PUT", "/items/1", body=b"{}")
    larder.hand_over()
    larder.process.wait(20)
    os.kill(larder.successor, signal.SIGKILL)
    until(lambda: not larder.successors())
    larder.successor = None
    larder.start()
    read_old_then_new(origin, larder, within=10)


def test_nothing_is_kept_of_purges_that_were_made(origin, redis, keeping, state):
    origin.on("PUT /items/1", reply(body=b"{}"))
    larder = keeping(redis, settle="200ms")
    larder.request("PUT", "/items/1", body=b"{}")
    assert b"kh items:1" in (state / "planned").read_bytes()
    until(lambda: larder.metrics().total("larder_purges_total", source="write") == 2, what="the purge after settle")
    larder.restart()
    kept = (state / "planned").read_bytes().splitlines()
    assert kept[0] == b"larder planned 1" and len(kept) == 2 and b"rules " in kept[1]
    assert "planned" not in larder.log()


def test_a_damaged_file_of_plans_is_answered_by_purging_everything(origin, redis, keeping, state):
    origin.on("GET /items/1", reply(body=b"old"))
    larder = keeping(redis)
    until(lambda: larder.get("/items/1").x_cache == "HIT")
    larder.process.signal(signal.SIGKILL)
    larder.process.wait(5)
    (state / "planned").write_text("what is this")
    origin.on("GET /items/1", reply(body=b"new"))
    larder.start()
    assert larder.get("/items/1").body == b"new"
    assert "planned is damaged: it was renamed to" in larder.log()
    assert len(list(state.glob("planned.damaged-*"))) == 1
