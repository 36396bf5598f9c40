"""Purges by the clients of Fastly and Cloudflare, pointed at the admin address, and by tags in a PURGE."""
import json
import os
import shutil
import subprocess

import pytest

from support.larder import REPOSITORY
from support.scripted_origin import reply
from support.waiting import until

CLIENTS = os.path.join(REPOSITORY, "tests", "clients")
TAGS = {"/articles/1": "author-1 front", "/articles/2": "author-2", "/articles/3": "front"}
EVERYWHERE = list(TAGS)

TEXT = """
listen: <listen>
admin: {address: <admin>, token: secret}
origin: <origin>
redis: {url: "<redis>", timeout: 2s}
memory: <memory>
routes:
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: 300, stale_while_revalidate: 60}
"""


@pytest.fixture(params=["64MB", "off"], ids=["memory", "redis-only"])
def larder(request, origin, redis, articles_larder):
    for target, tags in TAGS.items():
        origin.on(f"GET {target}", reply(fields={"Surrogate-Key": tags}, body=target.encode()))
    started = articles_larder(origin, redis, memory=request.param, text=TEXT, metrics_token="secret")
    until(lambda: gone(started) == [], what="all entries")
    return started


def gone(larder):
    return [target for target in EVERYWHERE if larder.get(target).x_cache != "HIT"]


def node(script, larder, *words, token="secret"):
    if not shutil.which("node") or not os.path.isdir(os.path.join(CLIENTS, "node_modules")):
        pytest.skip("the clients are not installed: npm ci --prefix tests/clients")
    command = ["node", os.path.join(CLIENTS, script), f"http://127.0.0.1:{larder.admin_port}", token, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "words, expected",
    [
        (["tag", "author-2"], ["/articles/2"]),
        (["soft", "author-2"], ["/articles/2"]),
        (["tags", "author-2", "front"], EVERYWHERE),
        (["field", "author-1", "author-2"], ["/articles/1", "/articles/2"]),
        (["all"], EVERYWHERE),
    ],
)
def test_fastlys_client_purges(larder, words, expected):
    code, answer = node("fastly.mjs", larder, *words)
    assert code == 0, answer
    if words[0] in ("tags", "field"):
        assert set(answer) == set(words[1:])
    else:
        # The client keeps no more than the status of an answer to purge_all.
        assert answer["status"] == "ok" and (answer.get("id") or words == ["all"])
    assert gone(larder) == expected


def test_fastlys_client_purges_one_url(larder):
    larder_url = f"127.0.0.1:{larder.port}/articles/2"
    code, answer = node("fastly.mjs", larder, "url", larder_url)
    assert code == 0 and answer["status"] == "ok", answer
    assert gone(larder) == ["/articles/2"]


def test_fastlys_client_is_told_that_its_token_is_wrong(larder):
    code, answer = node("fastly.mjs", larder, "all", token="wrong")
    assert code == 1 and answer["status"] == 401 and answer["body"]["msg"], answer
    assert gone(larder) == []


@pytest.mark.parametrize(
    "body, expected",
    [
        ({"tags": ["front"]}, ["/articles/1", "/articles/3"]),
        ({"files": ["http://127.0.0.1/articles/2", {"url": "https://127.0.0.1/articles/3"}]}, EVERYWHERE[1:]),
        ({"prefixes": ["127.0.0.1/articles/1"]}, ["/articles/1"]),
        ({"prefixes": ["127.0.0.1/other"]}, []),
        ({"hosts": ["127.0.0.1"]}, EVERYWHERE),
        ({"purge_everything": True}, EVERYWHERE),
    ],
)
def test_cloudflares_client_purges(larder, body, expected):
    code, answer = node("cloudflare.mjs", larder, json.dumps(body))
    assert code == 0 and answer["id"] == "023e105f4ecef8ad9ca31a8372d0c353", answer
    assert gone(larder) == expected


def test_cloudflares_client_is_told_what_is_wrong(larder):
    code, answer = node("cloudflare.mjs", larder, json.dumps({"tags": []}))
    assert code == 1 and answer["status"] == 400 and "nothing to purge" in answer["errors"][0]["message"], answer
    code, answer = node("cloudflare.mjs", larder, json.dumps({"tags": ["front"]}), token="wrong")
    assert code == 1 and answer["status"] == 401, answer
    assert gone(larder) == []


def test_the_same_calls_without_a_client(larder):
    answer = larder.admin("POST", "/service/s/purge/author-2", {"Fastly-Key": "secret"})
    assert answer.status == 200 and answer.json()["status"] == "ok"
    assert gone(larder) == ["/articles/2"]
    zone = "/client/v4/zones/z/purge_cache"
    answer = larder.admin("POST", zone, {"Authorization": "Bearer secret"}, {"tags": ["author-1"]})
    assert answer.json() == {"success": True, "errors": [], "messages": [], "result": {"id": "z"}}
    assert gone(larder) == ["/articles/1"]


@pytest.mark.parametrize(
    "what, expected",
    [
        ({"everything": True}, EVERYWHERE),
        ({"everything": True, "soft": True}, EVERYWHERE),
        ({"prefixes": ["/articles/3"]}, ["/articles/3"]),
        ({"hosts": ["127.0.0.1"]}, EVERYWHERE),
    ],
)
def test_the_purge_api_takes_hosts_prefixes_and_everything(larder, what, expected):
    answer = larder.admin("POST", "/purge", {"Authorization": "Bearer secret"}, what)
    assert answer.status == 200 and answer.json()["acknowledged"] is True, answer
    assert gone(larder) == expected


@pytest.mark.parametrize("name", ["Surrogate-Key", "Cache-Tag", "xkey", "xkey-purge", "XKey-Softpurge"])
def test_a_purge_with_tags_takes_those_out_and_not_its_url(larder, name):
    answer = larder.request("PURGE", "/articles/2", {name: "front, nobody"})
    assert answer.status == 200 and answer.json()["purged"] is True
    softly = name == "XKey-Softpurge"
    assert answer.json().get("soft", False) is softly
    first = [larder.get(target).x_cache for target in EVERYWHERE]
    assert first == (["UPDATING", "HIT", "UPDATING"] if softly else ["MISS", "HIT", "MISS"])


def test_a_purge_whose_field_names_no_tag_purges_nothing(larder):
    answer = larder.request("PURGE", "/articles/2", {"Surrogate-Key": " , "})
    assert answer.status == 400 and "name at least one" in answer.json()["detail"]
    assert gone(larder) == []


def test_which_fields_name_tags_is_a_setting(origin, redis, articles_larder):
    origin.on("GET /articles/1", reply(fields={"My-Tags": "a", "Cache-Tag": "b"}, body=b"x"))
    text = TEXT.replace("routes:", "tag_headers: [my-tags]\nroutes:")
    larder = articles_larder(origin, redis, text=text, metrics_token="secret")
    larder.get("/articles/1")
    assert larder.get("/articles/1").field("my-tags") == "a"
    for tag, expected in (("b", "HIT"), ("a", "MISS")):
        larder.admin("POST", "/purge", {"Authorization": "Bearer secret"}, {"tags": [tag]})
        assert larder.get("/articles/1").x_cache == expected
