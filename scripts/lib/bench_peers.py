"""A cached object of 1 KB: larder beside the caches that are installed, CPU per request and latency.

Each has one worker pinned to core 1, wrk has core 0. CPU is user and system time of the whole process tree from
/proc/PID/task/*/schedstat. The contenders take turns; each turn is a fresh process.
"""
import contextlib
import getpass
import os
import re
import shutil
import statistics
import subprocess
import tempfile

from support import raw_client
from support.larder import binary
from support.ports import HOST, free_port
from support.process import Process
from support.scripted_origin import ScriptedOrigin, reply
from support.waiting import until

OBJECT = "/object"
CONNECTIONS, STREAMS = 64, 100

LARDER = """
listen: 127.0.0.1:{port}
admin: off
origin: http://127.0.0.1:{origin}
threads: 1
routes:
  - {{match: "GET /object", key: object, ttl: 3600}}
"""

NGINX_CACHE = "proxy_cache object; proxy_cache_valid 200 1h;"
# Over connections that are kept, as larder's and HAProxy's are.
NGINX_THROUGH = "proxy_http_version 1.1; proxy_set_header Connection '';"

# Up to its servers.
NGINX_HEAD = """
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {folder}/body; fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi; proxy_temp_path {folder}/proxy;
"""
NGINX = (
    NGINX_HEAD
    + """
    proxy_cache_path {folder}/cache keys_zone=object:10m;
    upstream api {{ server 127.0.0.1:{origin}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{port}{nginx_http2};
        location / {{ proxy_pass http://api; {nginx_location} }}
    }}
}}
"""
)

HAPROXY = """
global
    nbthread 1
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 5s
cache object
    total-max-size 16
    max-object-size 100000
    max-age 3600
frontend in
    bind 127.0.0.1:{port}{haproxy_http2}
    http-request cache-use object
    http-response cache-store object
    default_backend out
backend out
    server origin 127.0.0.1:{origin}
"""


def contenders():
    """Names of those that are here, larder first."""
    installed = [
        name
        for name, program in (("nginx", "nginx"), ("HAProxy", "haproxy"), ("Varnish", "varnishd"))
        if shutil.which(program)
    ]
    return ["larder", *installed]


def nginx_user():
    """The line that keeps nginx, where root starts it, from becoming somebody who may not use its folder."""
    return f"user {getpass.getuser()};" if os.geteuid() == 0 else ""


def command_of(name, folder, port, origin, http2, through):
    if name == "Varnish":
        return [
            "varnishd",
            "-F",
            "-j",
            "none",
            "-a",
            f"{HOST}:{port}",
            "-b",
            f"{HOST}:{origin}",
            "-n",
            os.path.join(folder, "varnish"),
            "-s",
            "malloc,64m",
            "-p",
            "thread_pools=1",
            *(["-p", "feature=+http2"] if http2 else []),
        ]
    template = {"larder": LARDER, "nginx": NGINX, "HAProxy": HAPROXY}[name]
    config = os.path.join(folder, "config.yaml")
    with open(config, "w") as file:
        file.write(
            template.format(
                folder=folder,
                port=port,
                origin=origin,
                user=nginx_user(),
                nginx_http2=" http2" if http2 else "",
                nginx_location=NGINX_THROUGH if through else NGINX_CACHE,
                haproxy_http2=" proto h2" if http2 else "",
            )
        )
    return {
        "larder": [binary(), "serve", "-c", config],
        "nginx": ["nginx", "-c", config, "-e", os.path.join(folder, "error.log")],
        "HAProxy": ["haproxy", "-db", "-f", config],
    }[name]


