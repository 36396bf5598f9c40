"""The binary under test: one instance at ports of its own, from a configuration text."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from . import raw_client
from .ports import HOST, free_port
from .process import Process
from .waiting import until

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SANITIZER_REPORT = re.compile(r"ERROR: (Address|Leak|Undefined)\w*Sanitizer|WARNING: ThreadSanitizer|runtime error:")


def binary():
    """build/release/larder, or what the environment variable LARDER names."""
    path = os.environ.get("LARDER") or os.path.join(REPOSITORY, "build", "release", "larder")
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"{path} is not there: build it with scripts/build, or set LARDER")
    return os.path.abspath(path)


def clean_environment(extra=None):
    """The test's own variables without those that the demo configuration reads."""
    names = ("ORIGIN_URL", "REDIS_URL", "REDIS_MAX_CONNECTIONS")
    kept = {
        name: value for name, value in os.environ.items() if name not in names and not name.startswith("CACHE_TTL_")
    }
    suppressions = os.path.join(REPOSITORY, "tests", "tsan.supp")
    return {
        **kept,
        "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
        "TSAN_OPTIONS": f"suppressions={suppressions}",
        **(extra or {}),
    }


def run(*words, env=None, timeout=30):
    """Runs one of the other commands; the finished process with its output as text."""
    return subprocess.run(
        [binary(), *words], capture_output=True, text=True, timeout=timeout, env=clean_environment(env)
    )


class Metrics(list):
    """(name, labels, value) of every sample."""

    SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)')
    LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text):
        super().__init__()
        self.text = text
        for line in text.splitlines():
            if line and not line.startswith("#"):
                match = self.SAMPLE.fullmatch(line)
                assert match, f"not a sample: {line!r}"
                self.append((match[1], dict(self.LABEL.findall(match[2] or "")), float(match[3])))

    def families(self):
        return set(re.findall(r"^# TYPE (\S+)", self.text, re.M))

    def total(self, name, **labels):
        """The sum of all samples of that name that carry these labels."""
        return sum(value for found, own, value in self if found == name and labels.items() <= own.items())


