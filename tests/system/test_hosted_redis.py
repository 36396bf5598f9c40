"""Hosted and hardened Redis: what works goes on, and what does not is said, with its remedy, once for each change."""
import re
import socket
import threading
import time

import pytest

from support.certificates import Authority
from support.configurations import ARTICLES
from support.fault_proxy import FaultProxy
from support.ports import HOST, free_port
from support.versioned_api import VersionedApi
from support.waiting import until

SECRET = "s3cr3t-passw0rd"


def redis_lines(larder):
    """What the log says of Redis' state, its own start line and the requests left out."""
    return [
        line
        for line in larder.log().splitlines()
        if re.search(r"(error|warn\w*|info)\W+redis (\d|master|no-such)", line)
    ]


def last_refusal(larder):
    return larder.stats()["redis"]["last_refusal"]


def concerned(larder):
    return {trouble["concerns"] for trouble in larder.stats()["redis"]["troubles"]}


def is_hit(larder, target="/articles/42"):
    return larder.get(target).x_cache == "HIT"


def misconf(redis):
    redis("CONFIG", "SET", "dir", "/proc/self")
    redis("CONFIG", "SET", "save", "3600 1")
    redis("BGSAVE")
    until(lambda: b"rdb_last_bgsave_status:err" in redis("INFO", "persistence"), what="a snapshot that fails")


