"""User-space instructions of one request, by callgrind: the same on a busy machine as on an idle one.

larder runs under callgrind twice, with a different number of requests over one keep-alive connection. The difference of
the totals, divided by the difference of the numbers, is the cost of one request.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

from support import larder as larder_command
from support.larder import Larder
from support.redis_server import RedisServer
from support.scripted_origin import ScriptedOrigin, reply

FEW, MANY = 100, 1100
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/115.0",
    "Accept": "application/json, text/plain, */*",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br",
}
BODY = json.dumps({"p": "b" * 1016}).encode()

CONFIGURATION = """
listen: <listen>
admin: off
origin: <origin>
redis: <redis>
memory: <memory>
threads: 1
routes:
  - {match: "GET /cached/{name}", key: "cached:{name}", ttl: 1h}
"""

HTTP2 = "hit, 1 KB, memory, HTTP/2 with 100 streams"

# What is asked for, and how it is answered: method, target, body, expected X-Cache, memory tier, with Redis.
KINDS = {
    "hit, 1 KB, memory": ("GET", "/cached/hot", None, "HIT", "64MB", False),
    "pass, 1 KB": ("GET", "/other", None, "BYPASS", "64MB", False),
    "POST, 1 KB": ("POST", "/other", BODY, "BYPASS", "64MB", False),
    "hit, 1 KB, in Redis": ("GET", "/cached/hot", None, "HIT", "off", True),
    HTTP2: ("GET", "/cached/hot", None, "HIT", "64MB", False),
}


def wrapper(folder, out):
    """A command in larder's place that runs it under callgrind."""
    path = os.path.join(folder, "larder")
    with open(path, "w") as script:
        script.write(
            f'#!/bin/sh\nexec valgrind -q --tool=callgrind --callgrind-out-file={out} {larder_command.binary()} "$@"\n'
        )
    os.chmod(path, 0o755)
    return path


def ask_over_http2(port, target, amount):
    fields = [word for name, value in BROWSER.items() for word in ("-H", f"{name}: {value}")]
    command = ["h2load", "-n", str(amount), "-c", "1", "-m", "100", *fields, f"http://127.0.0.1:{port}{target}"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if f"{amount} succeeded" not in text:
        sys.exit(text)


def total(kind, amount):
    method, target, body, word, memory, with_redis = KINDS[kind]
    origin = ScriptedOrigin(reply(fields={"Content-Type": "application/json"}, body=BODY))
    redis = RedisServer() if with_redis else None
    folder = tempfile.mkdtemp(prefix="larder-instructions-")
    out = os.path.join(folder, "callgrind.out")
    real = os.environ["LARDER"]
    os.environ["LARDER"] = wrapper(folder, out)
    try:
        larder = Larder(
            CONFIGURATION, start=False, origin=origin.url, redis=redis.url if redis else "off", memory=memory
        )
        larder.launch()
        larder.wait_until_it_accepts(timeout=90)
        with larder.connect(timeout=60) as client:
            for _ in range(20):  # connections, buffers, and the entry
                client.request(method, target, BROWSER, body)
            words = {client.request(method, target, BROWSER, body).x_cache for _ in range(1 if kind == HTTP2 else amount)}
        if kind == HTTP2:
            ask_over_http2(larder.port, target, amount)
        larder.stop()
    finally:
        os.environ["LARDER"] = real
        origin.stop()
        if redis:
            redis.stop()
    if words != {word}:
        sys.exit(f"{kind}: expected {word}, not {sorted(words)}")
    with open(out) as counted:
        return int(re.search(r"^(?:summary|totals): (\d+)", counted.read(), re.M)[1])


def cost_of(kind):
    """Instructions of one request."""
    return (total(kind, MANY) - total(kind, FEW)) / (MANY - FEW)


def measure():
    """Rows of kind and instructions per request."""
    return [(kind, f"{cost_of(kind):,.0f}") for kind in KINDS]
