"""A failover by sentinels that larder must not miss: the old master is cut off from them, but not from larder."""
import json

import pytest

from support.configurations import ARTICLES
from support.fault_proxy import FaultProxy
from support.ports import HOST
from support.versioned_api import VersionedApi
from support.waiting import until

BYPASS = "larder; fwd=bypass; detail=redis-down"
REPLICA_HOST, SENTINEL_HOST = "127.0.0.8", "127.0.0.9"


class Group:
    """A master, its replica and a sentinel, which fails over within a second."""

    def __init__(self, scene, start_redis, sentinels):
        self.old = start_redis()
        self._to_old = scene(FaultProxy(self.old.port))
        options = ["--bind-source-addr", REPLICA_HOST, "--replica-announce-ip", HOST, "--repl-diskless-sync-delay", 0]
        self.replica = start_redis(options=[*options, "--protected-mode", "no"])  # the sentinel's host is not HOST
        self.replica("REPLICAOF", HOST, self._to_old.port)
        until(lambda: b"master_link_status:up" in self.replica("INFO", "replication"), what="the replica")
        self.sentinel = sentinels(
            self._to_old.port,
            [
                f"bind-source-addr {SENTINEL_HOST}",
                "sentinel down-after-milliseconds m 500",
                "sentinel failover-timeout m 5000",
            ],
        )
        until(self.sentinel.knows_a_replica, timeout=20, what="the sentinel's knowledge")

    def fail_over_behind_larders_back(self):
        """Cuts the master off from the sentinel and the replica. larder comes back to it at once."""
        self._to_old.refused_hosts |= {REPLICA_HOST, SENTINEL_HOST}
        self._to_old.cut()
        until(lambda: self.sentinel.master_port() == self.replica.port, timeout=30, what="the failover")
        assert b"role:master" in self.old("INFO", "replication"), "the old master does not know"


@pytest.fixture
def group(scene, start_redis, sentinels):
    return Group(scene, start_redis, sentinels)


@pytest.fixture
def begin(start_larder, origin):
    def start(sentinel_port, memory="off", on_purge_failure="pass"):
        url = f"redis-sentinel://{HOST}:{sentinel_port}/m/0"
        redis = f'redis: {{url: "{url}", on_purge_failure: {on_purge_failure}}}'
        text = ARTICLES.replace('redis: {url: "<redis>"}', redis)
        started = start_larder(text, origin=origin.url, memory=memory)
        started.wait_for_redis()
        return started

    return start


def is_hit(larder):
    return larder.get("/articles/42").x_cache == "HIT"


def version(larder):
    return json.loads(larder.get("/articles/42").body)["version"]


def text_of_trouble(larder):
    """Why Redis is not used."""
    return "".join(one["text"] for one in larder.stats()["redis"]["troubles"] if one["concerns"] == "use")


def write(larder):
    assert larder.request("PUT", "/articles/42", body={}).status == 200


@pytest.mark.parametrize("memory, on_purge_failure", [("off", "pass"), ("off", "fail"), ("64MB", "pass")])
def test_a_deposed_master_is_left_though_it_still_answers(origin, group, begin, memory, on_purge_failure):
    api = VersionedApi(origin)
    larder = begin(group.sentinel.port, memory, on_purge_failure)
    until(lambda: is_hit(larder), what="a hit")
    group.fail_over_behind_larders_back()
    newcomer = begin(group.sentinel.port, "off", on_purge_failure)
    for _ in range(3):
        write(newcomer)
        if memory == "off":
            assert version(larder) == api.version
        else:
            until(lambda: version(larder) == api.version, timeout=1, what="the end of the copy in memory")
        until(lambda: is_hit(larder), what="a hit from the new master")
        assert version(larder) == api.version
    until(lambda: is_hit(newcomer), what="a hit")
    write(larder)
    assert version(newcomer) == api.version, "the purge has reached the new master"


@pytest.mark.parametrize("memory", ["off", "64MB"])
def test_without_an_answer_of_a_sentinel_nothing_is_served_from_redis(scene, origin, group, begin, memory):
    api = VersionedApi(origin)
    to_sentinel = scene(FaultProxy(group.sentinel.port))
    larder = begin(to_sentinel.port, memory)
    until(lambda: is_hit(larder), what="a hit")
    to_sentinel.hold()
    until(lambda: larder.get("/articles/42").cache_status == BYPASS, timeout=2, what="a bypass")
    larder.wait_for_redis(up=False)
    until(lambda: "no sentinel says" in text_of_trouble(larder), what="the reason")
    to_sentinel.release()
    until(lambda: is_hit(larder), timeout=2, what="a hit, once the sentinel answers")
    to_sentinel.hold()
    group.fail_over_behind_larders_back()
    newcomer = begin(group.sentinel.port)
    until(lambda: larder.get("/articles/42").cache_status == BYPASS, timeout=2, what="a bypass")
    write(newcomer)
    assert version(larder) == api.version, "the old master still holds what it has purged"
    to_sentinel.release()
    until(lambda: is_hit(larder), timeout=3, what="a hit from the new master")
    assert version(larder) == api.version