def full(redis):
    redis("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis("CONFIG", "SET", "maxmemory", "1mb")


WRITES_REFUSED = {
    "oom": (full, lambda redis: redis("CONFIG", "SET", "maxmemory", "0"), "maxmemory"),
    "misconf": (
        misconf,
        lambda redis: redis("CONFIG", "SET", "stop-writes-on-bgsave-error", "no"),
        "stop-writes-on-bgsave-error",
    ),
    "noreplicas": (
        lambda redis: redis("CONFIG", "SET", "min-replicas-to-write", "1"),
        lambda redis: redis("CONFIG", "SET", "min-replicas-to-write", "0"),
        "min-replicas-to-write",
    ),
}


@pytest.mark.parametrize("reason", WRITES_REFUSED)
def test_a_redis_that_takes_no_writes_still_serves_and_is_named_with_its_remedy(
    origin, start_redis, articles_larder, reason
):
    VersionedApi(origin)
    refuse, allow, remedy = WRITES_REFUSED[reason]
    redis = start_redis(options=("--enable-protected-configs", "yes"))
    larder = articles_larder(origin, redis, memory="off")
    until(lambda: is_hit(larder), what="a hit")
    refuse(redis)
    answers = [larder.get("/articles/7") for _ in range(5)]
    assert {answer.status for answer in answers} == {200}
    assert all("stored" not in answer.cache_status and "detail=redis-down" in answer.cache_status for answer in answers)
    assert is_hit(larder), "what is stored is still served"
    refusal = last_refusal(larder)
    assert refusal["kind"] == reason and remedy in refusal["remedy"] and refusal["text"].startswith(reason.upper())
    assert refusal["command"] in ("HSETNX", "PEXPIRE", "SET", "EVAL") and refusal["seconds_ago"] < 10
    assert concerned(larder) == {"store"}
    assert larder.metrics().total("larder_redis_errors_total", reason=reason) >= 5
    until(lambda: redis_lines(larder), what="the line")
    assert len(redis_lines(larder)) == 1 and remedy in redis_lines(larder)[0]
    allow(redis)
    until(lambda: is_hit(larder, "/articles/7"), timeout=3, what="caching again")
    assert concerned(larder) == set()
    until(lambda: len(redis_lines(larder)) > 1, what="the line of the end")
    assert len(redis_lines(larder)) == 2 and "stores again" in redis_lines(larder)[1]


def test_stored_is_not_said_again_and_again_where_only_the_fill_is_refused(origin, start_redis, articles_larder):
    VersionedApi(origin)
    redis = start_redis(acl={"app": (SECRET, "~* &* +@all -hset")})
    larder = articles_larder(origin, f"redis://app:{SECRET}@{HOST}:{redis.port}/0", memory="off")
    larder.get("/articles/42")
    until(lambda: concerned(larder) == {"store"}, what="the refusal")
    for _ in range(3):
        assert "stored" not in larder.get("/articles/42").cache_status
    until(
        lambda: larder.get("/articles/42").cache_status == "larder; fwd=uri-miss; fwd-status=200; detail=redis-down",
        what="a miss that says why",
    )
    assert last_refusal(larder)["kind"] == "noperm"
    redis("ACL", "SETUSER", "app", "+hset")
    until(lambda: is_hit(larder), what="caching once the right is there")
    assert "stored" in larder.get("/articles/7").cache_status


def test_a_prefix_is_all_that_the_user_needs(origin, start_redis, start_larder):
    VersionedApi(origin)
    redis = start_redis(acl={"app": (SECRET, "~app:* &app:* +@all -@dangerous")})
    text = ARTICLES.replace('redis: {url: "<redis>"}', 'redis: {url: "<redis>", prefix: "app:"}')
    url = f"redis://app:{SECRET}@{HOST}:{redis.port}/0"
    one, other = (start_larder(text, origin=origin.url, redis=url, memory="64MB") for _ in range(2))
    one.wait_for_redis()
    other.wait_for_redis()
    until(lambda: is_hit(one) and is_hit(other), what="hits")
    until(
        lambda: redis.calls().get("hmget", 0) and one.metrics().total("larder_memory_entries") == 1,
        what="the memory tier in use",
    )
    asked = redis.calls()["hmget"]
    assert is_hit(one) and redis.calls()["hmget"] == asked, "the memory tier serves"
    assert one.request("PUT", "/articles/42", body={}).status == 200
    until(
        lambda: b'"version": 1' in other.get("/articles/42").body, timeout=0.5, what="the purge at the other instance"
    )
    assert all(key.startswith("app:") for key in redis.keys())
    redis("DEL", "app:articles:42")
    until(lambda: one.metrics().total("larder_memory_entries") == 0, what="the end of the copy, by tracking")
    assert SECRET not in one.log()


RIGHTS = {
    "identity": ("~* &* +@all -info", "+info"),
    "tracking": ("~* &* +@all -client|tracking", "+client"),
    "subscription": ("~* +@all resetchannels", "&larder:* &__redis__:invalidate"),
}


@pytest.mark.parametrize("missing", RIGHTS)
def test_a_missing_right_is_named_once_and_the_rest_works(origin, start_redis, articles_larder, missing):
    VersionedApi(origin)
    rules, needed = RIGHTS[missing]
    redis = start_redis(acl={"app": (SECRET, rules)})
    larder = articles_larder(origin, f"redis://app:{SECRET}@{HOST}:{redis.port}/0")
    until(lambda: is_hit(larder), what="a hit")
    until(lambda: missing in concerned(larder), what="the refusal")
    until(lambda: any(needed in line for line in redis_lines(larder)), what="the line")
    lines = [line for line in redis_lines(larder) if f"ACL SETUSER app {needed}" in line]
    assert 1 <= len(lines) == len({line.split("redis ")[1] for line in lines})
    assert larder.request("PUT", "/articles/42", body={}).status == 200
    assert b'"version": 1' in larder.get("/articles/42").body
    assert larder.metrics().total("larder_purges_pending") == 0
    assert larder.metrics().total("larder_redis_errors_total", reason="noperm") > 0
    redis("ACL", "SETUSER", "app", "+@all", "allchannels")
    redis("CLIENT", "KILL", "USER", "app")
    until(lambda: missing not in concerned(larder), timeout=10, what="the end of the refusal")
    assert SECRET not in larder.log()


def test_without_tracking_the_memory_tier_is_off_and_says_so(origin, start_redis, articles_larder):
    VersionedApi(origin)
    redis = start_redis(acl={"app": (SECRET, "~* &* +@all -client|tracking")})
    url = f"redis://app:{SECRET}@{HOST}:{redis.port}/0"
    larder = articles_larder(origin, url, memory="64MB")
    until(lambda: is_hit(larder), what="a hit")
    assert larder.metrics().total("larder_memory_serving") == 0
    asked = redis.calls()["hmget"]
    assert all(is_hit(larder) for _ in range(5)) and redis.calls()["hmget"] >= asked + 5, "each hit asks Redis"
    said = [line for line in redis_lines(larder) if "the memory tier stays off" in line]
    assert len(said) == 1 and "client|tracking" in said[0]
    time.sleep(6)  # the right is asked for again every 5 s
    assert len([line for line in redis_lines(larder) if "the memory tier stays off" in line]) == 1
    redis("ACL", "SETUSER", "app", "+client|tracking")
    until(lambda: larder.metrics().total("larder_memory_serving") == 1, what="the memory tier")
    until(lambda: is_hit(larder) and larder.metrics().total("larder_memory_entries") == 1, what="an entry in memory")
    asked = redis.calls()["hmget"]
    assert all(is_hit(larder) for _ in range(5)) and redis.calls()["hmget"] == asked
    redis.kill()
    until(lambda: larder.metrics().total("larder_memory_serving") == 0, timeout=2, what="the silence of the memory tier")


@pytest.mark.parametrize("memory, serving", [("64MB", 1), ("off", 0)])
def test_a_memory_tier_alone_serves(origin, start_larder, memory, serving):
    VersionedApi(origin)
    text = ARTICLES.replace('redis: {url: "<redis>"}', "redis: off")
    larder = start_larder(text, origin=origin.url, memory=memory)
    assert larder.metrics().total("larder_memory_serving") == serving


def test_a_changed_password_is_said_and_recovered_from(origin, start_redis, articles_larder):
    VersionedApi(origin)
    redis = start_redis(acl={"app": (SECRET, "~* &* +@all")})
    larder = articles_larder(origin, f"redis://app:{SECRET}@{HOST}:{redis.port}/0")
    until(lambda: is_hit(larder), what="a hit")
    redis("ACL", "SETUSER", "app", "resetpass", ">another")
    redis("CLIENT", "KILL", "USER", "app")
    until(lambda: (last_refusal(larder) or {}).get("kind") == "wrongpass", what="the refusal")
    until(lambda: larder.get("/articles/42").cache_status == "larder; fwd=bypass; detail=redis-down", what="a bypass")
    redis("ACL", "SETUSER", "app", ">" + SECRET)
    until(lambda: is_hit(larder), timeout=3, what="caching again")
    lines = [line for line in redis_lines(larder) if "cannot be used" in line]
    assert len(lines) == 1 and "WRONGPASS" in lines[0] and "redis.url" in lines[0]
    until(lambda: any("can be used again" in line for line in redis_lines(larder)), what="the line of the end")
    assert SECRET not in larder.log() and SECRET not in str(larder.stats())


def test_a_password_that_is_missing_or_needless_is_said(origin, start_redis, articles_larder):
    VersionedApi(origin)
    closed = start_redis(password="other")
    larder = articles_larder(origin, f"redis://{HOST}:{closed.port}/0", wait_for_redis=False)
    until(lambda: (last_refusal(larder) or {}).get("kind") == "noauth", what="NOAUTH")
    open_one = start_redis()
    larder = articles_larder(origin, f"redis://:{SECRET}@{HOST}:{open_one.port}/0", wait_for_redis=False)
    until(lambda: (last_refusal(larder) or {}).get("kind") == "wrongpass", what="a needless password")
    assert SECRET not in larder.log()


def test_too_many_clients_is_said(origin, redis, articles_larder):
    VersionedApi(origin)
    redis("PING")
    redis("CONFIG", "SET", "maxclients", "1")
    larder = articles_larder(origin, redis, wait_for_redis=False)
    until(lambda: (last_refusal(larder) or {}).get("kind") == "max-clients", what="the refusal")
    assert larder.get("/articles/42").status == 200
    redis("CONFIG", "SET", "maxclients", "100")
    until(lambda: is_hit(larder), timeout=4, what="caching")


class Silent:
    """Accepts connections and says nothing, or the same to everything."""

    def __init__(self, says=None):
        self.says = says
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client):
        try:
            while data := client.recv(65536):
                if self.says:
                    client.sendall(self.says * max(1, data.count(b"*")))
        except OSError:
            pass

    def stop(self):
        self._listener.close()
        for client in self._open:
            client.close()


