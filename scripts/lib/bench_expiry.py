"""What clients notice where entries expire, and what the audit costs them."""
import contextlib
import os
import shutil
import statistics
import subprocess
import tempfile

from bench_demo import LIST_MS, milliseconds
from bench_latency import build_tool
from bench_peers import CONNECTIONS, OBJECT, cpu_nanoseconds, load, pinned
from support import raw_client
from support.larder import Larder, binary
from support.ports import HOST, free_port
from support.process import Process
from support.scripted_origin import ScriptedOrigin, reply
from support.waiting import until

TTL, RATE, LIST_BYTES = 10, 1000, 4096
SLOW = 1000  # microseconds
NEAR = 0.05  # seconds: what disturbs the machine lasts no longer
# A core that another process has for a while is no fault of a cache: root can have it at once.
AT_ONCE = ["chrt", "-f", "1"] if os.geteuid() == 0 else []

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


class SlowOrigin:
    """A program that takes a while for each answer and next to no CPU."""

    def __init__(self, folder):
        command = pinned(0, [build_tool(folder, "slow_origin"), str(LIST_MS), str(LIST_BYTES)])
        self._process = subprocess.Popen([*AT_ONCE, *command], stdout=subprocess.PIPE, text=True)
        self.url = f"http://{HOST}:{int(self._process.stdout.readline())}"

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def read_answers(lines, ports):
    """What constant_rate printed, for each port: (the numbers of the summary, the first, [(when, how long)])."""
    found = []
    for line in lines:
        words = line.split()
        if words[0] == "p50":
            found.append([[float(word) for word in words[1::2]], None, []])
        elif words[0] == "first":
            found[-1][1] = float(words[1])
        else:
            found[-1][2].append((float(words[0]), float(words[1])))
    assert len(found) == ports
    return found


def while_others_were_fast(slow, others):
    """Those that were slow at a moment at which the others, on the same core, were not."""
    return [(when, took) for when, took in slow if all(abs(when - other) > NEAR for other, _ in others)]


def slow_inside(larder):
    """How many answers took longer than that from the request's last byte on, as larder itself counts; the first is not
    among them."""
    metrics = larder.metrics()
    fast = metrics.total("larder_request_duration_seconds_bucket", le=str(SLOW / 1e6))
    return metrics.total("larder_request_duration_seconds_count") - fast - 1


def ask_all(larders, seconds, folder):
    """Sends the same requests to all of them, side by side."""
    ports = ",".join(str(larder.port) for larder in larders)
    command = [build_tool(folder, "constant_rate"), ports, "/articles", RATE, seconds, CONNECTIONS, SLOW]
    words = [*AT_ONCE, *pinned(0, [str(word) for word in command])]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    return read_answers(done.stdout.splitlines(), len(larders))


def measure_expiry(seconds):
    """Rows of (what, an entry that does not expire, without refresh_ahead, with it)."""
    folder = tempfile.mkdtemp(prefix="larder-bench-")
    try:
        with contextlib.ExitStack() as stack:

            def enter(thing):
                stack.callback(thing.stop)
                return thing

            origin = enter(SlowOrigin(folder))
            larders = [
                enter(Larder(LIST, origin=origin.url, ttl=ttl, ahead=ahead, within=[*AT_ONCE, *pinned(1, [])]))
                for ttl, ahead in ((3600, ""), (TTL, ""), (TTL, ", refresh_ahead: 20%"))
            ]
            measured = ask_all(larders, seconds, folder)
            asked = "larder_origin_request_duration_seconds_count"
            fetches = [larder.metrics().total(asked) for larder in larders]
            inside = [slow_inside(larder) for larder in larders]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    summaries, firsts, slow = zip(*measured)
    never, *expiring = slow
    alone = [while_others_were_fast(never, expiring[1]), *(while_others_were_fast(one, never) for one in expiring)]

    def of(times):
        return [milliseconds(one / 1e6) for one in times]

    return [
        ("the first", *of(firsts)),
        ("the others: p50", *of(summary[0] for summary in summaries)),
        ("p99", *of(summary[1] for summary in summaries)),
        ("the slowest", *of(summary[3] for summary in summaries)),
        ("slower than 1 ms", *(f"{len(one):,}" for one in slow)),
        ("slower than 1 ms alone", *(f"{len(one):,}" for one in alone)),
        ("the slowest of these", *of(max((took for _, took in one), default=0) for one in alone)),
        ("slower than 1 ms inside larder", *(f"{count:,.0f}" for count in inside)),
        ("requests to the origin", *(f"{count:.0f}" for count in fetches)),
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
