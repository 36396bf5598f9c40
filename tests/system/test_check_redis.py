"""larder check --redis: what the configured Redis is, and whether larder can work there."""
import json
import re

import pytest

from support import larder as larder_command
from support.configurations import ARTICLES
from support.fault_proxy import FaultProxy
from support.ports import HOST, free_port
from support.process import Process
from support.redis_cluster import RedisCluster
from support.redis_server import RedisClient
from support.versioned_api import VersionedApi
from support.waiting import until

RIGHTS = [
    *"get getex set incr exists type rename renamenx pexpire pttl unlink del".split(),
    *"hset hsetnx hget hmget hkeys hlen hexists hdel".split(),
    *"sadd scard sscan time eval evalsha scan publish subscribe ping info".split(),
    *("client|tracking", "client|caching", "client|id", "client|setname"),
]
STREAM_RIGHTS = "xgroup|create xreadgroup xautoclaim xpending xack xtrim".split()


@pytest.fixture
def check(tmp_path):
    def run(url, more="", arguments=()):
        file = tmp_path / "larder.yaml"
        file.write_text(f"origin: http://127.0.0.1:8000\nredis: {{url: '{url}'{more}}}\n")
        return larder_command.run("check", "-c", str(file), "--redis", *arguments)

    return run


def lines(done):
    """{"version": ["Redis 7.0.15"], ...} of what it printed."""
    found = {}
    for name, text in re.findall(r"^  (\S+) +(.*)$", done.stdout, re.M):
        found.setdefault(name, []).append(text)
    return found


def test_a_redis_that_is_fine(check, redis):
    redis("XADD", "larder:purges", "1-1", "key", "articles:42")
    done = check(redis.url, ", purge_stream: 'larder:purges'")
    assert done.returncode == 0, done
    found = lines(done)
    assert found["version"][0].startswith("Redis ") and found["mode"] == ["standalone, master"]
    assert found["rights"] == ["all that larder needs"] and found["tracking"] == ["works: the memory tier can be used"]
    assert "no limit (maxmemory 0)" in found["eviction"][0] and "last snapshot ok" in found["persistence"][0]
    assert re.fullmatch(r"\d+\.\d ms for a PING, at most \d+\.\d ms", found["latency"][0])
    # It leaves nothing behind, and the stream as it was.
    assert redis.keys() == ["larder:purges"] and redis("XINFO", "GROUPS", "larder:purges") == []
    assert redis("XLEN", "larder:purges") == 1


def test_the_same_as_json(check, redis):
    done = check(redis.url, arguments=("--format", "json"))
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["errors"] == []
    assert {"level": "fact", "name": "rights", "message": "all that larder needs"} in found["redis"]
    done = check(f"redis://{HOST}:{free_port()}/0", arguments=("--format", "json"))
    assert done.returncode == 1 and [line["level"] for line in json.loads(done.stdout)["redis"]] == ["error"]


@pytest.mark.parametrize("right", [*RIGHTS, *STREAM_RIGHTS])
def test_each_right_that_is_missing_is_named_with_the_line_that_gives_it(check, start_redis, right):
    redis = start_redis(acl={"app": ("pw", f"~* &* +@all -{right}")})
    url, more = f"redis://app:pw@{HOST}:{redis.port}/0", ", purge_stream: 'larder:purges'"
    done = check(url, more)
    assert done.returncode == 1, done
    line = next(line for line in done.stdout.splitlines() if "ACL SETUSER app" in line)
    assert line.split("with: ")[1] == f"ACL SETUSER app +{right}"
    assert "pw" not in done.stdout.replace("***", "")
    redis(*line.split("with: ")[1].split())
    assert check(url, more).returncode == 0
    assert redis.keys() == []


@pytest.mark.parametrize("rules, needed", [("~other:* &* +@all", "~app:*"), ("~app:* +@all resetchannels", "&app:larder:*")])
def test_keys_and_channels_out_of_bounds_are_named(check, start_redis, rules, needed):
    redis = start_redis(acl={"app": ("pw", rules)})
    url = f"redis://app:pw@{HOST}:{redis.port}/0"
    done = check(url, ", prefix: 'app:'")
    assert done.returncode == 1 and f"ACL SETUSER app {needed}\n" in done.stdout, done
    redis("ACL", "SETUSER", "app", needed)
    assert check(url, ", prefix: 'app:'").returncode == 0


