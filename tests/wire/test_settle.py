"""`settle`: an API whose reads lag behind its writes."""
import time

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
    """A write counts at once; reads show it from `catch_up` on."""

    def __init__(self, origin):
        self.written = self.shown = 0
        origin.on("PUT /item", self._write)
        origin.on("GET /item", lambda request: reply(body=str(self.shown)))

    def _write(self, request):
        self.written += 1
        return reply(body=str(self.written))

    def catch_up(self):
        self.shown = self.written


def written_and_stored_old(larder, api):
    """What the lagging reads gave after the write is in the cache, and served."""
    larder.get("/item")
    larder.request("PUT", "/item", body=b"x")
    until(lambda: larder.get("/item").x_cache == "HIT")
    assert larder.get("/item").body == b"0"
    api.catch_up()


def test_nothing_older_than_the_write_remains(origin, start_larder):
    larder = start_larder(ROUTES, origin=origin.url, settle=", settle: 2s")
    api = LaggingApi(origin)
    written_and_stored_old(larder, api)
    until(lambda: larder.get("/item").body == b"1", timeout=4)


def test_what_is_stored_meanwhile_ends_with_the_time(origin, start_larder):
    larder = start_larder(ROUTES, origin=origin.url, settle=", settle: 5s")
    written_and_stored_old(larder, LaggingApi(origin))
    words = larder.get("/item").cache_status
    assert int(words.split("ttl=")[1]) <= 5


def test_without_it_the_old_answer_stays(origin, start_larder):
    larder = start_larder(ROUTES, origin=origin.url, settle="")
    written_and_stored_old(larder, LaggingApi(origin))
    end = time.monotonic() + 1
    until(lambda: larder.get("/item").x_cache == "HIT" and time.monotonic() > end)
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
