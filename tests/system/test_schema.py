"""The JSON Schema of the configuration: current, complete, and of one mind with `larder check`."""
import json
import os
import random
import re
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import pytest
import yaml

from support import larder as larder_command
from support.larder import REPOSITORY

SCHEMA_FILE = os.path.join(REPOSITORY, "config", "larder.schema.json")
SHIPPED = ["larder.yaml", "articles.yaml", "cluster.yaml", "debian/larder.yaml"]

EVERYTHING = {
    "listen": [{"address": "127.0.0.1:8080", "proxy_protocol": "off"}, ":8081"],
    "admin": {"address": "127.0.0.1:9180", "token": "t", "tokens": [{"name": "a", "token": "b", "may": ["read"]}]},
    "origin": {
        "servers": ["http://127.0.0.1:8000"],
        "balance": "round_robin",
        "max_connections": 10,
        "connect_timeout": "2s",
        "response_timeout": 30,
        "idle_timeout": "60s",
        "resolve": "30s",
        "host": "preserve",
        "health": {"path": "/health", "interval": "5s", "timeout": "2s", "healthy": 2, "unhealthy": 3},
        "tls": {"verify": "on", "server_name": "a"},
    },
    "redis": {
        "url": "redis://127.0.0.1:6379/0",
        "max_connections": "auto",
        "connect_timeout": "2s",
        "timeout": "100ms",
        "prefix": "app:",
        "on_purge_failure": "pass",
    },
    "memory": "64MB",
    "threads": 2,
    "limits": {"header_bytes": "32KB", "header_count": 128, "body_bytes": "unlimited", "max_object": "1MB"},
    "trusted_proxies": ["10.0.0.0/8"],
    "purge_from": ["127.0.0.0/8"],
    "credentials": ["x-api-key"],
    "path_case": "exact",
    "tag_headers": ["xkey"],
    "debug_token": "d",
    "log": {"level": "info", "format": "text", "access": "on", "query": "names"},
    "state": "off",
    "headers": {"x_cache": "on", "cache_status": "on", "cache_key": "off", "via": "on"},
    "routes": [
        {
            "match": "GET /a/{id}",
            "key": "a:{id}",
            "ttl": "60s",
            "heuristic": "10%",
            "status_ttl": {"404": "10s"},
            "stale_while_revalidate": "5s",
            "stale_if_error": 60,
            "tags": ["x"],
            "ignore": ["vary"],
            "strip": ["set-cookie"],
            "ignore_query": ["utm_*"],
            "query": "bypass",
            "max_object": "1MB",
            "memory": "off",
            "client_no_cache": "honour",
            "wait": "5s",
            "name": "one",
            "host": "example.com",
        },
        {"match": "PUT /a/{id}", "purge": ["a:{id}"]},
        {"match": "GET /health", "cache": "off"},
    ],
    "examples": [{"request": "GET /b", "cache": "off"}],
}

# Values of every form that some key takes, and of some that none does.
VALUES = [
    None, True, False, 0, 1, 2, -1, 1.5, 0.25, 1000000, 1000001, "", " ", "on", "off", "OFF", "yes", "x", "60", "60s",
    "250ms", "1.5m", "7d", "1h", "soon", "-1s", "0s", "0", "0ms", "1w", "8KB", "64MB", "1gb", "0KB", "12XB", "10%",
    "100%", "101%", "0%", "5.5%", "%", "unlimited", "auto", "preserve", "pass", "fail", "text", "json", "names",
    "full", "errors", "info", "warning", "loud", "exact", "insensitive", "shadow", "bypass", "honour",
    "round_robin", "least_connections", "http://127.0.0.1:8000", "ftp://x", "redis://127.0.0.1:1/0",
    "127.0.0.1:80", "[::1]:80", ":80", "10.0.0.0/8", "fd00::/8", "example.com", "/path", "GET /x", "vary", "cookie",
    [], ["x"], ["on"], [1], [None], [[]], {}, {"x": 1}, {"address": ":80"}, ["10.0.0.0/8"], ["read", "purge"],
]  # fmt: skip

# What only the whole, another key, a file or the routes' own language tells: `check` alone knows it.
BEYOND_THE_SCHEMA = re.compile(
    r"cannot read|is no directory|is listened on already|needs servers|is in listen already|open to the network"
    r"|has the name of an earlier token|needs (at least )?one"
    r"|must not exceed|must not start with larder:|belongs to the message itself"
    r"|or one of `credentials`|name of one host"
    r"|METHOD|method is missing|such as \"GET|placeholder|capture"
)