class Larder:
    """Starts `larder serve` and waits until it is ready.

    In the text, <listen> and <admin> stand for its own addresses; other <names> stand for the arguments of that name.
    within: a command that starts it, such as that of support.hosts_file.
    """

    def __init__(self, text, env=None, arguments=(), start=True, within=(), **named):
        self.port, self.admin_port = free_port(), free_port()
        self._folder = tempfile.mkdtemp(prefix="larder-test-")
        self._named, self._env, self._arguments, self._within = named, env, list(arguments), list(within)
        self.config_file = os.path.join(self._folder, "larder.yaml")
        self.process = None
        self.successor = None  # process id, after hand_over()
        self.metrics_token = None  # where the admin address needs one
        self.write_config(text)
        if start:
            self.start()

    def write_config(self, text):
        """Replaces the configuration file; reload() makes it valid."""
        values = {"listen": f"{HOST}:{self.port}", "admin": f"{HOST}:{self.admin_port}", **self._named}
        for name, value in values.items():
            text = text.replace(f"<{name}>", str(value))
        with open(self.config_file, "w") as config:
            config.write(text)

    def start(self):
        self.launch()
        until(self._is_ready, timeout=20, what="larder's readiness")

    def launch(self):
        """Starts it without waiting for anything."""
        command = [*self._within, binary(), "serve", "-c", self.config_file, *self._arguments]
        self.process = Process(
            command, os.path.join(self._folder, "log"), env=clean_environment(self._env), folder=self._folder
        )

    def _is_ready(self):
        if not self.process.is_running():
            raise AssertionError(f"larder ended with {self.process.wait(1)}:\n{self.log()[-3000:]}")
        return self.admin("GET", "/readyz", timeout=2).status == 200

    def connect(self, **named):
        return raw_client.Connection(self.port, **named)

    def request(self, method, target, fields=(), body=None, **named):
        """One request over a connection of its own."""
        return raw_client.request(self.port, method, target, fields, body, **named)

    def get(self, target, fields=(), **named):
        return self.request("GET", target, fields, **named)

    def admin(self, method, target, fields=(), body=None, **named):
        return raw_client.request(self.admin_port, method, target, fields, body, **named)

    def purge(self, **what):
        """POST /purge with these members."""
        return self.admin("POST", "/purge", body=what)

    def metrics(self):
        fields = {"Authorization": f"Bearer {self.metrics_token}"} if self.metrics_token else {}
        response = self.admin("GET", "/metrics", fields)
        assert response.status == 200, response
        return Metrics(response.body.decode())

    def metrics_once(self, name, at_least, **labels):
        """The metrics as soon as that one has reached a value: a request is counted when its last byte is out, which a
        client may see before the counter moves."""

        def reached():
            metrics = self.metrics()
            return metrics if metrics.total(name, **labels) >= at_least else None

        return until(reached, what=f"{name} {labels} >= {at_least}")

    def wait_for_redis(self, up=True, timeout=10.0):
        until(
            lambda: self.metrics().total("larder_redis_up") == (1 if up else 0), timeout, f"larder_redis_up {int(up)}"
        )

    def reload(self):
        self.process.signal(signal.SIGHUP)

    def successors(self):
        """Process ids of those that run and that this process started, whoever their parent is by now."""
        rows = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True).stdout.splitlines()
        found = [(int(row.split()[0]), int(row.split()[1]), row.split()[2]) for row in rows]
        return [
            own
            for own, group, state in found
            if group == self.process.pid and own != self.process.pid and not state.startswith("Z")
        ]

    def wait_until_it_accepts(self, timeout=20):
        """For one without an admin address."""
        until(self._accepts, timeout=timeout, what="larder's listening socket")

    def _accepts(self):
        """Whether the process itself has listening sockets of its port open."""
        with open("/proc/net/tcp") as table:
            rows = [row.split() for row in table][1:]
        listening = {
            f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == self.port
        }
        folder = f"/proc/{self.process.pid}/fd"
        return any(os.readlink(os.path.join(folder, name)) in listening for name in os.listdir(folder))

    def hand_over(self):
        """SIGUSR2; returns when the successor serves all new connections and this process drains. stop() ends both."""
        serving = self.log().count(" serves with ")
        self.process.signal(signal.SIGUSR2)
        until(
            lambda: self.log().count(" serves with ") > serving and "draining" in self.log(),
            timeout=20,
            what="the successor",
        )
        until(lambda: not self.process.is_running() or not self._accepts(), what="the old process's end of accepting")
        self.successor = self.successors()[0]

    def restart(self, number=signal.SIGTERM):
        """Ends it with that signal and starts it anew with the same configuration."""
        self.process.signal(number)
        status = self.process.wait(45)
        assert status == (
            0 if number == signal.SIGTERM else -number
        ), f"larder ended with {status}:\n{self.log()[-4000:]}"
        self.start()

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def log(self):
        return self.process.log() if self.process else ""

    def stop(self):
        """SIGTERM: it must end by itself with status 0, and no sanitizer may have found anything."""
        if self.process is None:
            return
        if self.successor is not None:
            os.kill(self.successor, signal.SIGTERM)
            until(lambda: not self.successors(), timeout=45, what="the end of the successor")
            self.process.wait(45)
            self.wait_for_end(1)
            return
        was_running = self.process.is_running()
        self.process.signal(signal.SIGTERM)
        log = self.wait_for_end(45)
        assert was_running, f"larder had ended before the test did:\n{log[-4000:]}"

    def kill(self):
        """As a power cut: what the process still meant to do is not done."""
        process, self.process = self.process, None
        process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def wait_for_end(self, timeout=20):
        """Waits for an end that the test has brought about, and judges it as stop() does."""
        process, self.process = self.process, None
        try:
            status = process.wait(timeout)
            log = process.log()
            assert not SANITIZER_REPORT.search(log), f"a sanitizer reported:\n{log[-8000:]}"
            assert status == 0, f"larder ended with {status}:\n{log[-4000:]}"
            return log
        finally:
            process.kill()
            shutil.rmtree(self._folder, ignore_errors=True)

    def stats(self):
        return json.loads(self.admin("GET", "/stats").body)
