"""What one process leaves to the next: purges that are owed, purges that are still made, and the state directory."""
import glob
import os
import signal
import time

import pytest

from support import larder as larder_command
from support import raw_client
from support.fault_proxy import FaultProxy
from support.ports import HOST, free_port
from support.scripted_origin import Gate, kept_open, reply
from support.versioned_api import VersionedApi
from support.waiting import Later, until

ROUTES = """\
routes:
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 300}
  - {match: "PUT /articles/{id}", purge: ["articles:{id}"]}
"""
ALONE = "listen: <listen>\nadmin: <admin>\norigin: <origin>\nlimits: {drain_timeout: 20s}\n" + ROUTES
SHARED = (
    """\
listen: <listen>
admin: <admin>
origin: <origin>
redis: {url: "<redis>"}
state: <state>
limits: {drain_timeout: <drain>}
"""
    + ROUTES
)

TARGET = "/articles/42"


def version(connection, target=TARGET):
    return connection.get(target).json()["version"]


def hits(larder, target=TARGET):
    return larder.get(target).x_cache == "HIT"


@pytest.fixture
def api(origin):
    return VersionedApi(origin)


@pytest.fixture
def alone(origin, api, start_larder):
    """A larder without Redis that has an entry."""
    larder = start_larder(ALONE, origin=origin.url)
    assert version(larder) == 0 and hits(larder)
    return larder


def slow_write(origin, api, gate):
    """A PUT that the origin commits, and answers, when the gate is open."""

    def write(_):
        gate.pass_through()
        api.version += 1
        return reply(body={"version": api.version})

    origin.on("PUT " + TARGET, write)


# ---- hand-over without Redis


def test_a_write_that_the_old_process_still_works_on_is_seen_by_the_new_one(origin, api, alone):
    gate = Gate()
    slow_write(origin, api, gate)
    writer = Later(alone.request, "PUT", TARGET)
    gate.wait_for()
    alone.hand_over()
    assert version(alone) == 0 and hits(alone)
    gate.open()
    assert writer.finish().status == 200
    assert version(alone) == 1


def test_a_read_that_began_before_a_write_through_the_old_process_is_not_kept_by_the_new_one(origin, api, alone):
    write_gate, read_gate = Gate(), Gate()
    slow_write(origin, api, write_gate)
    writer = Later(alone.request, "PUT", TARGET)
    write_gate.wait_for()
    alone.hand_over()
    api.before_read = lambda _: read_gate.pass_through()
    reader = Later(version, alone)
    read_gate.wait_for()
    api.before_read = None
    write_gate.open()
    assert writer.finish().status == 200
    assert version(alone) == 1  # it does not join the read from before
    read_gate.open()
    assert reader.finish() == 0
    assert version(alone) == 1


def test_the_old_process_answers_nothing_from_its_memory_once_the_new_one_serves(origin, alone):
    gate, slow = kept_open(origin, alone)
    with alone.connect() as kept:
        assert kept.get(TARGET).x_cache == "HIT"
        alone.hand_over()
        assert alone.request("PUT", TARGET).status == 200
        assert version(kept) == 1
    gate.open()
    assert slow.finish().body == b"slow"


def test_the_old_process_lets_no_read_join_one_from_before_a_write_through_the_new_one(origin, api, alone):
    gate, slow = kept_open(origin, alone)
    read_gate = Gate()
    with alone.connect() as first, alone.connect() as second:
        for kept in (first, second):
            assert kept.get(TARGET).x_cache == "HIT"
        alone.hand_over()
        api.before_read = lambda _: read_gate.pass_through()
        reader = Later(version, first)
        read_gate.wait_for()
        api.before_read = None
        assert alone.request("PUT", TARGET).status == 200
        later = Later(version, second)
        time.sleep(0.2)
        read_gate.open()
        assert (reader.finish(), later.finish()) == (0, 1)
    gate.open()
    slow.finish()


def test_a_purge_through_the_old_process_is_answered_when_the_new_one_has_done_it(origin, alone):
    gate, slow = kept_open(origin, alone)
    with raw_client.Connection(alone.admin_port) as kept:
        assert kept.get("/healthz").status == 200
        alone.hand_over()
        os.kill(alone.successor, signal.SIGSTOP)
        purge = Later(kept.request, "POST", "/purge", body={"keys": ["articles:42"]})
        time.sleep(0.3)
        assert not purge.is_done()
        os.kill(alone.successor, signal.SIGCONT)
        assert purge.finish().status == 200
    gate.open()
    slow.finish()
    assert "counts as gone" not in alone.log()


