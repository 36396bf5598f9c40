"""One larder of a run: a process that may hand over to a successor, be stopped, killed and started
again.
"""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from ..larder import SANITIZER_REPORT, Larder
from ..waiting import until
from .configuration import DRAIN, text_of
from .history import Rules, Stop, Window

NO_RULES = {"extra": False, "cookie": "", "vary": "", "user": "", "number": 0}
SETTLE = 0.1  # every worker has the new configuration this long after it shows
END_LIMIT = DRAIN + 1.0
HANDED_OVER = re.compile(r"handing over to process (\d+)")


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class _Guard:
    """Ends a process group when this process ends, however that happens: successors have no parent
    that would.
    """

    def __init__(self, group):
        self._shell = subprocess.Popen(
            ["sh", "-c", 'cat >/dev/null; kill -KILL -- "-$0" 2>/dev/null', str(group)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def stop(self):
        self._shell.kill()
        self._shell.wait()
        self._shell.stdin.close()


class Instance:
    def __init__(self, number, plan, settings, history, named):
        self.number, self.memory, self.threads = number, settings.memory, settings.threads
        self._plan, self._history = plan, history
        self.rules = dict(NO_RULES, **settings.rules)
        self._state = tempfile.TemporaryDirectory(prefix="larder-state-") if plan.state else None
        if self._state:
            named = dict(named, state=self._state.name)
        self._larder = Larder(text_of(plan, self, self.rules), start=False, **named)
        self.port, self.admin_port = self._larder.port, self._larder.admin_port
        self.available = False  # clients may ask it
        self.starts = 0  # connections from before the last one are dead
        self._guard, self.pid, self._logs = None, 0, ""
        self.sanitizer_report = None

    # ---- life

    def launch(self):
        self._larder.launch()
        self.starts += 1
        self.pid = self._larder.process.pid
        self._guard = _Guard(self.pid)

    def wait_until_ready(self):
        until(self._is_ready, timeout=20, what=f"readiness of instance {self.number}")
        self.available = True

    def _is_ready(self):
        if not is_running(self.pid):
            raise AssertionError(f"instance {self.number} ended:\n{self.log()[-3000:]}")
        return self._larder.admin("GET", "/readyz", timeout=2).status == 200

    def start(self):
        now = time.monotonic()
        self.launch()
        self.wait_until_ready()
        self._note_rules(now)

    def signal(self, number):
        if is_running(self.pid):
            os.kill(self.pid, number)

    def terminate(self):
        """SIGTERM; until() is_over tells when it has ended. Returns the record to be closed by
        finish().
        """
        stop = Stop(self.number, "SIGTERM", time.monotonic(), float("inf"), END_LIMIT)
        self._history.stops.append(stop)
        self.available = False
        self.signal(signal.SIGTERM)
        return stop

    def finish(self, stop):
        """Waits for the end, and notes it."""
        self._wait_for_end(self.pid, stop)
        self._bury()

    def _wait_for_end(self, pid, stop):
        deadline = stop.begin + stop.limit + 5
        while is_running(pid) and time.monotonic() < deadline:
            time.sleep(0.005)
        if is_running(pid):
            return
        stop.end = time.monotonic()
        process = self._larder.process
        if process is not None and process.pid == pid:
            stop.status = process.wait(5)

    def _bury(self):
        self._logs = self.log()
        if SANITIZER_REPORT.search(self._logs):
            self.sanitizer_report = self._logs
        if self._larder.process is not None:
            self._larder.process.kill()
        if self._guard is not None:
            self._guard.stop()
        self._guard, self.pid = None, 0

    def kill(self):
        self.available = False
        self.signal(signal.SIGKILL)
        until(lambda: not is_running(self.pid), what="the end of a killed process")
        self._bury()

    def hand_over(self):
        """SIGUSR2, and waits until the old process has ended. Clients go on meanwhile."""
        window = Window("handover", self.number, time.monotonic())
        self._history.windows.append(window)
        stop = Stop(
            self.number, "SIGUSR2", time.monotonic(), float("inf"), END_LIMIT + 2.0
        )  # the successor starts first
        self._history.stops.append(stop)
        old, count = self.pid, len(HANDED_OVER.findall(self.log()))
        self.signal(signal.SIGUSR2)
        successors = until(
            lambda: len(found := HANDED_OVER.findall(self.log())) > count and found,
            timeout=20,
            what="a successor",
        )
        self._wait_for_end(old, stop)
        self.pid = int(successors[-1])
        window.end = time.monotonic() + 0.2

    # ---- configuration

    def change_rules(self, **changes):
        """Reloads with these rules, and waits until they are in force."""
        self.rules.update(changes, number=self.rules["number"] + 1)
        asked = time.monotonic()
        self._larder.write_config(text_of(self._plan, self, self.rules))
        window = Window("reload", self.number, asked, note=str(changes))
        self._history.windows.append(window)
        rules = self._note_rules(asked)
        rules.since = float("inf")
        self.signal(signal.SIGHUP)
        wanted = f"rules:{self.rules['number']}".encode()
        until(
            lambda: wanted in self._larder.admin("GET", "/explain?method=GET&url=/rules", timeout=2).body,
            what="the new rules",
        )
        window.end = rules.since = time.monotonic() + SETTLE

    def reload(self):
        """The same configuration again."""
        self.change_rules()

    def _note_rules(self, asked):
        names = {name: value for name, value in self.rules.items() if name != "number"}
        rules = Rules(self.number, asked, time.monotonic(), **names)
        self._history.rules.append(rules)
        return rules

    # ---- looking in

    def admin(self, method, target, body=None, **named):
        return self._larder.admin(method, target, body=body, **named)

    def redis_is_up(self):
        return self._larder.metrics().total("larder_redis_up") == 1

    def log(self):
        path = os.path.join(os.path.dirname(self._larder.config_file), "log")
        try:
            with open(path, "rb") as log:
                return log.read().decode("utf-8", "replace")
        except OSError:
            return self._logs

    def stop(self):
        if self.pid:
            stop = self.terminate()
            self.finish(stop)
        elif self._guard is not None:
            self._bury()

    def clean_up(self):
        if self._guard is not None:
            self._bury()
        shutil.rmtree(os.path.dirname(self._larder.config_file), ignore_errors=True)
        if self._state:
            self._state.cleanup()
