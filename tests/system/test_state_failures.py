"""The state directory when it cannot be written, was removed, or holds an empty file: nothing counts as kept that is not."""
import os
import shutil
import signal
import subprocess
import time

import pytest

from support.scripted_origin import reply
from support.versioned_api import VersionedApi
from support.waiting import until

TEXT = """\
listen: <listen>
admin: <admin>
origin: <origin>
redis: {url: "<redis>", timeout: 100ms}
state: <state>
limits: {drain_timeout: <drain>}
routes:
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 300}
  - {match: "PUT /articles/{id}", purge: ["articles:{id}"]}
"""
PLANNED_TEXT = """\
listen: <listen>
admin: <admin>
origin: <origin>
redis: off
state: <state>
limits: {drain_timeout: 200ms}
routes:
  - {match: "PUT /items/{id}", purge: ["items:{id}"], settle: 60s}
  - {match: "GET /items/{id}", key: "items:{id}", ttl: 300}
"""
TARGET = "/articles/42"


@pytest.fixture
def full_state(state):
    """fill(): the file system of the directory has no room from now on."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", state], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("needs the right to mount a file system")

    def fill():
        with open(state / "fill", "wb", buffering=0) as filling:
            try:
                while True:
                    filling.write(b"x" * 512)
            except OSError:
                pass

    yield fill
    subprocess.run(["umount", "-l", state], check=True)


@pytest.fixture
def api(origin):
    return VersionedApi(origin)


def version(larder):
    return larder.get(TARGET).json()["version"]


@pytest.fixture
def caching(origin, api, redis, state, start_larder):
    """caching(drain): a larder whose entry is in Redis."""

    def start(drain="300ms"):
        larder = start_larder(TEXT, origin=origin.url, redis=redis.url, state=state, drain=drain)
        larder.wait_for_redis()
        assert version(larder) == 0
        until(lambda: redis.entries() == ["articles:42"], what="the entry in Redis")
        return larder

    return start


def write_that_is_owed(larder, redis):
    redis.save()
    redis.kill()
    larder.wait_for_redis(up=False)
    assert larder.request("PUT", TARGET).status == 200


def end(larder):
    larder.process.signal(signal.SIGTERM)
    return larder.wait_for_end()


def test_a_purge_is_not_kept_in_a_directory_that_was_removed(caching, redis, state):
    larder = caching()
    shutil.rmtree(state)
    write_that_is_owed(larder, redis)
    log = end(larder)
    assert "cannot write" in log and "No such file or directory" in log
    assert "not purged in Redis: articles:42" in log
    assert "kept for the next start" not in log


def test_a_purge_is_not_kept_on_a_full_file_system(full_state, caching, redis):
    larder = caching()
    full_state()
    write_that_is_owed(larder, redis)
    larder.purge(keys=[f"others:{number}" for number in range(500)])  # more than the file's last block has room for
    log = end(larder)
    assert "No space left on device" in log
    assert "not purged in Redis: others:499" in log
    assert "not purged in Redis: articles:42" in log
    assert "kept for the next start" not in log


def test_a_stop_waits_for_redis_where_the_purge_cannot_be_kept(caching, redis, state):
    larder = caching(drain="20s")
    shutil.rmtree(state)
    write_that_is_owed(larder, redis)
    larder.process.signal(signal.SIGTERM)
    until(lambda: "draining" in larder.log(), what="the drain")
    began = time.monotonic()
    until(lambda: time.monotonic() > began + 2.5, what="the time after which nothing else holds up the end")
    assert larder.process.is_running()
    redis.start()
    assert "not purged in Redis" not in larder.wait_for_end()
    until(lambda: redis.entries() == [], what="the purge in Redis")


def test_a_stop_does_not_wait_for_redis_where_the_purge_is_kept(caching, redis):
    larder = caching(drain="20s")
    write_that_is_owed(larder, redis)
    larder.process.signal(signal.SIGTERM)
    larder.process.wait(10)
    assert "1 purges are owed to Redis and kept for the next start" in larder.wait_for_end()


@pytest.mark.parametrize("write_comes", ["before", "after"])
def test_a_directory_that_was_made_anew_keeps_what_is_owed(caching, redis, state, write_comes):
    larder = caching()
    if write_comes == "before":
        write_that_is_owed(larder, redis)
    shutil.rmtree(state)
    state.mkdir()
    if write_comes == "after":
        write_that_is_owed(larder, redis)
    larder.restart()
    until(lambda: "1 purges are owed to Redis from before this start" in larder.log(), what="the purge in the log")
    redis.start()
    larder.wait_for_redis()
    assert version(larder) == 1


def test_an_empty_file_is_damaged_and_everything_is_purged(caching, redis, state):
    larder = caching()
    larder.process.signal(signal.SIGKILL)
    larder.process.wait(10)
    assert (state / "owed").stat().st_size > 0  # a good file is never empty
    (state / "owed").write_bytes(b"")
    larder.start()
    until(lambda: f"{state}/owed is damaged" in larder.log(), what="the damage in the log")
    larder.wait_for_redis()
    assert larder.get(TARGET).x_cache == "MISS"


@pytest.mark.parametrize("file", ["owed", "planned"])
def test_a_file_that_never_existed_is_not_damaged(caching, state, file):
    larder = caching()
    larder.process.signal(signal.SIGKILL)
    larder.process.wait(10)
    (state / file).unlink()
    larder.start()
    until(lambda: larder.get(TARGET).x_cache == "HIT", what="the entry in Redis")
    assert "is damaged" not in larder.log()


@pytest.fixture
def planning(origin, state, start_larder):
    """A larder without Redis that has planned 100 purges; breaks() is called before the writes."""

    def start(breaks):
        larder = start_larder(PLANNED_TEXT, origin=origin.url, state=state)
        breaks()
        with larder.connect() as client:
            for number in range(100):  # more than the file's last block has room for
                origin.on(f"PUT /items/{number}", reply(body=b"{}"))
                assert client.request("PUT", f"/items/{number}", body=b"{}").status == 200
        return larder

    return start


def test_a_planned_purge_is_not_kept_in_a_directory_that_was_removed(planning, state):
    log = end(planning(lambda: shutil.rmtree(state)))
    assert "planned for later and not purged: items:1" in log
    assert "kept for the next start" not in log


def test_a_planned_purge_is_not_kept_on_a_full_file_system(full_state, planning):
    log = end(planning(full_state))
    assert "planned for later and not purged: items:1" in log
    assert "kept for the next start" not in log


def test_a_planned_purge_is_kept_once_there_is_room_again(full_state, planning, state):
    larder = planning(full_state)
    until(lambda: "cannot write" in larder.log(), what="the failure in the log")
    os.unlink(state / "fill")
    assert "100 purges are planned for later and kept for the next start" in end(larder)
    assert (state / "planned").read_bytes().count(b" kh items:") == 100


def test_an_empty_file_of_plans_is_damaged_and_everything_is_purged(planning, origin, state):
    larder = planning(lambda: None)
    larder.process.signal(signal.SIGKILL)
    larder.process.wait(10)
    (state / "planned").write_bytes(b"")
    larder.start()
    until(lambda: f"{state}/planned is damaged" in larder.log(), what="the damage in the log")