def test_a_new_process_that_does_not_answer_holds_nobody_up_and_purges_everything(origin, alone):
    gate, slow = kept_open(origin, alone)
    with raw_client.Connection(alone.admin_port) as kept:
        assert kept.get("/healthz").status == 200
        alone.hand_over()
        alone.get(TARGET)
        assert hits(alone)
        os.kill(alone.successor, signal.SIGSTOP)
        purge = kept.request("POST", "/purge", body={"keys": ["articles:7"]})
        assert purge.status == 200 and 0.9 < purge.seconds < 3
        os.kill(alone.successor, signal.SIGCONT)
    until(lambda: not hits(alone), what="the purge of everything")
    gate.open()
    slow.finish()


def test_purges_by_hand_through_the_old_process_reach_the_new_one(origin, alone):
    for number in range(100):
        origin.on(f"GET /articles/{number}", reply(body={"version": number}))
    gate, slow = kept_open(origin, alone)
    with raw_client.Connection(alone.admin_port) as kept:
        assert kept.get("/healthz").status == 200
        alone.hand_over()
        for number in range(100):
            assert alone.get(f"/articles/{number}").x_cache == "MISS" and hits(alone, f"/articles/{number}")
            assert kept.request("POST", "/purge", body={"keys": [f"articles:{number}"]}).status == 200
            assert alone.get(f"/articles/{number}").x_cache == "MISS"
    gate.open()
    slow.finish()


def test_a_new_process_whose_predecessor_was_killed_purges_everything(origin, api, alone):
    gate = Gate()
    slow_write(origin, api, gate)
    writer = Later(alone.request, "PUT", TARGET)
    gate.wait_for()
    alone.hand_over()
    assert version(alone) == 0 and hits(alone)
    alone.process.signal(signal.SIGKILL)
    until(lambda: alone.get(TARGET).x_cache == "MISS", what="the purge of everything")
    until(lambda: hits(alone), what="an answer from memory, once the old process is known to be gone")
    gate.open()  # the origin commits all the same
    until(lambda: version(alone) == 1, timeout=5, what="the purge after 2 s")
    with pytest.raises(Exception):
        writer.finish()
    os.kill(alone.successor, signal.SIGTERM)
    until(lambda: not alone.successors(), what="the end of the successor")
    alone.process.kill()
    alone.process = None


def test_a_new_process_that_dies_early_leaves_the_old_one_its_cache(alone):
    good = open(alone.config_file).read()
    alone.write_config("routs: []\n")
    alone.process.signal(signal.SIGUSR2)
    until(lambda: "ended early" in alone.log(), what="the early end")
    assert hits(alone)
    assert alone.request("PUT", TARGET).status == 200
    assert version(alone) == 1 and hits(alone)
    alone.write_config(good)
    alone.hand_over()
    assert version(alone) == 1


def test_a_second_hand_over_waits_for_the_first(origin, alone):
    gate, slow = kept_open(origin, alone)
    alone.hand_over()
    os.kill(alone.successor, signal.SIGUSR2)
    until(lambda: "handing over when it has ended" in alone.log(), what="the postponement")
    gate.open()
    slow.finish()
    until(lambda: alone.log().count(" serves with ") == 3, what="the third process")
    first = alone.successor
    until(lambda: first not in alone.successors(), what="the end of the second process")
    alone.successor = alone.successors()[0]
    assert version(alone) == 0


# ---- purges that are owed to Redis


@pytest.fixture
def owing(origin, api, redis, state, start_larder):
    """owing(state, drain): a larder that could not purge its entry in Redis, which comes back with it."""

    def start(where="off", drain="300ms"):
        larder = start_larder(SHARED, origin=origin.url, redis=redis.url, state=where, drain=drain)
        larder.wait_for_redis()
        for target in (TARGET, "/articles/7"):
            assert version(larder, target) == 0
            until(lambda: hits(larder, target), what="the entry")
        until(lambda: redis.entries() == ["articles:42", "articles:7"], what="the entries in Redis")
        redis.save()
        redis.kill()
        larder.wait_for_redis(up=False)
        assert larder.request("PUT", TARGET).status == 200
        if where != "off":
            assert b"kh articles:42" in (state / "owed").read_bytes()
        return larder

    return start


def reads_the_write(larder, redis):
    redis.start()
    larder.wait_for_redis()
    return version(larder) == 1


def test_an_owed_purge_survives_a_hand_over(owing, redis):
    larder = owing()
    larder.hand_over()
    until(lambda: not larder.process.is_running(), what="the end of the old process")
    assert reads_the_write(larder, redis)
    assert "not purged" not in larder.log()


