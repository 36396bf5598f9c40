"""What scripts/bench runs: tables, with the machine they were measured on."""
import argparse
import os
import platform
import subprocess
import sys

EXPIRY_SECONDS = 90
TABLES = ["demo", "peers", "through", "http2", "workers", "latency", "miss", "expiry", "audit"]
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(REPOSITORY, "tests"), os.path.dirname(os.path.abspath(__file__))]

import bench_demo  # noqa: E402
import bench_expiry  # noqa: E402
import bench_instructions  # noqa: E402
import bench_latency  # noqa: E402
import bench_miss  # noqa: E402
import bench_peers  # noqa: E402
import bench_scale  # noqa: E402
import bench_through  # noqa: E402
import bench_workers  # noqa: E402


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except OSError:
        return None
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0] if lines else None


def machine():
    with open("/proc/cpuinfo") as cpuinfo:
        model = next(
            (line.split(":", 1)[1].strip() for line in cpuinfo if line.startswith("model name")), platform.machine()
        )
    return f"{os.cpu_count()} cores of {model}, Linux {platform.release()}"


def versions():
    commands = [
        (os.environ["LARDER"], "--version"),
        ("redis-server", "--version"),
        ("nginx", "-v"),
        ("haproxy", "-v"),
        ("varnishd", "-V"),
        ("wrk", "-v"),
    ]
    return [line for line in (first_line(*command) for command in commands) if line]


def print_table(title, columns, rows):
    widths = [max(len(str(row[at])) for row in [columns, *rows]) for at in range(len(columns))]
    print(f"\n{title}\n")
    for row in [columns, ["-" * width for width in widths], *rows]:
        print("| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |")


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures larder: the demo with and without it, and a "
        "cached object beside the caches that are installed.",
    )
    parser.add_argument("--only", choices=TABLES, help="only one of the tables")
    parser.add_argument("--rounds", type=int, default=3, help="of the peers and the audit, interleaved (3)")
    parser.add_argument("--seconds", type=int, default=4, help="of load in each round (4)")
    parser.add_argument(
        "--instructions", action="store_true", help="only the instructions that a request costs, by callgrind"
    )
    parser.add_argument(
        "--scale",
        type=int,
        metavar="ENTRIES",
        help="only what so many entries under one tag cost, and their purge; a million need 3 GB",
    )
    arguments = parser.parse_args()
    print(machine())
    print("\n".join(versions()))
    if arguments.instructions:
        print_table(
            "User-space instructions per request, one keep-alive connection, a browser's fields:",
            ["", "instructions"],
            bench_instructions.measure(),
        )
        return
    if arguments.scale:
        print_table("Many entries under one tag:", ["", "measured"], bench_scale.measure(arguments.scale))
        return
    if arguments.only in (None, "demo"):
        print_table(
            "The demo API, medians:", ["", "seed figure", "without larder", "with larder"], bench_demo.measure()
        )
    if arguments.only in (None, "peers"):
        print_table(
            "A cached object of 1 KB, one worker on one core, 64 connections, medians:",
            ["", "CPU per request", "requests per second", "p50", "p99"],
            bench_peers.measure(arguments.rounds, arguments.seconds),
        )
    if arguments.only in (None, "through"):
        print_table(
            "1 KB that is not cached, one worker on one core, 64 connections, medians:",
            ["", "CPU of a GET", "per second", "CPU of a POST", "per second"],
            bench_through.measure(arguments.rounds, arguments.seconds),
        )
    if arguments.only in (None, "http2"):
        print_table(
            "The same object over HTTP/2, one connection with 100 streams, medians:",
            ["", "CPU per request", "requests per second", "mean", "longest"],
            bench_peers.measure(arguments.rounds, arguments.seconds, http2=True),
        )
    if arguments.only in (None, "workers"):
        print_table(
            "Hits with one worker and with two, 64 connections, medians:",
            ["workers", "CPU per request", "requests per second", "times one"],
            bench_workers.measure(arguments.rounds, arguments.seconds),
        )
    if arguments.only in (None, "latency"):
        rate, rows = bench_latency.measure(arguments.rounds, arguments.seconds)
        print_table(
            f"Hits at a constant rate of {rate:,} requests per second, counted from when each was due, medians:",
            ["", "p50", "p99", "p99.9", "longest"],
            rows,
        )
    if arguments.only in (None, "miss"):
        print_table(
            "A miss that is stored, 1 KB, one worker, 32 connections, a route with a tag, medians:",
            ["", "measured"],
            bench_miss.measure(arguments.rounds, arguments.seconds),
        )
    if arguments.only in (None, "expiry"):
        print_table(
            f"{bench_expiry.RATE:,} requests per second for {EXPIRY_SECONDS} s, the origin takes "
            f"{bench_expiry.LIST_MS} ms, counted from when each was due:",
            ["", "ttl: 1h", f"ttl: {bench_expiry.TTL}s", f"ttl: {bench_expiry.TTL}s, refresh_ahead: 20%"],
            bench_expiry.measure_expiry(EXPIRY_SECONDS),
        )
    if arguments.only in (None, "audit"):
        print_table(
            "Hits of 1 KB while a share of them is compared with the origin, one worker, 64 connections, medians:",
            ["audit", "CPU per request", "p50", "p99", "comparisons per second"],
            bench_expiry.measure_audit(arguments.rounds, arguments.seconds),
        )


if __name__ == "__main__":
    main()
