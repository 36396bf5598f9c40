"""What clients notice where entries expire, and what the audit costs them."""
import contextlib
import os
import shutil
import statistics
import tempfile
import time

from bench_demo import DETAIL_MS, LIST_MS, milliseconds
from bench_peers import OBJECT, cpu_nanoseconds, load, pinned
from support import raw_client
from support.demo_origin import DemoOrigin
from support.larder import Larder, binary
from support.ports import HOST, free_port
from support.process import Process
from support.raw_client import Connection
from support.scripted_origin import ScriptedOrigin, reply
from support.waiting import until

TTL, PAUSE = 10, 0.005
FAST = 0.001

LIST = """
listen: <listen>
admin: <admin>
origin: <origin>
threads: 1
routes:
  - {match: "GET /articles", key: "articles:list:{skip=0}:{limit=20}", ttl: <ttl>s<ahead>}
"""

AUDITED = """
listen: 127.0.0.1:{port}
admin: off
origin: http://127.0.0.1:{origin}
threads: 1
routes:
  - {{match: "GET /object", key: object, ttl: 3600, audit: {share}}}
"""


def measure_expiry(seconds):
    """Rows of (what, without refresh_ahead, with it): one client reads the list all the while, from both in turns."""
    with contextlib.ExitStack() as stack:

        def enter(thing):
            stack.callback(thing.stop)
            return thing

        demos = [enter(DemoOrigin(LIST_MS, DETAIL_MS)) for _ in range(2)]
        larders = [
            enter(Larder(LIST, origin=demo.url, ttl=TTL, ahead=ahead))
            for demo, ahead in zip(demos, ("", ", refresh_ahead: 20%"))
        ]
        clients = [stack.enter_context(Connection(larder.port)) for larder in larders]
        times = [[], []]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for client, took in zip(clients, times):
                took.append(client.get("/articles").seconds)
            time.sleep(PAUSE)
        fetches = [demo.count("GET /articles") for demo in demos]
    later = [took[1:] for took in times]
    return [
        ("answers", *(f"{len(took):,}" for took in times)),
        ("the first", *(milliseconds(took[0]) for took in times)),
        ("median of the others", *(milliseconds(statistics.median(took)) for took in later)),
        ("slowest of the others", *(milliseconds(max(took)) for took in later)),
        ("others slower than 1 ms", *(str(sum(one > FAST for one in took)) for took in later)),
        ("requests to the origin", *map(str, fetches)),
    ]


def audited_turn(share, seconds):
    """(CPU microseconds per request, p50, p99, comparisons per second) of a fresh process."""
    origin = ScriptedOrigin()
    origin.on(OBJECT, reply(fields={"Cache-Control": "max-age=3600", "Content-Type": "text/plain"}, body=b"x" * 1024))
    folder, port = tempfile.mkdtemp(prefix="larder-bench-"), free_port()
    config = os.path.join(folder, "larder.yaml")
    with open(config, "w") as file:
        file.write(AUDITED.format(port=port, origin=origin.port, share=share))
    process = Process(
        pinned(1, [binary(), "serve", "-c", config]), os.path.join(folder, "log"), folder=folder
    )
    try:
        until(lambda: raw_client.get(port, OBJECT).status == 200, timeout=30, what=f"larder on {HOST}")
        load(port, 1)
        asked, before = origin.count(), cpu_nanoseconds(process.pid)
        requests, p50, p99 = load(port, seconds)
        spent = cpu_nanoseconds(process.pid) - before
        return spent / 1000 / requests, p50, p99, (origin.count() - asked) / seconds
    finally:
        process.kill()
        origin.stop()
        shutil.rmtree(folder, ignore_errors=True)


def measure_audit(rounds, seconds):
    """Rows of (audit, CPU, p50, p99, comparisons per second), medians of turns that alternate."""
    turns = {share: [] for share in ("off", "0.01%", "0.1%")}
    for _ in range(rounds):
        for share, results in turns.items():
            results.append(audited_turn(share, seconds))
    rows = []
    for share, results in turns.items():
        cpu, p50, p99, compared = (statistics.median(column) for column in zip(*results))
        rows.append((share, f"{cpu:.1f} us", f"{p50:.2f} ms", f"{p99:.2f} ms", f"{compared:.0f}"))
    return rows