def process_tree(root):
    """The process and all that descend from it."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as stat:
            parents[int(name)] = int(stat.read().rpartition(")")[2].split()[1])
    tree = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in tree} - tree
        if not more:
            return tree
        tree |= more


def cpu_nanoseconds(root):
    total = 0
    for pid in process_tree(root):
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/schedstat") as schedstat:
                    total += int(schedstat.read().split()[0])
    return total


def in_milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def pinned(core, command):
    return ["taskset", "-c", str(core), *command] if os.cpu_count() > 1 else command


def load_over_http2(port, seconds):
    """What h2load says: requests done, mean and longest time in milliseconds."""
    url = f"http://{HOST}:{port}{OBJECT}"
    command = ["h2load", "-D", str(seconds), "-c", "1", "-m", str(STREAMS), url]
    text = subprocess.run(pinned(0, command), capture_output=True, text=True, check=True).stdout
    done, failed = (int(re.search(rf"(\d+) {word}", text)[1]) for word in ("succeeded", "failed"))
    if failed or not done:
        raise RuntimeError(text)
    _, longest, mean = re.search(r"time for request: +(\S+) +(\S+) +(\S+)", text).groups()
    return done, in_milliseconds(mean), in_milliseconds(longest)


def answers(port, http2):
    if not http2:
        return raw_client.get(port, OBJECT).status == 200
    command = ["nghttp", "-n", "-s", f"http://{HOST}:{port}{OBJECT}"]
    asked = subprocess.run(command, capture_output=True, text=True)
    return asked.returncode == 0 and " 200 " in asked.stdout


def load(port, seconds, path=OBJECT, script=None):
    """What wrk says: requests done, p50 and p99 in milliseconds."""
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *(["-s", script] if script else [])]
    command = ["wrk", *options, f"http://{HOST}:{port}{path}"]
    text = subprocess.run(pinned(0, command), capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(text)
    requests = int(re.search(r"(\d+) requests in", text)[1])
    return requests, *(in_milliseconds(re.search(rf"^ +{percent}% +(\S+)$", text, re.M)[1]) for percent in (50, 99))


class Contender:
    """One of them as a process of its own, on core 1."""

    def __init__(self, name, origin, http2=False, through=False):
        self.folder, self.port = tempfile.mkdtemp(prefix="larder-bench-"), free_port()
        command = command_of(name, self.folder, self.port, origin.port, http2, through)
        self.process = Process(pinned(1, command), os.path.join(self.folder, "log"), folder=self.folder)
        try:
            until(lambda: answers(self.port, http2), timeout=30, what=name)
        except Exception:
            print(self.process.log()[-2000:])
            self.stop()
            raise

    def stop(self):
        self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def wrk_script(text):
    """The path of a file with a script for wrk."""
    with tempfile.NamedTemporaryFile("w", prefix="larder-bench-", suffix=".lua") as file:
        file.write(text)
        file.flush()
        yield file.name


def one_turn(name, seconds, http2):
    """(CPU microseconds per request, requests per second, and two times of `load`) of a fresh process."""
    measured = load_over_http2 if http2 else load
    origin = ScriptedOrigin()
    origin.on(OBJECT, reply(fields={"Cache-Control": "max-age=3600", "Content-Type": "text/plain"}, body=b"x" * 1024))
    contender = Contender(name, origin, http2)
    try:
        measured(contender.port, 1)
        asked = origin.count()
        before = cpu_nanoseconds(contender.process.pid)
        requests, *times = measured(contender.port, seconds)
        spent = cpu_nanoseconds(contender.process.pid) - before
        if origin.count() > asked + 1:
            raise RuntimeError(f"{name} does not cache: {origin.count()} requests reached the origin")
        return spent / 1000 / requests, requests / seconds, *times
    except Exception:
        print(contender.process.log()[-2000:])
        raise
    finally:
        contender.stop()
        origin.stop()


def measure(rounds, seconds, http2=False):
    """Rows of (name, CPU, requests per second, p50 and p99, or mean and longest), medians of the rounds."""
    turns = {name: [] for name in contenders()}
    for _ in range(rounds):
        for name in turns:
            turns[name].append(one_turn(name, seconds, http2))
    rows = []
    for name, results in turns.items():
        cpu, rate, *times = (statistics.median(column) for column in zip(*results))
        rows.append((name, f"{cpu:.1f} us", f"{rate:,.0f}", *(f"{time:.2f} ms" for time in times)))
    return rows
