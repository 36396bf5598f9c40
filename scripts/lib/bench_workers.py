"""Hits with one worker and with two: how many more two serve, where the load leaves them a core each."""
import os
import statistics

from bench_peers import OBJECT, cpu_nanoseconds, load
from support.larder import Larder
from support.scripted_origin import ScriptedOrigin, reply

CORES_NEEDED = 4  # one for each worker, the others for the load
CONFIG = """
listen: <listen>
admin: <admin>
origin: <origin>
threads: <threads>
routes:
  - {match: "GET /object", key: object, ttl: 3600}
"""


def one_turn(origin, workers, seconds):
    """CPU microseconds for a hit, and hits per second."""
    larder = Larder(CONFIG, origin=origin.url, threads=str(workers))
    try:
        load(larder.port, 1)
        before = cpu_nanoseconds(larder.process.pid)
        requests, _, _ = load(larder.port, seconds)
        return (cpu_nanoseconds(larder.process.pid) - before) / 1000 / requests, requests / seconds
    finally:
        larder.stop()


def measure(rounds, seconds):
    """Rows of (workers, CPU, hits per second, times one worker), medians of the rounds, in turns."""
    origin = ScriptedOrigin()
    origin.on(OBJECT, reply(fields={"Content-Type": "text/plain"}, body=b"x" * 1024))
    turns = {1: [], 2: []}
    try:
        for _ in range(rounds):
            for workers, results in turns.items():
                results.append(one_turn(origin, workers, seconds))
    finally:
        origin.stop()
    rows, first = [], None
    for workers, results in turns.items():
        cpu, rate = (statistics.median(column) for column in zip(*results))
        first = first or rate
        times = f"{rate / first:.2f}" if os.cpu_count() >= CORES_NEEDED else f"needs {CORES_NEEDED} cores"
        rows.append((workers, f"{cpu:.1f} us", f"{rate:,.0f}", times))
    return rows
