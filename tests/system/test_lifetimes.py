"""How long an entry is served and kept, where that is not whole seconds."""
import time

import pytest

from support.scripted_origin import reply

TEXT = """listen: <listen>
admin: <admin>
origin: <origin>
redis: <redis>
memory: <memory>
routes:
  - {match: "GET /a", key: a, ttl: 1500ms}
  - {match: "GET /b", key: b, ttl: 60, status_ttl: {404: 1.5s}}
  - {match: "GET /c", key: c, ttl: 700ms, stale_while_revalidate: 800ms}
"""


def served_for(larder, target):
    """Asks every few milliseconds until the entry is no longer served; returns the bounds of its lifetime."""
    words, first = [], "BYPASS"
    while first == "BYPASS":  # a worker may not have its own connection to Redis yet
        asked = time.monotonic()
        first = larder.get(target).x_cache
    assert first == "MISS"
    answered = time.monotonic()
    while True:
        sent = time.monotonic()
        response = larder.get(target)
        words.append((response.x_cache, response.cache_status, response.field("age")))
        if response.x_cache not in ("HIT", "UPDATING"):
            if not any(word == "HIT" for word, _, _ in words):
                continue  # not stored yet
            return last_sent - answered, time.monotonic() - asked, words
        last_sent = sent
        time.sleep(0.01)


@pytest.mark.parametrize("memory", ["64MB", "off"])
@pytest.mark.parametrize("target, status", [("/a", "200 OK"), ("/b", "404 Not Found")])
def test_an_entry_is_served_for_a_second_and_a_half(origin, redis, start_larder, memory, target, status):
    origin.on(target, reply(status, body=b"x"))
    larder = start_larder(TEXT, origin=origin.url, redis=redis.url, memory=memory)
    larder.wait_for_redis()
    longest_sure, longest_possible, words = served_for(larder, target)
    assert longest_sure < 1.5 <= longest_possible, (longest_sure, longest_possible)
    for word, status_line, age in words:
        if word == "HIT":
            assert status_line in ("larder; hit; ttl=1", "larder; hit; ttl=0") and age in ("0", "1"), (status_line, age)


def test_redis_forgets_an_entry_when_it_ends(origin, redis, start_larder):
    origin.on("/a", reply(body=b"x"))
    larder = start_larder(TEXT, origin=origin.url, redis=redis.url, memory="off")
    larder.wait_for_redis()
    while larder.get("/a").x_cache != "HIT":
        pass
    left = redis("PTTL", "a")
    assert left == -2 or 0 < left <= 1500, left


def test_what_is_stale_is_served_for_less_than_a_second_too(origin, redis, start_larder):
    def slow(request):
        time.sleep(3 if origin.count("/c") > 1 else 0)
        return reply(body=b"x")

    origin.on("/c", slow)
    larder = start_larder(TEXT, origin=origin.url, redis=redis.url, memory="64MB")
    larder.wait_for_redis()
    longest_sure, longest_possible, words = served_for(larder, "/c")
    assert longest_sure < 1.5 <= longest_possible, (longest_sure, longest_possible)
    assert any(word == "UPDATING" for word, _, _ in words)