@pytest.fixture(scope="module")
def schema():
    with open(SCHEMA_FILE) as file:
        return json.load(file)


@pytest.fixture(scope="module")
def validator(schema):
    return jsonschema.Draft7Validator(schema)


def test_the_committed_schema_is_what_larder_prints(schema):
    printed = larder_command.run("schema")
    assert printed.returncode == 0, printed.stderr
    with open(SCHEMA_FILE) as file:
        assert file.read() == printed.stdout, "run: larder schema > config/larder.schema.json"
    jsonschema.Draft7Validator.check_schema(schema)


def places(schema, path=""):
    """(path, schema) of each key, within lists and maps too."""
    for way in [schema, *schema.get("anyOf", [])]:
        for name, inner in way.get("properties", {}).items():
            here = f"{path}.{name}" if path else name
            yield here, inner
            yield from places(inner, here)
        if isinstance(way.get("items"), dict):
            yield from places(way["items"], path + "[]")


def test_every_key_is_described(schema):
    known = dict(places(schema))
    assert {"limits.max_object", "routes[].ttl", "admin.tokens[].may", "redis.tls.ca"} <= set(known)
    assert [path for path, inner in known.items() if not inner.get("description")] == []


def test_defaults_stand_in_the_schema(schema):
    known = dict(places(schema))
    defaults = {path: inner.get("default") for path, inner in known.items()}
    assert defaults["memory"] == "256MB" and defaults["limits.header_bytes"] == "32KB"
    assert defaults["redis.timeout"] == "100ms" and defaults["origin.balance"] == "round_robin"
    assert defaults["log.query"] == "names" and defaults["routes[].wait"] == "5s"


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_files_follow_the_schema(validator, name):
    with open(os.path.join(REPOSITORY, "config", name)) as file:
        text = file.read()
    validator.validate(yaml.safe_load(text))
    modeline = re.match(r"# yaml-language-server: \$schema=(.*)\n", text)
    if name == "articles.yaml":  # printed in documents as it is
        assert modeline is None
    elif name == "debian/larder.yaml":
        assert modeline[1] == "/usr/share/doc/larder/examples/larder.schema.json"  # as test_package.py finds it
    else:
        assert modeline[1] == "./larder.schema.json"


def spots(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield from spots(item, path + (name,))


def changed(dice, config):
    """The configuration with one to three changes at random places."""
    config = json.loads(json.dumps(config))
    for _ in range(dice.choice([0, 1, 1, 1, 1, 2, 3])):
        path = dice.choice([spot for spot in spots(config) if spot])
        parent = config
        for name in path[:-1]:
            parent = parent[name]
        what = dice.random()
        if what < 0.7:
            parent[path[-1]] = dice.choice(VALUES)
        elif what < 0.85:
            del parent[path[-1]]
        elif isinstance(parent, dict):
            parent[dice.choice(["x", "ttl", "url", "tls", "address", "key", "purge", "cache"])] = dice.choice(VALUES)
        else:
            parent.append(dice.choice(VALUES))
    return config


def judged(folder, number, config):
    """The errors of `check`."""
    file = os.path.join(folder, f"{number}.yaml")
    with open(file, "w") as out:
        json.dump(config, out)
    done = larder_command.run("check", "-c", file, "--format", "json")
    answer = json.loads(done.stdout)
    assert done.returncode == (1 if answer["errors"] else 0), done
    return [error for error in answer["errors"]]


def test_schema_and_check_agree_on_thousands_of_files(validator, tmp_path):
    dice = random.Random(int(os.environ.get("LARDER_SEED", "17")))
    configs = [changed(dice, EVERYTHING) for _ in range(3000)]
    assert validator.is_valid(EVERYTHING) and judged(tmp_path, "whole", EVERYTHING) == []
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda numbered: judged(tmp_path, *numbered), enumerate(configs)))
    accepted = 0
    for config, errors in zip(configs, found):
        by_schema = [error.json_path + ": " + error.message[:200] for error in validator.iter_errors(config)]
        accepted += not by_schema
        if by_schema:
            assert errors, (config, by_schema)
            continue
        shape = [error for error in errors if not BEYOND_THE_SCHEMA.search(error["message"])]
        assert shape == [], (config, shape)
    assert 300 < accepted < 2700  # both sides were tried


def test_what_only_the_environment_tells_is_accepted(validator):
    assert validator.is_valid({"origin": "${ORIGIN}", "memory": "${M:-64MB}", "limits": {"connections": "${N}"}})
    assert not validator.is_valid({"origin": "http://a", "memory": "much"})