@pytest.mark.parametrize(
    "says, kind",
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "loading"),
        (b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n", "masterdown"),
        (b"-BUSY Redis is busy running a script.\r\n", "busy"),
        (b"-CLUSTERDOWN The cluster is down\r\n", "cluster"),
        (b"-DENIED Redis is running in protected mode\r\n", "protected-mode"),
        (None, "connect-timeout"),
    ],
)
def test_a_server_that_is_not_to_be_used_is_named(scene, origin, articles_larder, says, kind):
    VersionedApi(origin)
    server = scene(Silent(says))
    larder = articles_larder(origin, f"redis://{HOST}:{server.port}/0", wait_for_redis=False)
    until(lambda: (last_refusal(larder) or {}).get("kind") == kind, what=kind)
    assert larder.get("/articles/42").cache_status == "larder; fwd=bypass; detail=redis-down"
    until(lambda: any("cannot be used" in line for line in redis_lines(larder)), what="the line")
    assert len([line for line in redis_lines(larder) if "cannot be used" in line]) == 1
    assert larder.metrics().total("larder_redis_errors_total", reason=kind) >= 1


@pytest.mark.parametrize("host, kind", [(HOST, "connect"), ("no-such-host.invalid", "resolve")])
def test_an_address_without_a_server_is_named(origin, articles_larder, host, kind):
    VersionedApi(origin)
    larder = articles_larder(origin, f"redis://{host}:{free_port()}/0", wait_for_redis=False)
    until(lambda: (last_refusal(larder) or {}).get("kind") == kind, timeout=10, what=kind)
    assert host in last_refusal(larder)["text"]


