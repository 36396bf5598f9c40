"""What a hit costs with one worker and with two, where both serve: what workers share shows in the CPU of each hit.

Where the load needs cores of its own, two workers can serve no more than one; their CPU tells all the same.
"""
import statistics

from bench_peers import OBJECT, cpu_nanoseconds, load
from support.larder import Larder
from support.scripted_origin import ScriptedOrigin, reply

CONFIG = """
listen: <listen>
admin: <admin>
origin: <origin>
threads: <threads>
routes:
  - {match: "GET /object", key: object, ttl: 3600}
"""


def one_turn(origin, workers, seconds):
    larder = Larder(CONFIG, origin=origin.url, threads=str(workers))
    try:
        load(larder.port, 1)
        before = cpu_nanoseconds(larder.process.pid)
        requests, _, _ = load(larder.port, seconds)
        return (cpu_nanoseconds(larder.process.pid) - before) / 1000 / requests
    finally:
        larder.stop()


def measure(rounds, seconds):
    """Rows of (what, value), medians of the rounds, in turns."""
    origin = ScriptedOrigin()
    origin.on(OBJECT, reply(fields={"Content-Type": "text/plain"}, body=b"x" * 1024))
    try:
        turns = [[one_turn(origin, workers, seconds) for workers in (1, 2)] for _ in range(rounds)]
    finally:
        origin.stop()
    one, two = (statistics.median(column) for column in zip(*turns))
    return [
        ("CPU of a hit, one worker", f"{one:.1f} us"),
        ("CPU of a hit, two workers", f"{two:.1f} us"),
        ("so two, with a core for each, serve", f"{2 * one / two:.2f} times as many"),
    ]
