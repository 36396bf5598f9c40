"""A redis-server of the test's own, and a client of a few lines to look into it."""
import os
import shutil
import signal
import socket
import tempfile

from .ports import HOST, free_port
from .process import Process
from .waiting import until


class RedisError(Exception):
    pass


class RedisClient:
    """RESP2 over one connection: redis("GET", "key") returns bytes, int, list or None."""

    def __init__(self, port, user=None, password=None, timeout=5.0):
        self._socket = socket.create_connection((HOST, port), timeout)
        self._input = self._socket.makefile("rb")
        if password is not None:
            self("AUTH", *([user] if user else []), password)

    def __call__(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        reply = self._read()
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def _read(self):
        line = self._input.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            return RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._input.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self._read() for _ in range(int(rest))]
        raise RedisError(f"not a reply: {line!r}")

    def close(self):
        self._input.close()
        self._socket.close()


class RedisServer:
    """On a random port and, at socket_path, on a Unix socket. Keeps nothing on disk unless save() is called.

    acl: {"user": ("password", "~* +@all")}; with it, or with password, the default user needs the password too.
    """

    def __init__(self, password=None, acl=None, options=(), start=True):
        self.port = free_port()
        self.password = password
        self._folder = tempfile.mkdtemp(prefix="larder-redis-")
        self.socket_path = os.path.join(self._folder, "redis.sock")
        self._options = list(options)
        for user, (secret, rules) in (acl or {}).items():
            self._options += ["--user", user, "on", ">" + secret, *rules.split()]
        self._process = self._client = None
        if start:
            self.start()

    @property
    def url(self):
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}{HOST}:{self.port}/0"

    def start(self):
        """Starts it with what save() last wrote, if anything, and waits until it answers."""
        command = [
            "redis-server",
            "--port",
            self.port,
            "--bind",
            HOST,
            "--unixsocket",
            self.socket_path,
            "--dir",
            self._folder,
            "--save",
            "",
            "--appendonly",
            "no",
            "--daemonize",
            "no",
        ]
        if self.password:
            command += ["--requirepass", self.password]
        self._process = Process(command + self._options, os.path.join(self._folder, "log"), folder=self._folder)
        until(self._answers, what="redis-server")

    def _answers(self):
        if not self._process.is_running():
            raise AssertionError("redis-server ended: " + self._process.log()[-500:])
        try:
            return self("PING") == b"PONG"
        except RedisError as error:
            return "LOADING" not in str(error)

    def __call__(self, *words):
        """One command, as the default user."""
        try:
            if self._client is None:
                self._client = RedisClient(self.port, password=self.password)
            return self._client(*words)
        except OSError:
            self._forget_client()
            raise

    def _forget_client(self):
        if self._client is not None:
            self._client.close()
        self._client = None

    def keys(self, pattern="*", database=0):
        """Every key of a database, by SCAN; larder's own bookkeeping included."""
        client = RedisClient(self.port, password=self.password)
        try:
            client("SELECT", database)
            found, cursor = set(), b"0"
            while True:
                cursor, some = client("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
                found.update(key.decode() for key in some)
                if cursor == b"0":
                    return sorted(found)
        finally:
            client.close()

    def entries(self, database=0):
        """The keys of stored responses: all but larder's own bookkeeping."""
        return [key for key in self.keys(database=database) if not key.startswith("larder:")]

    def calls(self):
        """How often each command was called since the start: {"get": 3, ...}."""
        rows = self("INFO", "commandstats").decode().splitlines()
        return {
            row.split("_", 1)[1].split(":")[0]: int(row.split("calls=")[1].split(",")[0])
            for row in rows
            if row.startswith("cmdstat_")
        }

    def connections(self):
        """How many clients are connected, without the test's own connection."""
        return len(self("CLIENT", "LIST").decode().splitlines()) - 1

    def is_running(self):
        return self._process is not None and self._process.is_running()

    def kill(self):
        """kill -9."""
        self._forget_client()
        self._process.signal(signal.SIGKILL)
        self._process.wait(10)

    def freeze(self):
        self._process.signal(signal.SIGSTOP)

    def thaw(self):
        self._process.signal(signal.SIGCONT)

    def save(self):
        """Writes a snapshot that the next start() loads."""
        self("SAVE")

    def forget_snapshot(self):
        snapshot = os.path.join(self._folder, "dump.rdb")
        if os.path.exists(snapshot):
            os.unlink(snapshot)

    def stop(self):
        self._forget_client()
        if self._process is not None:
            self._process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
