"""Clients that keep asking while a test breaks something."""
import itertools
import threading
import time
from collections import namedtuple

from .raw_client import Connection
from .waiting import until

Sample = namedtuple("Sample", "at seconds status x_cache cache_status error")


class Load:
    """Asks for the targets in turn over a few keep-alive connections until stop(); every request leaves a Sample."""

    def __init__(self, port, targets, clients=4, pause=0.002):
        self.samples = []
        self._port, self._pause = port, pause
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(targets, number), daemon=True) for number in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, targets, number):
        connection = None
        for target in itertools.islice(itertools.cycle(targets), number, None):
            if self._stopping.wait(self._pause):
                break
            started = time.monotonic()
            try:
                connection = connection or Connection(self._port)
                response = connection.get(target)
                sample = Sample(
                    started, time.monotonic() - started, response.status, response.x_cache, response.cache_status, None
                )
                if response.field("connection") == "close":
                    connection.close()
                    connection = None
            except (OSError, AssertionError) as error:
                connection = None
                sample = Sample(started, time.monotonic() - started, None, None, None, repr(error))
            self.samples.append(sample)
        if connection is not None:
            connection.close()

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)
        return self.samples

    def failures(self):
        return [sample for sample in self.samples if sample.status != 200]

    def since(self, moment):
        return [sample for sample in self.samples if sample.at >= moment]

    def slowest(self, since=0.0):
        return max((sample.seconds for sample in self.since(since)), default=0.0)

    def wait_for(self, count):
        """Until so many more requests have been answered."""
        target = len(self.samples) + count
        until(lambda: len(self.samples) >= target, timeout=30, what=f"{count} more answers")
