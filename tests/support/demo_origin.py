"""The demo API as a process."""
import os
import shutil
import tempfile

from . import raw_client
from .larder import REPOSITORY
from .ports import HOST, free_port
from .process import Process
from .waiting import until

PYTHON = "/usr/bin/python3"  # the one that has Debian's FastAPI


class DemoOrigin:
    """Freshly seeded; times in milliseconds. Its clock stands still, so that two of them give the same answers."""

    def __init__(self, list_ms=0, detail_ms=0):
        self.port = free_port()
        self._folder = tempfile.mkdtemp(prefix="larder-demo-")
        env = {
            **os.environ,
            "ARTICLES_LIST_MS": str(list_ms),
            "ARTICLES_DETAIL_MS": str(detail_ms),
            "ARTICLES_DB": os.path.join(self._folder, "articles.sqlite"),
            "ARTICLES_CLOCK": "2024-06-01T12:00:00",
        }
        command = [
            PYTHON,
            "-m",
            "uvicorn",
            "articles.main:app",
            "--app-dir",
            os.path.join(REPOSITORY, "tests", "origin"),
            "--host",
            HOST,
            "--port",
            self.port,
            "--log-level",
            "info",
        ]
        self._process = Process(command, os.path.join(self._folder, "log"), env=env, folder=self._folder)
        try:
            until(lambda: raw_client.get(self.port, "/users/1").status == 200, timeout=60, what="the demo API")
        except BaseException:
            self.stop()
            raise

    @property
    def url(self):
        return f"http://{HOST}:{self.port}"

    def count(self, request_line):
        """How many requests of that line, such as "GET /articles/42", its own access log shows."""
        return self._process.log().count(f'"{request_line} HTTP/1.1"')

    def stop(self):
        self._process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
