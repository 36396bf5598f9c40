"""A history of writes and reads, checked as it grows: no reader may see a version older than one answered before."""
import bisect
import threading
import time

from .raw_client import Connection


class History:
    """For some seconds, writers raise the version of one API and readers read it, each over its own connection.

    write(port) and read(port) each start a client. lag: the reader must see writes answered this many seconds ago.
    stale: the reads that were too old. failed: the answers that were not 200. slow: the requests that took longer than
    patience (seconds). acknowledged_only: a write whose purge is owed to Redis, as its answer says, binds nobody.
    """

    def __init__(self, write_target, read_targets, seconds, patience=1.0, acknowledged_only=False):
        self.write_target, self.read_targets, self.patience = write_target, read_targets, patience
        self._acknowledged_only = acknowledged_only
        self.stale, self.failed, self.slow = [], [], []
        self.reads = self.writes = 0
        self._times, self._versions, self._lock = [0.0], [0], threading.Lock()  # the highest version answered by then
        self._until = time.monotonic() + seconds
        self._threads = []

    def write(self, port, pause=0.01):
        """A writer, who also reads everything after each write."""
        self._start(self._write, port, pause, 0.0)
        return self

    def read(self, port, pause=0.0, lag=0.0):
        self._start(self._read, port, pause, lag)
        return self

    def finish(self):
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a client of the history still waits for an answer"
        return self

    def _start(self, step, port, pause, lag):
        thread = threading.Thread(target=self._run, args=(step, port, pause, lag), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self, step, port, pause, lag):
        connection = None
        while time.monotonic() < self._until:
            try:
                connection = connection or Connection(port)
                step(connection, port, lag)
            except (OSError, AssertionError) as error:
                self.failed.append((port, repr(error)))
                connection = None
            time.sleep(pause)
        if connection is not None:
            connection.close()

    def _write(self, connection, port, lag):
        response = connection.request("PUT", self.write_target, body={})
        self._judge(response, port)
        version = response.json()["version"]
        if self._acknowledged_only and "detail=redis" in (response.cache_status or ""):
            return
        with self._lock:
            self._times.append(time.monotonic())
            self._versions.append(max(self._versions[-1], version))
            self.writes += 1
        self._read(connection, port, lag)

    def _read(self, connection, port, lag):
        for target in self.read_targets:
            self._read_one(connection, port, target, lag)

    def _read_one(self, connection, port, target, lag):
        with self._lock:
            at_least = self._versions[max(0, bisect.bisect_right(self._times, time.monotonic() - lag) - 1)]
        response = connection.get(target)
        self._judge(response, port)
        seen = response.json()["version"]
        with self._lock:
            self.reads += 1
            if seen < at_least:
                self.stale.append((port, target, seen, at_least, response.cache_status))

    def _judge(self, response, port):
        if response.status != 200:
            self.failed.append((port, response.status, response.cache_status))
        if response.seconds > self.patience:
            self.slow.append((port, response.seconds, response.cache_status))
