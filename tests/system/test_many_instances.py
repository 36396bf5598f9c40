"""Ten instances on one cluster of six nodes, while each kind of fault happens to it in turn.

It takes a minute, so it runs only with LARDER_LONG=1. It prints how long caching took to come back after each fault.
"""
import os
import time

import pytest

from support.history import History
from support.redis_cluster import RedisCluster, slot_of
from support.versioned_api import VersionedApi
from support.waiting import until

pytestmark = pytest.mark.skipif(not os.environ.get("LARDER_LONG"), reason="set LARDER_LONG=1: it takes a minute")
TARGETS = ["/articles/42", "/articles", "/articles?skip=20", "/articles/42?lang=de"]
INSTANCES = 10


class Scene:
    def __init__(self, cluster, larders):
        self.cluster, self.larders, self.recovered = cluster, larders, {}

    def owner(self):
        return self.cluster.owner_of("articles:42")

    def caching(self):
        return all(larder.get("/articles/42").x_cache == "HIT" for larder in self.larders)

    def recovers(self, name, since, limit=15):
        until(self.caching, timeout=limit, what=f"caching at all instances after: {name}")
        self.recovered[name] = time.monotonic() - since

    def killed(self):
        master = self.owner()
        master.kill()
        replaced = self.cluster.wait_until_replaced(master)
        self.recovers("a master killed, from the promotion of its replica", time.monotonic())
        master.start()
        until(lambda: b"master_link_status:up" in master("INFO", "replication"), 20, "the return as a replica")
        return replaced

    def frozen(self):
        master = self.owner()
        master.freeze()
        time.sleep(0.5)
        master.thaw()
        self.recovers("a master frozen for 0.5 s", time.monotonic())

    def failed_over(self):
        master = self.owner()
        replicas = [node for node in self.cluster.running() if self._follows(node, master)]
        assert replicas[0]("CLUSTER", "FAILOVER") == b"OK"
        until(lambda: self.owner() is replicas[0], what="the failover")
        self.recovers("a failover by hand", time.monotonic())

    @staticmethod
    def _follows(node, master):
        text = node("INFO", "replication").decode()
        return "role:slave" in text and f"master_port:{master.public_port}\r\n" in text

    def moved(self):
        slots = {slot_of(key) for key in self.cluster.keys() if "articles" in key}
        masters = [node for node in self.cluster.running() if b"role:master" in node("INFO", "replication")]
        for number, slot in enumerate(sorted(slots)):
            source = self.cluster.agreed_owner_of(slot)
            others = [node for node in masters if node is not source]
            self.cluster.move_slot(slot, source, others[number % len(others)], pause=0.002)
        self.recovers(f"{len(slots)} slots moved", time.monotonic())

    def slow(self):
        master = self.owner()
        master.network.delay = 0.03
        time.sleep(2)
        master.network.delay = 0.0
        self.recovers("30 ms more to one master for 2 s", time.monotonic())

    def parted(self):
        master = self.owner()
        master.network.hold()
        time.sleep(1.5)
        master.network.release()
        self.recovers("one master out of reach for 1.5 s", time.monotonic())


@pytest.mark.parametrize("memory", ["off", "64MB"])
def test_ten_instances_on_six_nodes_with_every_fault(origin, scene, articles_larder, memory):
    VersionedApi(origin)
    cluster = scene(RedisCluster(proxied=True))
    larders = [articles_larder(origin, cluster, memory) for _ in range(INSTANCES)]
    played = Scene(cluster, larders)
    until(played.caching, timeout=30, what="caching at all instances")
    # A purge that a master which is away has not acknowledged binds no other instance (on_purge_failure: pass).
    history = History("/articles/42", TARGETS, seconds=600, patience=2.0, acknowledged_only=True)
    history.write(larders[0].port, pause=0.1)
    for larder in larders:
        # Until it has noticed a fault, an instance with a memory tier may serve it for a second.
        history.read(larder.port, pause=0.05, lag=0.0 if memory == "off" else 1.5)
    began = time.monotonic()
    for fault in (played.killed, played.frozen, played.failed_over, played.moved, played.slow, played.parted):
        time.sleep(1)
        fault()
    history._until = time.monotonic()
    history.finish()
    print(f"\nmemory {memory}: {history.reads} reads and {history.writes} writes in {time.monotonic() - began:.0f} s,")
    print(f"{len(history.stale)} stale, {len(history.failed)} failed, {len(history.slow)} slower than 2 s")
    for name, seconds in played.recovered.items():
        print(f"  {seconds:5.2f} s  {name}")
    assert (history.stale, history.failed) == ([], [])
    assert history.reads > 500 and history.writes > 20