def test_a_purge_that_becomes_owed_during_a_hand_over_is_taken_over(scene, origin, api, redis, start_larder):
    way = scene(FaultProxy(redis.port))
    larder = start_larder(SHARED, origin=origin.url, redis=way.url, state="off", drain="5s")
    larder.wait_for_redis()
    assert version(larder) == 0
    until(lambda: redis.entries() == ["articles:42"], what="the entry in Redis")
    gate = Gate()
    slow_write(origin, api, gate)
    writer = Later(larder.request, "PUT", TARGET)
    gate.wait_for()
    larder.hand_over()
    way.hold()
    way.cut()
    larder.wait_for_redis(up=False)
    gate.open()
    assert writer.finish().status == 200
    until(lambda: not larder.process.is_running(), what="the end of the old process")
    way.release()
    larder.wait_for_redis()
    assert version(larder) == 1


def test_a_recent_purge_is_remembered_by_the_next_process(origin, api, redis, start_larder):
    larder = start_larder(SHARED, origin=origin.url, redis=redis.url, state="off", drain="5s")
    larder.wait_for_redis()
    assert version(larder) == 0
    until(lambda: redis.entries() == ["articles:42"], what="the entry in Redis")
    redis.save()
    assert larder.request("PUT", TARGET).status == 200
    larder.hand_over()
    redis.kill()  # and forgets the purge
    larder.wait_for_redis(up=False)
    assert reads_the_write(larder, redis)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_owed_purge_survives_a_restart_where_there_is_state(owing, redis, state, number):
    larder = owing(state)
    larder.restart(number)
    # Redis is another server with older data, and nobody is left who could vouch for it: all of it is fetched anew.
    assert reads_the_write(larder, redis)
    until(lambda: (state / "owed").read_bytes() == b"larder owed 1\n", what="a file without records")


def test_an_owed_purge_survives_a_hand_over_and_a_kill(owing, redis, state):
    larder = owing(state)
    larder.hand_over()
    until(lambda: not larder.process.is_running(), what="the end of the old process")
    assert larder.request("PUT", "/articles/7").status == 200
    os.kill(larder.successor, signal.SIGKILL)
    until(lambda: not larder.successors(), what="the end of the successor")
    larder.successor = None
    larder.start()
    redis.start()
    larder.wait_for_redis()
    assert version(larder) == version(larder, "/articles/7") == 2


def test_a_second_process_on_the_same_state_is_refused(owing, state, redis):
    larder = owing(state)
    arguments = ("serve", "-c", larder.config_file, "--listen", f"{HOST}:{free_port()}", "--admin", "off")
    for _ in range(2):
        done = larder_command.run(*arguments)
        assert done.returncode == 1
        assert f"another larder uses {state}" in done.stderr
        if larder.successor is None:
            larder.hand_over()
            until(lambda: not larder.process.is_running(), what="the end of the old process")
    assert reads_the_write(larder, redis)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-1],
        lambda text: text[:-10] + b"\n",
        lambda text: text.replace(b"articles", b"brticles"),
        lambda text: b"\0" * len(text),
        lambda text: text + b"x",
        lambda text: b"",
    ],
)
def test_a_damaged_file_is_set_aside_and_everything_is_purged(owing, redis, state, damage):
    larder = owing(state)
    larder.process.signal(signal.SIGKILL)
    larder.process.wait(10)
    text = (state / "owed").read_bytes()
    assert b"articles:42" in text
    (state / "owed").write_bytes(damage(text))
    larder.start()
    until(lambda: "is damaged" in larder.log(), what="the damage in the log")
    assert [open(path, "rb").read() for path in glob.glob(str(state / "owed.damaged-*"))] == [damage(text)]
    assert reads_the_write(larder, redis)
    assert larder.get("/articles/7").x_cache == "MISS"


def test_a_stop_without_state_names_what_was_not_purged(owing):
    larder = owing()
    larder.process.signal(signal.SIGTERM)
    assert "not purged in Redis: articles:42" in larder.wait_for_end()


def test_a_stop_delivers_what_is_owed_while_it_may(origin, api, owing, redis, start_larder):
    larder = owing(drain="20s")
    larder.process.signal(signal.SIGTERM)
    until(lambda: "draining" in larder.log(), what="the drain")
    redis.start()
    assert "not purged" not in larder.wait_for_end()
    other = start_larder(SHARED, origin=origin.url, redis=redis.url, state="off", drain="1s")
    other.wait_for_redis()
    assert version(other) == 1
