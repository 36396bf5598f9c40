"""`settle` and writes of unknown outcome where the process that planned the second purge dies before it."""
import time

import pytest

from support.scripted_origin import hang, raw, reply
from support.waiting import until

TEXT = """\
listen: <listen>
admin: <admin>
origin: {servers: [<origin>], response_timeout: 300ms}
redis: <redis>
memory: <memory>
routes:
  - {match: "GET /items/{id}", key: "items:{id}", ttl: 600, stale_if_error: 600, tags: ["all"]}
  - {match: "PUT /items/{id}", purge: ["items:{id}"], settle: 1500ms}
  - {match: "POST /items", purge: ["items:*"], settle: 1500ms}
  - {match: "DELETE /items/{id}", purge: ["items:{id}"]}
"""
MEMORY = pytest.mark.parametrize("memory", ["off", "64MB"])


def ttl(answer):
    return int(answer.cache_status.split("ttl=")[1].split(";")[0])


@MEMORY
@pytest.mark.parametrize("write", ["PUT /items/1", "POST /items"])
def test_what_another_instance_stores_meanwhile_ends_with_the_time(origin, redis, articles_larder, memory, write):
    method, target = write.split()
    origin.on(write, reply(body=b"{}"))
    origin.on("GET /items/1", reply(fields={"ETag": '"1"'}, body=b"old"))
    writer, reader = (articles_larder(origin, redis, memory, text=TEXT) for _ in range(2))
    assert writer.request(method, target, body=b"{}").status == 200
    written = time.monotonic()
    until(lambda: reader.get("/items/1").x_cache == "HIT")
    assert ttl(reader.get("/items/1")) <= 1
    writer.kill()
    origin.on("GET /items/1", reply(fields={"ETag": '"2"'}, body=b"new"))
    until(lambda: reader.get("/items/1").body == b"new", timeout=3, what="the end of the old answer")
    assert time.monotonic() - written > 1


def test_a_confirmed_entry_ends_with_the_time_too(origin, redis, articles_larder):
    origin.on("PUT /items/1", reply(body=b"{}"))
    origin.on("GET /items/1", reply(fields={"ETag": '"1"', "Cache-Control": "max-age=1"}, body=b"old"))
    writer, reader = (articles_larder(origin, redis, "64MB", text=TEXT) for _ in range(2))
    writer.request("PUT", "/items/1", body=b"{}")
    until(lambda: reader.get("/items/1").x_cache == "HIT")
    origin.on("GET /items/1", reply("304 Not Modified", fields={"ETag": '"1"', "Cache-Control": "max-age=600"}))
    until(lambda: reader.get("/items/1").x_cache == "REVALIDATED", timeout=3)
    writer.kill()
    origin.on("GET /items/1", reply(fields={"ETag": '"2"'}, body=b"new"))
    until(lambda: reader.get("/items/1").body == b"new", timeout=3, what="the end of the confirmed answer")


@MEMORY
def test_what_is_stored_after_a_write_of_unknown_outcome_ends_with_its_last_purge(
    origin, redis, articles_larder, memory
):
    origin.on("DELETE /items/1", raw(hang))
    origin.on("GET /items/1", reply(body=b"old"))
    writer, reader = (articles_larder(origin, redis, memory, text=TEXT) for _ in range(2))
    assert writer.request("DELETE", "/items/1").status == 504
    until(lambda: reader.get("/items/1").x_cache == "HIT")
    assert ttl(reader.get("/items/1")) <= 10
    writer.kill()
    origin.on("GET /items/1", reply(body=b"new"))
    until(lambda: reader.get("/items/1").body == b"new", timeout=12, what="the end of the old answer")
