"""Requests that are not cached: a GET of 1 KB and a POST of 1 KB through larder, and through nginx and HAProxy.

The origin is nginx, which answers by itself, on the core of the load. Connections to it are kept by all three.
"""
import os
import shutil
import statistics
import tempfile

from bench_peers import NGINX_HEAD, Contender, contenders, cpu_nanoseconds, load, nginx_user, pinned, wrk_script
from support import raw_client
from support.ports import free_port
from support.process import Process
from support.waiting import until

ORIGIN = (
    NGINX_HEAD
    + """
    server {{
        listen 127.0.0.1:{port};
        location / {{ default_type application/json; add_header Cache-Control no-store; return 200 "{body}"; }}
    }}
}}
"""
)
BODY = "b" * 1024
POST = f"""
wrk.method = "POST"
wrk.body = "{BODY}"
wrk.headers["Content-Type"] = "application/json"
"""
PATH = "/through"  # no route of larder's
KINDS = {"GET": "", "POST": POST}


class Origin:
    def __init__(self):
        self.folder, self.port = tempfile.mkdtemp(prefix="larder-bench-"), free_port()
        config = os.path.join(self.folder, "nginx.conf")
        with open(config, "w") as file:
            file.write(ORIGIN.format(folder=self.folder, port=self.port, user=nginx_user(), body=BODY))
        command = ["nginx", "-c", config, "-e", os.path.join(self.folder, "error.log")]
        self.process = Process(pinned(0, command), os.path.join(self.folder, "log"), folder=self.folder)
        until(lambda: raw_client.get(self.port, "/").status == 200, timeout=30, what="the origin")

    def stop(self):
        self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def one_turn(name, origin, kind, seconds):
    """CPU microseconds per request, and requests per second."""
    contender = Contender(name, origin, through=True)
    try:
        with wrk_script(KINDS[kind]) as script:
            load(contender.port, 1, PATH, script)
            before = cpu_nanoseconds(contender.process.pid)
            requests, _, _ = load(contender.port, seconds, PATH, script)
            return (cpu_nanoseconds(contender.process.pid) - before) / 1000 / requests, requests / seconds
    finally:
        contender.stop()


def measure(rounds, seconds):
    """Rows of (name, CPU and requests per second of a GET, of a POST), medians of the rounds."""
    if not shutil.which("nginx"):
        return [("this needs nginx, which answers in the origin's place", "", "", "", "")]
    origin = Origin()
    names = [name for name in contenders() if name != "Varnish"]
    turns = {(name, kind): [] for name in names for kind in KINDS}
    try:
        for _ in range(rounds):
            for name, kind in turns:
                turns[name, kind].append(one_turn(name, origin, kind, seconds))
    finally:
        origin.stop()
    rows = []
    for name in names:
        row = [name]
        for kind in KINDS:
            cpu, rate = (statistics.median(column) for column in zip(*turns[name, kind]))
            row += [f"{cpu:.1f} us", f"{rate:,.0f}"]
        rows.append(row)
    return rows
