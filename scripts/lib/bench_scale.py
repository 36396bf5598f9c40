"""What many entries under one tag cost: in Redis' memory, and when the tag is purged.

larder stores one entry; the others are made of it inside Redis, as larder would have stored them under other keys. A few
of them are asked for through larder, to show that they are entries.
"""
import time

from support.larder import Larder
from support.redis_server import RedisServer
from support.scripted_origin import ScriptedOrigin, reply

CONFIGURATION = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: <redis>
memory: off
threads: 1
routes:
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 1h}
  - {match: "POST /articles", purge: ["articles:*"]}
"""
# KEYS an entry, the index of its tag's id. ARGV first number, last number.
COPY = """
local fields = redis.call('HGETALL', KEYS[1])
for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local key = 'articles:' .. number
  redis.call('HSET', key, unpack(fields))
  redis.call('PEXPIRE', key, 3600000)
  redis.call('SADD', KEYS[2], key)
end"""
STEP = 5000


def until(condition, seconds):
    ended = time.monotonic() + seconds
    while time.monotonic() < ended:
        if condition():
            return True
        time.sleep(0.05)
    return False


def fill(redis, larder, entries):
    """Makes so many entries; the bytes that Redis needs for each."""
    if not until(lambda: larder.get("/articles/0").x_cache == "HIT", 10):
        raise SystemExit("the first entry was not stored")
    mark = redis("HGET", "articles:0", "larder:fill").decode().split(",")

    def indexes():
        return [key for key in redis.keys("larder:index:*") if key.rsplit(":", 1)[1] in mark]

    if not until(indexes, 10):
        raise SystemExit("the first entry was not noted")
    before = int(info(redis, "memory", "used_memory"))
    for first in range(1, entries, STEP):
        redis("EVAL", COPY, 2, "articles:0", indexes()[0], first, min(first + STEP, entries) - 1)
    for number in (1, entries // 2, entries - 1):
        # The copying kept Redis busy: larder may still wait for its answer to a probe.
        if not until(lambda: larder.get(f"/articles/{number}").x_cache == "HIT", 5):
            raise SystemExit(f"entry {number} is no entry")
    return (int(info(redis, "memory", "used_memory")) - before) / max(1, entries - 1)


def info(redis, section, name):
    for line in redis("INFO", section).decode().splitlines():
        if line.startswith(name + ":"):
            return line.split(":", 1)[1]
    raise SystemExit(f"INFO does not tell {name}")


def slow_log(redis):
    """How many commands took 10 ms, and the slowest with its time."""
    log = [(entry[2], entry[3][0].decode()) for entry in redis("SLOWLOG", "GET", 128)]
    microseconds, command = max(log, default=(0, "none"))
    return f"{sum(one >= 10_000 for one, _ in log)}, the slowest {microseconds / 1000:.1f} ms ({command})"


def measure(entries):
    origin = ScriptedOrigin()
    origin.on("POST /articles", reply(body=b"{}"))
    for number in (0, 1, entries // 2, entries - 1):
        origin.on(f"GET /articles/{number}", reply(body=b'{"p": "' + b"b" * 1000 + b'"}'))
    redis = RedisServer()
    larder = Larder(CONFIGURATION, origin=origin.url, redis=redis.url)
    try:
        larder.wait_for_redis()
        bytes_each = fill(redis, larder, entries)
        redis("CONFIG", "SET", "slowlog-log-slower-than", "1000")
        redis("SLOWLOG", "RESET")
        began = time.monotonic()
        if larder.purge(patterns=["articles:*"]).status != 200:
            raise SystemExit("the purge was refused")
        answered = time.monotonic() - began
        fetched = origin.count("GET /articles/1")
        larder.get("/articles/1")
        if origin.count("GET /articles/1") == fetched:
            raise SystemExit("a purged entry was served")
        until(lambda: redis("DBSIZE") < entries // 100 + 20, 120)
        swept = time.monotonic() - began
        [record] = larder.admin("GET", "/purges").json()["purges"]
        return [
            ["entries under one tag (1 KB each)", f"{entries:,}"],
            ["memory of Redis for each", f"{bytes_each:.0f} bytes"],
            ["answer of the purge, with its connection", f"{answered * 1000:.1f} ms"],
            ["the purge itself", f"{record['milliseconds']:.1f} ms"],
            ["until the entries had left Redis", f"{swept:.1f} s"],
            ["keys left then", f"{redis('DBSIZE'):,}"],
            ["commands of 10 ms and more meanwhile", slow_log(redis)],
        ]
    finally:
        larder.stop()
        redis.stop()
        origin.stop()