def test_a_server_without_tracking_is_usable_without_the_memory_tier(scene, check, redis):
    refusal = b"-ERR unknown subcommand 'TRACKING'. Try CLIENT HELP.\r\n"

    def spoil(data):
        # The three replies to CLIENT TRACKING and CACHING, which stand before the first +OK of SET.
        return data.replace(b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n", b"+OK\r\n" + refusal * 3, 1)

    proxy = scene(FaultProxy(redis.port))
    proxy.spoil = spoil
    done = check(proxy.url)
    assert done.returncode == 0, done
    assert "memory tier is off" in lines(done)["tracking"][0] and "warning: " in lines(done)["tracking"][0]


def test_what_limits_a_server_is_warned_of(check, redis):
    redis("CONFIG", "SET", "maxmemory", "50mb")
    done = check(redis.url)
    assert done.returncode == 0 and "warning: noeviction, at most 50.00M" in lines(done)["eviction"][0]
    redis("CONFIG", "SET", "maxmemory", "1")
    done = check(redis.url)
    assert done.returncode == 1 and "error: are refused: OOM" in lines(done)["writes"][0]


def test_what_cannot_be_used_is_said_with_a_remedy(scene, check, start_redis):
    redis = start_redis(password="s3cret")
    done = check(f"redis://:wrong@{HOST}:{redis.port}/0")
    assert done.returncode == 1 and "WRONGPASS" in done.stdout and "redis.url" in done.stdout, done
    done = check(f"redis://{HOST}:{redis.port}/0")
    assert done.returncode == 1 and "NOAUTH" in done.stdout, done
    port = free_port()
    done = check(f"redis://{HOST}:{port}/0")
    assert done.returncode == 1 and f"{HOST}:{port} cannot be reached: Connection refused" in done.stdout, done
    replica = start_redis(options=("--replicaof", HOST, str(redis.port), "--masterauth", "s3cret"))
    done = check(replica.url)
    assert done.returncode == 1 and "this is a replica" in done.stdout, done
    done = check(f"rediss://:s3cret@{HOST}:{redis.port}/0")
    assert done.returncode == 1 and "redis.tls.ca" in done.stdout, done


def test_redis_that_is_off(check, tmp_path):
    file = tmp_path / "off.yaml"
    file.write_text("origin: http://127.0.0.1:8000\nredis: off\n")
    done = larder_command.run("check", "-c", str(file), "--redis")
    assert done.returncode == 0 and "redis: off" in done.stdout


def test_a_cluster_shows_each_master(check, scene):
    cluster = scene(RedisCluster(replicas=False, acl={"app": ("pw", "~* &* +@all")}))
    url = cluster.url.replace("redis-cluster://", f"redis-cluster://app:pw@{HOST}:1,")
    done = check(url)
    found = lines(done)
    assert done.returncode == 0, done
    assert found["cluster"] == ["state ok, 3 masters, 16384 of 16384 slots served"]
    assert sorted(found["node"]) == sorted(f"{HOST}:{node.port}" for node in cluster.masters)
    assert found["mode"] == ["cluster, master"] * 3 and found["rights"] == ["all that larder needs"] * 3
    assert f"{HOST}:1 cannot be reached" in found["server"][0]
    assert cluster.keys() == []
    # Rights are each node's own.
    cluster.masters[1]("ACL", "SETUSER", "app", "-hset")
    done = check(url)
    assert done.returncode == 1 and done.stdout.count("ACL SETUSER app +hset") == 1
    assert "on every node" in done.stdout
    done = check(f"redis://app:pw@{HOST}:{cluster.masters[0].port}/0")
    assert done.returncode == 1 and "must begin with redis-cluster://" in done.stdout, done


def test_a_single_server_under_a_clusters_url_is_refused_with_a_remedy(check, redis):
    done = check(redis.url.replace("redis://", "redis-cluster://").replace("/0", ""))
    assert done.returncode == 1 and "redis-cluster://" in lines(done)["server"][0], done


def test_sentinels_and_the_master_that_they_name(check, scene, redis, tmp_path):
    ports = [free_port(), free_port()]
    for port, master in zip(ports, (redis.port, redis.port)):
        folder = tmp_path / str(port)
        folder.mkdir()
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {port}\nbind {HOST}\ndir {folder}\nsentinel monitor m {HOST} {master} 1\nrequirepass guarded\n"
        )
        process = Process(["redis-server", config, "--sentinel"], str(folder / "log"), folder=str(folder))
        scene(_Stopping(process))
        until(lambda: _names_master(port), what="a sentinel")
    url = "redis-sentinel://" + ",".join(f"{HOST}:{port}" for port in [*ports, free_port()]) + "/m/0"
    done = check(url, ", sentinel_password: guarded")
    found = lines(done)
    assert done.returncode == 0, done
    assert [text.split(": ", 1)[1] for text in found["sentinel"][:2]] == [f"names the master {HOST}:{redis.port}"] * 2
    assert "warning: " in found["sentinel"][2] and "Connection refused" in found["sentinel"][2]
    assert found["mode"] == ["standalone, master"] and found["rights"] == ["all that larder needs"]
    done = check(url)
    assert done.returncode == 1 and "NOAUTH" in done.stdout and "redis.sentinel_password" in done.stdout
    assert "guarded" not in done.stdout


class _Stopping:
    def __init__(self, process):
        self._process = process

    def stop(self):
        self._process.kill()


def _names_master(port):
    try:
        return RedisClient(port, password="guarded")("SENTINEL", "get-master-addr-by-name", "m") is not None
    except OSError:
        return False


@pytest.mark.parametrize("right", RIGHTS)
def test_whatever_right_is_missing_a_running_larder_answers_and_shows_nothing_old(
    origin, start_redis, articles_larder, right
):
    VersionedApi(origin)
    redis = start_redis(acl={"app": ("pw", f"~* &* +@all -{right}")})
    url = f"redis://app:pw@{HOST}:{redis.port}/0"
    one, two = [articles_larder(origin, url, "64MB", ARTICLES, wait_for_redis=False) for _ in range(2)]
    for number in range(1, 6):
        for larder in (one, two, one, two):
            assert larder.get("/articles/42").status == 200
        assert one.request("PUT", "/articles/42", body={}).status == 200
        assert one.get("/articles/42").json()["version"] == number
        # What Redis refuses to purge is owed: the other instance cannot know of it.
        if one.metrics().total("larder_purges_pending") == 0:
            until(lambda: two.get("/articles/42").json()["version"] == number, timeout=1, what="the purge there")
