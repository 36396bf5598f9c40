"""The parts of a run: an origin, Redis with what is between it and each larder, and the larders
themselves.
"""
import itertools
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque

from .. import raw_client
from ..fault_proxy import FaultProxy
from ..larder import clean_environment
from ..ports import HOST, free_port
from ..process import Process
from ..redis_server import RedisClient, RedisServer
from ..waiting import Later, until
from .history import Fetch, History, Window
from .instance import Instance

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PULSE = 0.005
QUICK = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")
STALL = 0.02  # shorter ones are nothing


class OriginProcess:
    def __init__(self, seed, folder):
        self.port = free_port()
        self._process = Process(
            [sys.executable, "-m", "support.seams.origin", self.port, seed],
            os.path.join(folder, "origin.log"),
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            folder=TESTS,
        )

    @property
    def url(self):
        return f"http://{HOST}:{self.port}"

    def wait_until_ready(self):
        until(
            lambda: raw_client.get(self.port, "/none/1").status == 404,
            what="the origin: " + self._process.log(),
        )

    def log(self):
        return raw_client.get(self.port, "/log").json()

    def stop(self):
        self._process.kill()


class Sentinel:
    """A redis-sentinel that watches one master, called m."""

    def __init__(self, master_port):
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="larder-sentinel-")
        config = os.path.join(self._folder.name, "sentinel.conf")
        with open(config, "w") as file:
            file.write(
                f"port {self.port}\nbind {HOST}\ndir {self._folder.name}\n"
                f"sentinel monitor m {HOST} {master_port} 1\n"
                "sentinel down-after-milliseconds m 400\nsentinel failover-timeout m 2000\n"
            )
        self._process = Process(
            ["redis-server", config, "--sentinel"],
            os.path.join(self._folder.name, "log"),
            folder=self._folder.name,
        )
        until(lambda: RedisClient(self.port)("PING") == b"PONG", what="redis-sentinel")

    def ask(self, *words):
        client = RedisClient(self.port)
        try:
            return client(*words)
        finally:
            client.close()

    def master_port(self):
        return int(self.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "m")[1])

    def knows_a_replica(self):
        replicas = self.ask("SENTINEL", "REPLICAS", "m")
        return any(b"slave" in fields and fields[fields.index(b"flags") + 1] == b"slave" for fields in replicas)

    def stop(self):
        self._process.kill()
        self._folder.cleanup()


class Scene:
    """Built from a plan; start() before use, stop() in any case."""

    def __init__(self, plan):
        self.plan, self.dice = plan, random.Random(plan.seed * 7919 + 1)
        self.history = History(
            seed=plan.seed,
            theme=plan.theme,
            memory=[instance.memory for instance in plan.instances],
            redis=plan.redis,
            state=plan.state,
            fail=plan.fail,
        )
        self.over, self.ending = (
            threading.Event(),
            threading.Event(),
        )  # of the clients; of the scene
        self.spots = deque(maxlen=40)
        self.quiet = None  # spots: nobody changes anything, and only these are read
        self.divided = None  # an instance that has just lost one of its connections
        self.cold = itertools.count(1)
        self.redis = self.replica = self.sentinel = self.wire = None
        self.proxies, self.instances, self._parts = [], [], []
        self._folder = tempfile.TemporaryDirectory(prefix="larder-seams-")
        self.errors = []

    def _own(self, part):
        self._parts.append(part)
        return part

    def start(self):
        plan = self.plan
        self.origin = self._own(OriginProcess(plan.seed, self._folder.name))
        if plan.redis:
            self._start_redis()
        for number, settings in enumerate(plan.instances):
            self.instances.append(
                Instance(
                    number,
                    plan,
                    settings,
                    self.history,
                    {"origin": self.origin.url, "redis": self._redis_url(number)},
                )
            )
        self.origin.wait_until_ready()
        for instance in self.instances:
            instance.start()
        if plan.redis:
            for instance in self.instances:
                until(instance.redis_is_up, what="a connection to Redis")
        self.history.began = time.monotonic()
        threading.Thread(target=self._feel_the_pulse, daemon=True).start()

    def _start_redis(self):
        self.redis = self._own(RedisServer(options=QUICK))
        if self.plan.replica:
            self.replica = self._own(RedisServer(options=QUICK))
            self.wire = self._own(FaultProxy(self.redis.port))
            if self.plan.sentinel:
                self.follow(self.replica, self.redis.port)
                self.sentinel = self._own(Sentinel(self.redis.port))
                until(self.sentinel.knows_a_replica, timeout=20, what="the sentinel's knowledge")
            else:
                self.follow(self.replica, self.wire.port)
        if not self.plan.sentinel:
            self.proxies = [self._own(FaultProxy(self.redis.port, self.plan.latency)) for _ in self.plan.instances]

    @staticmethod
    def follow(replica, port):
        replica("REPLICAOF", HOST, port)
        until(
            lambda: b"master_link_status:up" in replica("INFO", "replication"),
            what="the replica's link",
        )

    def _redis_url(self, number):
        if self.sentinel:
            return f"redis-sentinel://{HOST}:{self.sentinel.port}/m/0"
        return self.proxies[number].url if self.proxies else ""

    def _feel_the_pulse(self):
        while not self.ending.is_set():
            before = time.monotonic()
            time.sleep(PULSE)
            late = time.monotonic() - before - PULSE
            if late > STALL:
                self.history.stalls.append((time.monotonic(), late))

    # ---- for the seams

    def note(self, text):
        self.history.notes.append((time.monotonic(), text))

    def window(self, kind, instance=-1, note=""):
        window = Window(kind, instance, time.monotonic(), note=note)
        self.history.windows.append(window)
        return window

    @staticmethod
    def close(window):
        window.end = time.monotonic()

    def pause(self, seconds):
        """Sleeps; false when the run ends before."""
        return not self.ending.wait(seconds)

    # ---- the end

    def collect(self):
        """Takes the origin's records into the history."""
        log = self.origin.log()
        self.history.fetches = [Fetch(*row) for row in log["fetches"]]
        self.history.changes = log["changes"]
        for purge in self.history.purges:
            if purge.late and purge.how in log["writes"]:
                purge.version, purge.committed, purge.answered = log["writes"][purge.how]
                purge.how = f"a write answered late ({purge.late})"
        self.history.purges = [purge for purge in self.history.purges if not purge.late or purge.version]

    def stop(self):
        self.ending.set()
        for stop in [Later(self._quietly, instance.stop) for instance in self.instances]:
            stop.finish(60)
        self.history.ended = time.monotonic()
        for instance in self.instances:
            if instance.sanitizer_report:
                self.errors.append(
                    f"a sanitizer reported at instance {instance.number}:\n" f"{instance.sanitizer_report[-8000:]}"
                )
            self._quietly(instance.clean_up)
        for part in reversed(self._parts):
            self._quietly(part.stop)
        self._folder.cleanup()

    def _quietly(self, step):
        try:
            step()
        except (OSError, AssertionError, subprocess.SubprocessError) as error:
            self.errors.append(repr(error))
