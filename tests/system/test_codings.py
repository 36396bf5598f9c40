"""A stored coding is only for those who accept it, wherever the entry comes from."""
import gzip

import pytest

from support.scripted_origin import reply
from support.waiting import until

TEXT = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: <redis>
memory: <memory>
routes:
  - {match: "GET /data", key: data, ttl: 1h, ignore: [vary]}
"""
PLAIN, PACKED = b"all of it", gzip.compress(b"all of it")


def by_accept_encoding(request):
    if "gzip" in (request.field("accept-encoding") or ""):
        return reply(fields={"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}, body=PACKED)
    return reply(fields={"Vary": "Accept-Encoding"}, body=PLAIN)


@pytest.mark.parametrize("memory", ["64MB", "off"])
@pytest.mark.parametrize("fields", [{}, {"Accept-Encoding": "identity"}, {"Accept-Encoding": "br"}])
def test_a_client_gets_no_coding_that_it_does_not_accept(origin, redis, start_larder, memory, fields):
    origin.on("/data", by_accept_encoding)
    first, other = [start_larder(TEXT, origin=origin.url, redis=redis.url, memory=memory) for _ in range(2)]
    first.wait_for_redis()
    other.wait_for_redis()
    packing = {"Accept-Encoding": "gzip"}
    until(lambda: first.get("/data", packing).x_cache == "HIT", what="a hit for who accepts it")
    until(lambda: other.get("/data", packing).x_cache == "HIT", what="a hit at the other instance")
    answer = other.get("/data", fields)
    assert (answer.x_cache, answer.field("content-encoding"), answer.body) == ("MISS", None, PLAIN)
