"""How long hits take when requests come at a constant rate, also while the cache has other work.

A generator sends at 70 % of the rate that the slowest contender reaches, whether answers come or not, and counts from
the moment at which a request was due. It has core 0, the contender core 1.
"""
import contextlib
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from bench_peers import CONNECTIONS, OBJECT, Contender, contenders, load, pinned, wrk_script
from support import raw_client
from support.larder import Larder
from support.ports import HOST
from support.scripted_origin import ScriptedOrigin, reply
from support.waiting import until

SHARE_OF_SATURATION = 0.7
ENTRIES = 100_000
FILL_SECONDS = 300

LARDER = """
listen: <listen>
admin: <admin>
origin: <origin>
threads: 1
memory: 1GB
routes:
  - {match: "GET /object", key: object, ttl: 3600}
  - {match: "GET /many/{n}", key: "many:{n}", ttl: 3600}
  - {match: "POST /many/{n}", purge: ["many:{n}"]}
  - {match: "GET /fresh/{n}", key: "fresh:{n}", ttl: 1, refresh_ahead: 50%}
"""
FILL = """
local n = 0
request = function() n = n + 1; return wrk.format("GET", "/many/" .. n) end
"""


@contextlib.contextmanager
def running(name, origin):
    contender = Larder(LARDER, origin=origin.url, within=pinned(1, [])) if name == "larder" else Contender(name, origin)
    try:
        raw_client.get(contender.port, OBJECT)
        yield contender
    finally:
        contender.stop()


def fill(larder):
    """Has it store many entries."""
    with wrk_script(FILL) as script:
        filling = subprocess.Popen(
            ["wrk", "-t1", "-c16", f"-d{FILL_SECONDS}s", "-s", script, f"http://{HOST}:{larder.port}"],
            stdout=subprocess.DEVNULL,
        )
        try:
            stored = "larder_memory_entries"
            until(lambda: larder.metrics().total(stored) >= ENTRIES, timeout=FILL_SECONDS, what=f"{ENTRIES} entries")
        finally:
            filling.kill()
            filling.wait()


def work(larder, ended):
    """Purges, refreshes, and a pattern that all entries are looked through for, until it has ended."""
    turn = 0
    while not ended.wait(0.02):
        turn += 1
        larder.request("POST", f"/many/{turn % ENTRIES}")
        for number in range(5):
            larder.get(f"/fresh/{number}")
        if turn % 25 == 0:
            larder.purge(patterns=["many:*none"])


def times(tool, contender, rate, seconds):
    """p50, p99, p99.9 and the longest, in microseconds."""
    command = [tool, str(contender.port), OBJECT, str(rate), str(seconds), str(CONNECTIONS)]
    words = subprocess.run(pinned(0, command), capture_output=True, text=True, check=True).stdout.split()
    return [float(word) for word in words[1::2]]


def build_tool(folder, name):
    source = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "bench", f"{name}.cpp")
    tool = os.path.join(folder, name)
    subprocess.run(["g++", "-O2", "-std=c++20", "-pthread", "-o", tool, source], check=True)
    return tool


def measure(rounds, seconds):
    """The rate, and rows of (contender, p50, p99, p99.9, longest): medians of the rounds, in turns."""
    origin = ScriptedOrigin(default=reply(fields={"Content-Type": "text/plain"}, body=b"x" * 1024))
    origin.on(OBJECT, reply(fields={"Cache-Control": "max-age=3600", "Content-Type": "text/plain"}, body=b"x" * 1024))
    folder = tempfile.mkdtemp(prefix="larder-bench-")
    try:
        tool = build_tool(folder, "constant_rate")
        with contextlib.ExitStack() as stack:
            all_of_them = {name: stack.enter_context(running(name, origin)) for name in contenders()}
            reached = {name: load(one.port, seconds)[0] / seconds for name, one in all_of_them.items()}
            rate = int(SHARE_OF_SATURATION * min(reached.values()))
            results = {name: [] for name in all_of_them}
            for _ in range(rounds):
                for name, one in all_of_them.items():
                    results[name].append(times(tool, one, rate, seconds))
            larder = all_of_them["larder"]
            fill(larder)
            busy = f"larder, with purges, refreshes and scans of {ENTRIES:,} entries"
            ended = threading.Event()
            worker = threading.Thread(target=work, args=(larder, ended))
            worker.start()
            try:
                time.sleep(1)
                results[busy] = [times(tool, larder, rate, seconds) for _ in range(rounds)]
            finally:
                ended.set()
                worker.join()
        rows = []
        for name, measured in results.items():
            medians = [statistics.median(column) for column in zip(*measured)]
            rows.append((name, *(f"{one:,.0f} us" for one in medians)))
        return rate, rows
    finally:
        origin.stop()
        shutil.rmtree(folder, ignore_errors=True)
