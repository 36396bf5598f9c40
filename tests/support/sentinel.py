"""A private redis-sentinel that watches one master, called m."""
import os

from .ports import HOST, free_port
from .process import Process
from .redis_server import RedisClient
from .waiting import until


class Sentinel:
    """folder: an existing one for its files. options: lines of its configuration. password: what it asks for, if the
    options say so."""

    def __init__(self, master_port, folder, options=(), password=None, port=None):
        self.port, self._password = port or free_port(), password
        self._folder = os.path.join(folder, f"sentinel-{self.port}")
        os.mkdir(self._folder)
        config = os.path.join(self._folder, "sentinel.conf")
        lines = [
            f"port {self.port}",
            f"bind {HOST}",
            f"dir {self._folder}",
            f"sentinel monitor m {HOST} {master_port} 1",
            *options,
        ]
        with open(config, "w") as file:
            file.write("\n".join(lines) + "\n")
        log = os.path.join(self._folder, "log")
        self._process = Process(["redis-server", config, "--sentinel"], log, folder=self._folder)
        if "tls-port" not in " ".join(options):
            until(self.master_port, what="a sentinel")

    def ask(self, *words):
        """One command, on a connection of its own."""
        client = RedisClient(self.port, password=self._password)
        try:
            return client(*words)
        finally:
            client.close()

    def master_port(self):
        """Of the master that it names; None where it knows none."""
        address = self.ask("SENTINEL", "get-master-addr-by-name", "m")
        return int(address[1]) if address else None

    def knows_a_replica(self):
        return len(self.ask("SENTINEL", "REPLICAS", "m")) == 1

    def stop(self):
        self._process.kill()
