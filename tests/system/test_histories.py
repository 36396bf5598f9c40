"""Histories of concurrent writes and reads, through several instances, while somebody breaks Redis."""
import random
import threading
import time

import pytest

from support.fault_proxy import FaultProxy
from support.history import History
from support.versioned_api import VersionedApi

TARGETS = ["/articles/42", "/articles", "/articles?skip=20", "/articles/42?lang=de"]
MEMORY = pytest.mark.parametrize("memory", ["off", "64MB"])
LAG = 0.3  # 50 ms, and what a busy machine may add


def judged(history):
    history.finish()
    assert history.failed == []
    assert history.stale == []
    assert history.slow == []
    assert history.writes > 10 and history.reads > 100
    return history


class Meanwhile:
    """Does something over and over in a thread until stop()."""

    def __init__(self, action, pause):
        self._ended, self.error = threading.Event(), None
        self._thread = threading.Thread(target=self._run, args=(action, pause), daemon=True)
        self._thread.start()

    def _run(self, action, pause):
        try:
            while not self._ended.wait(pause):
                action()
        except BaseException as error:  # shown by stop()
            self.error = error

    def stop(self):
        self._ended.set()
        self._thread.join(30)
        assert self.error is None, repr(self.error)


def three(origin, redis, articles_larder, memory):
    return [articles_larder(origin, redis, memory) for _ in range(3)]


@MEMORY
def test_three_instances_read_each_others_writes(origin, redis, articles_larder, memory):
    VersionedApi(origin)
    one, two, three_ = three(origin, redis, articles_larder, memory)
    lag = 0.0 if memory == "off" else LAG
    history = History("/articles/42", TARGETS, seconds=5)
    history.write(one.port).read(one.port).read(two.port, lag=lag).read(two.port, lag=lag).read(three_.port, lag=lag)
    judged(history)


def test_writes_through_two_instances_at_once(origin, redis, articles_larder):
    VersionedApi(origin)
    one, two, three_ = three(origin, redis, articles_larder, "off")
    judged(
        History("/articles/42", TARGETS, seconds=5)
        .write(one.port)
        .write(two.port)
        .read(one.port)
        .read(two.port)
        .read(three_.port)
    )


@MEMORY
def test_a_slow_origin_brings_nothing_old_back(origin, redis, articles_larder, memory):
    """Each representation is made at once and sent late: fetches overlap with purges all the time."""
    dice = random.Random(1)
    VersionedApi(origin, before_read=lambda _: time.sleep(dice.choice([0, 0.01, 0.05])))
    one, two, _ = three(origin, redis, articles_larder, memory)
    lag = 0.0 if memory == "off" else LAG
    history = History("/articles/42", TARGETS, seconds=6, patience=2.0)
    history.write(one.port, pause=0.03).read(one.port).read(one.port).read(two.port, lag=lag).read(two.port, lag=lag)
    judged(history)


@MEMORY
@pytest.mark.parametrize("chaos", ["flush", "bookkeeping", "entries", "connections", "eviction"])
def test_whatever_happens_to_the_keys_of_redis_nothing_old_is_read(
    scene, origin, redis, articles_larder, memory, chaos
):
    dice = random.Random(7)
    VersionedApi(origin, before_read=lambda _: time.sleep(dice.choice([0, 0, 0.02])))
    one, two, _ = three(origin, redis, articles_larder, memory)

    def delete(names):
        if names:
            redis("DEL", *dice.sample(names, min(3, len(names))))

    def squeeze():
        redis(
            "CONFIG",
            "SET",
            "maxmemory",
            str(int(redis("INFO", "memory").decode().split("used_memory:")[1].split()[0]) - 20000),
        )
        time.sleep(0.02)
        redis("CONFIG", "SET", "maxmemory", "0")

    redis("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
    actions = {
        "flush": lambda: redis("FLUSHALL"),
        "bookkeeping": lambda: delete(redis.keys("larder:*")),
        "entries": lambda: delete(redis.entries()),
        "connections": lambda: redis("CLIENT", "KILL", "TYPE", dice.choice(["normal", "pubsub"]), "SKIPME", "yes"),
        "eviction": squeeze,
    }
    meanwhile = scene(Meanwhile(actions[chaos], 0.25 if chaos == "connections" else 0.03))
    # A killed connection may carry the purge: another instance then hears of it by the replay.
    lag = 2.0 if chaos == "connections" else 0.0 if memory == "off" else LAG
    history = History("/articles/42", TARGETS, seconds=5, patience=2.0)
    history.write(one.port).read(one.port).read(one.port).read(two.port, lag=lag)
    judged(history)
    meanwhile.stop()


@MEMORY
def test_a_redis_that_dies_and_returns_from_snapshots_shows_the_writer_nothing_old(
    scene, origin, redis, articles_larder, memory
):
    VersionedApi(origin)
    one, two, _ = three(origin, redis, articles_larder, memory)

    def again():
        redis.save()
        time.sleep(0.3)
        redis.kill()
        time.sleep(0.2)
        redis.start()
        time.sleep(1.5)

    meanwhile = scene(Meanwhile(again, 0.2))
    judged(
        History("/articles/42", TARGETS, seconds=9, patience=2.0)
        .write(one.port)
        .read(one.port)
        .read(one.port)
        .read(two.port, lag=4.0)
    )
    meanwhile.stop()


@MEMORY
def test_a_network_that_stalls_and_breaks_shows_the_writer_nothing_old(scene, origin, redis, articles_larder, memory):
    VersionedApi(origin)
    network = scene(FaultProxy(redis.port))
    one = articles_larder(origin, network.url, memory)
    dice = random.Random(3)

    def trouble():
        what = dice.choice(["hold", "cut", "forget", "slow"])
        if what == "hold":
            network.hold()
            time.sleep(dice.choice([0.05, 0.3]))
            network.release()
        elif what == "slow":
            network.delay = dice.choice([0.03, 0.15])
            time.sleep(0.3)
            network.delay = 0.0
        else:
            getattr(network, what)()
            time.sleep(0.5)

    meanwhile = scene(Meanwhile(trouble, 0.2))
    judged(History("/articles/42", TARGETS, seconds=8, patience=2.0).write(one.port).read(one.port).read(one.port))
    meanwhile.stop()
