"""`settle`: an API whose reads lag behind its writes."""
import threading
import time

import pytest

from support.scripted_origin import reply
from support.waiting import until

ROUTES = """
listen: <listen>
admin: <admin>
origin: <origin>
threads: 2
routes:
  - {match: "GET /item", key: item, ttl: 600}
  - {match: "PUT /item", purge: [item]<settle>}
"""


class LaggingApi:
    """A write counts at once; reads show it only when the replica has caught up."""

    def __init__(self, origin, lag):
        self.version, self._changes, self._lag, self._lock = 0, [], lag, threading.Lock()
        origin.on("PUT /item", self._write)
        origin.on("GET /item", self._read)

    def _write(self, request):
        with self._lock:
            self.version += 1
            self._changes.append((time.monotonic() + self._lag, self.version))
        return reply(body=str(self.version))

    def _read(self, request):
        with self._lock:
            seen = [version for at, version in self._changes if at <= time.monotonic()]
        return reply(body=str(seen[-1] if seen else 0))


def read_until_settled(larder, api, settle):
    """Reads all the while; what the cache says a moment after the time is over."""
    larder.get("/item")
    larder.request("PUT", "/item", body=b"x")
    written = time.monotonic()
    words = set()

    def over():
        words.add(larder.get("/item").x_cache)
        return time.monotonic() > written + settle

    until(over, timeout=settle + 10)
    return words


@pytest.mark.parametrize("lag", [0, 0.4, 0.9])
def test_nothing_older_than_the_write_remains(origin, start_larder, lag):
    larder = start_larder(ROUTES, origin=origin.url, settle=", settle: 1s")
    api = LaggingApi(origin, lag)
    words = read_until_settled(larder, api, 1)
    assert "HIT" in words  # what came meanwhile is served
    until(lambda: larder.get("/item").body == str(api.version).encode(), timeout=2)


def test_without_it_the_old_answer_stays(origin, start_larder):
    larder = start_larder(ROUTES, origin=origin.url, settle="")
    api = LaggingApi(origin, 0.4)
    read_until_settled(larder, api, 1)
    assert larder.get("/item").body == b"0"


def test_a_refused_write_purges_nothing_later_either(origin, start_larder):
    larder = start_larder(ROUTES, origin=origin.url, settle=", settle: 500ms")
    origin.on("GET /item", reply(body=b"x"))
    origin.on("PUT /item", reply("422 No"))
    larder.get("/item")
    larder.request("PUT", "/item", body=b"x")
    end = time.monotonic() + 0.8
    until(lambda: larder.get("/item").x_cache == "HIT" and time.monotonic() > end)
    assert origin.count("GET /item") == 1
