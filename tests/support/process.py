"""A child process in its own session, with its output in a file. It ends with the tests, however they end."""
import os
import signal
import subprocess


class Process:
    def __init__(self, command, log_file, env=None, folder=None):
        self.log_file = log_file
        with open(log_file, "ab") as log:
            self._child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "SIGKILL", *(str(word) for word in command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                cwd=folder,
                start_new_session=True,
            )
        self.pid = self._child.pid

    def is_running(self):
        return self._child.poll() is None

    def signal(self, number):
        if self.is_running():
            os.kill(self.pid, number)

    def log(self):
        with open(self.log_file, "rb") as log:
            return log.read().decode("utf-8", "replace")

    def wait(self, timeout):
        """The exit status; negative where a signal ended it. AssertionError while it still runs."""
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"process {self.pid} still runs after {timeout:g} s; its log ends:\n{self.log()[-2000:]}"
            ) from None

    def kill(self):
        """Ends it, and whatever it started, without asking."""
        for number in (signal.SIGCONT, signal.SIGKILL):
            try:
                os.killpg(self.pid, number)
            except (ProcessLookupError, PermissionError):
                pass
        self._child.wait(10)
