"""A hand-over without Redis in which one of the two processes stops for a while: when it goes on, it must not answer from
its memory tier before it has heard of the writes that the other one has answered meanwhile."""
import os
import signal
import time

import pytest

from support import raw_client
from support.scripted_origin import Gate, kept_open, reply
from support.versioned_api import VersionedApi
from support.waiting import Later, until

TEXT = """\
listen: <listen>
admin: <admin>
origin: <origin>
redis: off
memory: 64MB
threads: 2
limits: {drain_timeout: 20s}
routes:
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 300}
  - {match: "PUT /articles/{id}", purge: ["articles:{id}"]}
"""
TARGET = "/articles/42"
READERS = 40  # so that some are answered before the process has read what the other one has sent
PURGES = 8  # of many keys each: they keep the reader of the channel busy for some milliseconds


@pytest.fixture
def api(origin):
    return VersionedApi(origin)


@pytest.fixture
def alone(origin, api, start_larder):
    larder = start_larder(TEXT, origin=origin.url)
    assert larder.get(TARGET).json()["version"] == 0
    assert larder.get(TARGET).x_cache == "HIT"
    return larder


def hits(larder):
    return larder.get(TARGET).x_cache == "HIT"


def ask(connections):
    for connection in connections:
        connection.send(f"GET {TARGET} HTTP/1.1\r\nHost: api.test\r\n\r\n".encode())


def versions(connections):
    return {connection.read_response("GET").json()["version"] for connection in connections}


@pytest.mark.parametrize("attempt", range(3))
def test_the_new_process_that_stopped_answers_nothing_from_before_a_write(origin, api, alone, attempt):
    gate = Gate()

    def write(_):
        gate.pass_through()
        api.version += 1
        return reply(body={"version": api.version})

    origin.on("PUT " + TARGET, write)
    writer = Later(alone.request, "PUT", TARGET)
    gate.wait_for()
    admins = [raw_client.Connection(alone.admin_port) for _ in range(PURGES)]
    for admin in admins:
        assert admin.get("/healthz").status == 200
    alone.hand_over()
    assert alone.get(TARGET).json()["version"] == 0 and hits(alone)
    readers = [alone.connect() for _ in range(READERS)]
    ask(readers)
    assert versions(readers) == {0}
    os.kill(alone.successor, signal.SIGSTOP)
    names = {"keys": [f"other:{number}" for number in range(1000)]}
    purges = [Later(admin.request, "POST", "/purge", body=names) for admin in admins]
    gate.open()
    assert writer.finish().status == 200
    for purge in purges:
        assert purge.finish().status == 200
    ask(readers)
    os.kill(alone.successor, signal.SIGCONT)
    assert versions(readers) == {1}
    # It answers from memory again once the old process has ended.
    until(lambda: not alone.process.is_running(), what="the end of the old process")
    until(lambda: hits(alone), what="an answer from memory")
    assert alone.get(TARGET).json()["version"] == 1


def started_by(process):
    """Process ids of those that the main thread of the process has started."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
        return [int(word) for word in children.read().split()]


def wait_for_the_group(larder):
    until(larder.successors, what="the new process")


def wait_for_the_process(larder):
    """Until it was started, and has heard nothing yet."""
    deadline = time.monotonic() + 10
    while not started_by(larder.process) and time.monotonic() < deadline:
        pass


@pytest.mark.parametrize("begin", [wait_for_the_process, wait_for_the_group])
def test_the_old_process_that_stopped_answers_nothing_from_before_a_write(api, alone, begin):
    readers = [alone.connect() for _ in range(READERS)]
    ask(readers)
    assert versions(readers) == {0}
    serving = alone.log().count(" serves with ")
    old = alone.process
    old.signal(signal.SIGUSR2)
    begin(alone)
    os.kill(old.pid, signal.SIGSTOP)
    until(lambda: alone.log().count(" serves with ") > serving, timeout=30, what="the new process in service")
    alone.successor = alone.successors()[0]
    # The stopped process still has the listening sockets too, and takes a part of the connections.
    until(lambda: alone.request("PUT", TARGET, timeout=1).status == 200, timeout=20, what="a write through the new process")
    written = api.version
    ask(readers)
    os.kill(old.pid, signal.SIGCONT)
    assert min(versions(readers)) >= written
    until(lambda: not old.is_running(), what="the end of the old process")
    until(lambda: hits(alone), what="an answer from memory")


def test_writes_through_the_old_process_are_seen_by_a_new_one_that_it_gave_up(origin, api, alone):
    gates = [Gate() for _ in range(3)]
    turns = iter(gates)

    def write(_):
        next(turns).pass_through()
        api.version += 1
        return reply(body={"version": api.version})

    origin.on("PUT " + TARGET, write)
    writers = []
    for gate in gates:
        writers.append(Later(alone.request, "PUT", TARGET))
        gate.wait_for()
    alone.hand_over()
    assert alone.get(TARGET).json()["version"] == 0 and hits(alone)
    os.kill(alone.successor, signal.SIGSTOP)
    gates[0].open()
    assert writers[0].finish().status == 200  # the channel ends here
    os.kill(alone.successor, signal.SIGCONT)
    until(lambda: "counts as gone" in alone.log(), what="the end of the channel")
    assert alone.get(TARGET).json()["version"] == 1
    for number in (1, 2):
        assert not hits(alone)
        gates[number].open()
        assert writers[number].finish().status == 200
        assert alone.get(TARGET).json()["version"] == number + 1
    until(lambda: not alone.process.is_running(), what="the end of the old process")
    until(lambda: hits(alone), what="an answer from memory")
    assert alone.get(TARGET).json()["version"] == 3


def test_both_processes_answer_from_memory_while_they_hear_of_each_other(origin, alone):
    gate, slow = kept_open(origin, alone)
    alone.hand_over()
    alone.get(TARGET)
    counted = [hits(alone) for _ in range(400)]
    assert all(counted), counted.count(False)
    gate.open()
    slow.finish()


def test_the_old_process_trusts_its_memory_again_when_the_new_one_has_died_in_its_start(alone):
    good = open(alone.config_file).read()
    alone.write_config("routs: []\n")
    alone.process.signal(signal.SIGUSR2)
    until(lambda: "ended early" in alone.log(), what="the early end")
    assert hits(alone)  # nothing was forgotten
    alone.write_config(good)
