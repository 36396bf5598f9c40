"""What a stored miss costs larder and Redis: CPU time, beside larder without Redis and a plain GET and SET.

The origin is another larder that has the answer in memory, so that it does not limit the rate.
"""
import re
import resource
import statistics
import subprocess

from bench_peers import cpu_nanoseconds, wrk_script
from bench_scale import info
from support.larder import Larder
from support.ports import HOST
from support.redis_server import RedisServer
from support.scripted_origin import ScriptedOrigin, reply

CONNECTIONS, BYTES = 32, 1024
COMMANDS = 100_000

ORIGIN = """
listen: <listen>
admin: <admin>
origin: <origin>
threads: 1
routes:
  - {match: "GET /articles/{id}", key: article, ttl: 3600}
"""
LARDER = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: <redis>
memory: 256MB
threads: 1
routes:
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 3600}
  - {match: "POST /articles/{id}", purge: ["articles:{id}", "articles:*"]}
"""
MISSES = """
local n = 0
request = function() n = n + 1; return wrk.format("GET", "/articles/%s" .. n) end
"""


def pid_of(redis):
    return int(info(redis, "server", "process_id"))


def misses(port, seconds, turn):
    """How many there were: each request asks for another article."""
    with wrk_script(MISSES % f"{turn}x") as script:
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script, f"http://{HOST}:{port}"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text:
        raise RuntimeError(text)
    return int(re.search(r"(\d+) requests in", text)[1])


def microseconds(pid, work):
    """Of CPU time that the process needs for each thing that `work` does, and how many it did."""
    before = cpu_nanoseconds(pid)
    count = work()
    return (cpu_nanoseconds(pid) - before) / 1000 / count, count


def turn_of(source, redis, seconds, turn):
    """CPU for a miss: of larder, and of Redis where there is one; and the misses per second."""
    larder = Larder(LARDER, origin=f"http://{HOST}:{source.port}", redis=redis.url if redis else "off")
    try:
        if redis:
            larder.wait_for_redis()
        misses(larder.port, 1, f"{turn}w")
        before = cpu_nanoseconds(pid_of(redis)) if redis else 0
        own, count = microseconds(larder.process.pid, lambda: misses(larder.port, seconds, turn))
        of_redis = (cpu_nanoseconds(pid_of(redis)) - before) / 1000 / count if redis else 0
        return own, of_redis, count / seconds
    finally:
        larder.stop()


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def get_and_set(redis):
    """CPU of Redis, and of a client that does nothing else, for one GET and one SET of a value of that size, each in a
    round trip of its own."""

    def run():
        amounts = ["-c", str(CONNECTIONS), "-n", str(COMMANDS), "-r", str(COMMANDS), "-d", str(BYTES + 300)]
        command = ["redis-benchmark", "-p", str(redis.port), *amounts, "-t", "get,set", "-q"]
        subprocess.run(command, capture_output=True, check=True)
        return COMMANDS

    before = cpu_of_children()
    of_redis, count = microseconds(pid_of(redis), run)
    return of_redis, (cpu_of_children() - before) * 1_000_000 / count


def measure(rounds, seconds):
    """Rows of (what, value): medians of the rounds, in turns."""
    origin = ScriptedOrigin(default=reply(fields={"Content-Type": "application/json"}, body=b"x" * BYTES))
    source = Larder(ORIGIN, origin=origin.url)
    redis = RedisServer()
    try:
        turns = []
        for turn in range(rounds):
            on = turn_of(source, redis, seconds, turn)
            off = turn_of(source, None, seconds, turn)
            pair, of_client = get_and_set(redis)
            turns.append((on[0], off[0], on[1], pair, of_client, on[2]))
        larder, without, of_redis, pair, of_client, rate = (statistics.median(column) for column in zip(*turns))
        return [
            ("CPU of larder", f"{larder:.1f} us"),
            ("the same with redis: off", f"{without:.1f} us"),
            ("times that", f"{larder / without:.2f}"),
            ("CPU of redis-benchmark for two round trips, a GET and a SET", f"{of_client:.1f} us"),
            ("CPU of Redis", f"{of_redis:.1f} us"),
            (f"a GET and a SET of {BYTES + 300} bytes", f"{pair:.1f} us"),
            ("times that", f"{of_redis / pair:.2f}"),
            ("misses per second here, where larder, origin, Redis and load share the cores", f"{rate:,.0f}"),
            ("misses per second that one Redis has CPU for", f"{1_000_000 / of_redis:,.0f}"),
        ]
    finally:
        source.stop()
        redis.stop()
        origin.stop()