def sentinel_larder(start_larder, origin, ports, options=""):
    addresses = ",".join(f"{HOST}:{port}" for port in ports)
    text = ARTICLES.replace('redis: {url: "<redis>"}', f'redis: {{url: "redis-sentinel://{addresses}/m/0"{options}}}')
    return start_larder(text, origin=origin.url, memory="64MB")


def test_sentinels_that_are_silent_or_gone_cost_no_wait(scene, origin, redis, start_larder, sentinels):
    VersionedApi(origin)
    silent = [scene(Silent()) for _ in range(3)]
    sentinel = sentinels(redis.port)
    began = time.monotonic()
    larder = sentinel_larder(start_larder, origin, [*(one.port for one in silent), free_port(), sentinel.port])
    until(lambda: is_hit(larder), timeout=1.5, what="a hit")
    assert time.monotonic() - began < 2.5
    until(lambda: concerned(larder) == {"sentinels"}, what="the sentinels that are of no use")
    until(lambda: redis_lines(larder), what="the line")
    [line] = redis_lines(larder)
    assert all(f"{HOST}:{one.port}" in line for one in silent)


def test_sentinels_with_a_password(origin, redis, start_larder, sentinels):
    VersionedApi(origin)
    sentinel = sentinels(redis.port, [f"requirepass {SECRET}"], password=SECRET)
    larder = sentinel_larder(start_larder, origin, [sentinel.port], f", sentinel_password: {SECRET}")
    until(lambda: is_hit(larder), what="a hit")
    assert SECRET not in larder.admin("GET", "/config").body.decode() and SECRET not in larder.log()
    for options, word in (("", "NOAUTH"), (", sentinel_password: wrong", "WRONGPASS")):
        larder = sentinel_larder(start_larder, origin, [sentinel.port], options)
        until(lambda: "sentinels" in concerned(larder), what="the refusal")
        until(lambda: any(word in line for line in redis_lines(larder)), what="the line")
        lines = [line for line in redis_lines(larder) if word in line]
        assert len(lines) == 1 and f"{HOST}:{sentinel.port}" in lines[0] and "sentinel_password" in lines[0]
        assert last_refusal(larder)["kind"] == "sentinel"


@pytest.mark.parametrize("tls", ["on", "{ca: <ca>}"])
def test_sentinels_with_tls(tmp_path, origin, redis, start_larder, sentinels, tls):
    VersionedApi(origin)
    authority = Authority(tmp_path)
    certificate, key = authority.issue(HOST)
    tls_port = free_port()
    sentinels(
        redis.port,
        [
            f"tls-port {tls_port}",
            f"tls-cert-file {certificate}",
            f"tls-key-file {key}",
            f"tls-ca-cert-file {authority.certificate}",
            "tls-auth-clients no",
        ],
    )
    if tls == "on":  # trusts the system's authorities, which do not know this one
        larder = sentinel_larder(start_larder, origin, [tls_port], ", sentinel_tls: on")
        until(lambda: "sentinels" in concerned(larder), what="the refusal")
        until(lambda: any("certificate verify failed" in line for line in redis_lines(larder)), what="the line")
        return
    larder = sentinel_larder(start_larder, origin, [tls_port], f", sentinel_tls: {{ca: {authority.certificate}}}")
    until(lambda: is_hit(larder), what="a hit")


def test_a_sentinel_that_names_a_server_which_is_no_master_is_not_believed(
    scene, origin, redis, start_redis, start_larder, sentinels
):
    VersionedApi(origin)
    replica = start_redis(options=("--replicaof", HOST, str(redis.port)))
    good = scene(FaultProxy(sentinels(redis.port).port, delay=0.05))  # never the first to answer
    # Answers at once, and always names the replica.
    address = f"*2\r\n${len(HOST)}\r\n{HOST}\r\n${len(str(replica.port))}\r\n{replica.port}\r\n".encode()
    wrong = scene(Silent(address))
    larder = sentinel_larder(start_larder, origin, [wrong.port, good.port])
    until(lambda: is_hit(larder), timeout=4, what="a hit")
