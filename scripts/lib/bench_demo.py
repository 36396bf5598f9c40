"""The seed measurements of this kind of cache, repeated with the demo API directly and through larder."""
import contextlib
import os
import random
import statistics
import time

from support.demo_origin import DemoOrigin
from support.larder import REPOSITORY, Larder
from support.raw_client import Connection
from support.redis_server import RedisServer
from support.waiting import all_at_once, wait_until_still

LIST_MS, DETAIL_MS = 180, 55
READS, WRITES_IN_PERCENT = 2000, 0.5


def milliseconds(seconds):
    return f"{seconds * 1000:.1f} ms" if seconds >= 0.01 else f"{seconds * 1000:.2f} ms"


def median_time(port, target, count):
    with Connection(port) as client:
        return statistics.median(client.get(target).seconds for _ in range(count))


def ten_at_once(port, target):
    """Until the last of ten that ask at the same moment has its answer."""
    started = time.monotonic()
    answers = all_at_once(10, lambda _: Connection(port).get(target))
    assert all(answer.status == 200 for answer in answers)
    return time.monotonic() - started


def hit_rate(port):
    """Readers of a small site: details by Zipf's law, a few pages of the list, users and tags, now and then a write."""
    random_numbers = random.Random(1)
    articles = list(range(1, 201))
    weights = [1 / rank for rank in articles]
    hits = reads = 0
    with Connection(port) as client:
        while reads < READS:
            kind = random_numbers.random() * 100
            if kind < WRITES_IN_PERCENT:
                client.request(
                    "PATCH", f"/articles/{random_numbers.choice(articles)}", body={"title": f"Title {reads}"}
                )
                continue
            article = random_numbers.choices(articles, weights)[0]
            if kind < 70:
                target = f"/articles/{article}"
            elif kind < 90:
                target = f"/articles?skip={20 * random_numbers.choice([0, 0, 0, 0, 1, 1, 2, 3])}"
            else:
                target = random_numbers.choice(["/tags", f"/users/{article % 20 + 1}"])
            reads += 1
            hits += client.get(target).x_cache == "HIT"
    return hits / reads


def measure():
    """Rows of (what, seed figure, without larder, with larder)."""
    with contextlib.ExitStack() as stack:

        def enter(thing):
            stack.callback(thing.stop)
            return thing

        redis = enter(RedisServer())
        demo = enter(DemoOrigin(LIST_MS, DETAIL_MS))
        with open(os.path.join(REPOSITORY, "config", "articles.yaml")) as config:
            text = config.read().replace("127.0.0.1:8080", "<listen>").replace("127.0.0.1:9180", "<admin>")
        larder = enter(Larder(text, env={"ORIGIN_URL": demo.url, "REDIS_URL": redis.url}))
        larder.wait_for_redis()

        direct = {target: median_time(demo.port, target, 15) for target in ("/articles", "/articles/42")}
        cold = {
            "/articles": statistics.median(
                median_time(larder.port, f"/articles?skip={skip}", 1) for skip in range(100, 115)
            ),
            "/articles/42": statistics.median(
                median_time(larder.port, f"/articles/{article}", 1) for article in range(100, 115)
            ),
        }
        for target in direct:
            median_time(larder.port, target, 1)
        cached = {target: median_time(larder.port, target, 2000) for target in direct}

        # Requests that nobody has asked before, so that they are cold for larder too.
        ten_direct = statistics.median(ten_at_once(demo.port, "/articles?limit=50") for _ in range(3))
        ten_cold, fetches = [], []
        for limit in (51, 52, 53):
            ten_cold.append(ten_at_once(larder.port, f"/articles?limit={limit}"))
            count = wait_until_still(lambda: demo.count(f"GET /articles?limit={limit}"), 0.2)
            fetches.append(count)
        larder.purge(patterns=["*"])
        rate = hit_rate(larder.port)

    return [
        ("list, uncached", f"{LIST_MS} ms", milliseconds(direct["/articles"]), milliseconds(cold["/articles"])),
        ("list, cached", "12 ms", "-", milliseconds(cached["/articles"])),
        (
            "detail, uncached",
            f"{DETAIL_MS} ms",
            milliseconds(direct["/articles/42"]),
            milliseconds(cold["/articles/42"]),
        ),
        ("detail, cached", "8 ms", "-", milliseconds(cached["/articles/42"])),
        (f"hits among {READS} reads", "87 %", "-", f"{rate * 100:.1f} %"),
        (
            "ten cold list requests at once, until the last is answered",
            "1.8 s",
            f"{ten_direct:.2f} s",
            f"{statistics.median(ten_cold):.2f} s",
        ),
        ("  queries that they cost", "10", "10", " ".join(sorted(set(map(str, fetches))))),
    ]
