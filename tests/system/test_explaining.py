"""What one request tells about itself: Larder-Explain, X-Request-Id, the access log, `larder explain`."""
import json
import re

import pytest

from support import larder as larder_command
from support.scripted_origin import reply
from support.waiting import until

TEXT = """
listen: <listen>
admin: <admin>
origin: <origin>
redis: {url: "<redis>", timeout: 2s}
memory: 64MB
debug_token: open-sesame
log: {access: on, format: json, <log>}
headers: {cache_key: on}
routes:
  - {match: "GET /articles/{id}", name: one article, key: "articles:{id}", ttl: 300}
  - {match: "GET /mine", key: "mine:{header:x-user}:{q=none}", ttl: 60}
  - {match: "PUT /articles/{id}", purge: ["articles:{id}"]}
"""
DEBUG = {"Larder-Debug": "open-sesame"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture
def larder(origin, redis, start_larder):
    origin.on("GET /articles/1", reply(fields={"Surrogate-Key": "author-1"}, body=b"one"))
    origin.on("GET /mine", reply(fields={"X-Request-Id": "of-the-origin"}, body=b"mine"))
    origin.on("PUT /articles/1", reply(body=b"{}"))
    started = start_larder(TEXT.replace("<log>", "level: info"), origin=origin.url, redis=redis.url)
    started.wait_for_redis()
    return started


def explained(response):
    text = response.field("larder-explain")
    assert text is not None and "\n" not in text
    return json.loads(text)


def test_a_request_with_the_debug_token_is_explained(larder, origin):
    missed = larder.get("/articles/1", DEBUG)
    told = explained(missed)
    assert missed.x_cache == told["x_cache"] == "MISS"
    assert told["route"]["match"] == "GET /articles/{id}" and told["route"]["name"] == "one article"
    assert told["key"] == "articles:1" and "author-1" in told["tags"] and told["entry"] is None
    assert told["lifetime"]["seconds"] == 300 and told["lifetime"]["source"] == "ttl of the route"
    assert told["milliseconds"]["origin"] > 0 and told["milliseconds"]["total"] >= told["milliseconds"]["origin"]
    until(lambda: explained(larder.get("/articles/1", DEBUG))["entry"] == "memory", what="the entry in memory")
    hit = larder.get("/articles/1", DEBUG)
    told = explained(hit)
    assert hit.x_cache == told["x_cache"] == "HIT" and told["entry"] == "memory"
    assert 290 < told["lifetime"]["left"] <= 300 and "fresh" in told["decision"]
    assert hit.body == missed.body
    written = larder.request("PUT", "/articles/1", DEBUG, b"{}")
    assert explained(written)["route"]["match"] == "PUT /articles/{id}"
    assert "purge" in explained(written)["milliseconds"]
    assert all("larder-debug" not in dict((k.lower(), v) for k, v in r.fields) for r in origin.requests("/articles/1"))


def test_an_entry_in_redis_is_told(larder, origin, redis, start_larder):
    larder.get("/articles/1")
    other = start_larder(TEXT.replace("<log>", "level: info"), origin=origin.url, redis=redis.url)
    other.wait_for_redis()
    told = explained(other.get("/articles/1", DEBUG))
    assert told["entry"] == "redis" and told["x_cache"] == "HIT" and told["milliseconds"]["redis"] > 0


def test_another_token_is_a_field_like_any_other(larder, origin):
    answer = larder.get("/articles/1", {"Larder-Debug": "open-sesam"})
    assert answer.field("larder-explain") is None
    [seen] = origin.requests("/articles/1")
    assert ("Larder-Debug", "open-sesam") in seen.fields


def test_what_a_key_takes_from_fields_is_masked_everywhere(larder):
    answer = larder.get("/mine?q=why&z=s3cret", {"X-User": "alice", **DEBUG})
    assert explained(answer)["key"] == "mine:***:why?z=s3cret"
    assert 'key="mine:***:why?z=s3cret"' in answer.cache_status
    until(lambda: '"/mine?q=&z="' in larder.log(), what="the line of the request")
    assert "alice" not in larder.log() and "s3cret" not in larder.log() and "open-sesame" not in larder.log()
    assert b"open-sesame" not in larder.admin("GET", "/config").body


def lines_of(larder, target):
    """The access log's lines for a target, once they are written."""

    def found():
        lines = [json.loads(line) for line in larder.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("target", "").startswith(target)]

    until(found, what=f"a line for {target}")
    return found()


def test_the_json_log_has_what_tracing_needs(larder, origin):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    larder.get("/articles/1?a=1", {"traceparent": trace, "X-Request-Id": "r-17"})
    [line] = lines_of(larder, "/articles/1?a=")
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736" and line["span_id"] == "00f067aa0ba902b7"
    assert line["request_id"] == "r-17" and line["route"] == "/articles/{id}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"])
    [seen] = origin.requests("/articles/1?a=1")
    assert ("traceparent", trace) in seen.fields and ("X-Request-Id", "r-17") in seen.fields


@pytest.mark.parametrize("own", [None, "", "two words", "x" * 300])
def test_a_request_without_a_good_id_gets_one(larder, origin, own):
    larder.get("/articles/1", {} if own is None else {"X-Request-Id": own})
    [seen] = origin.requests("/articles/1")
    [made] = [value for name, value in seen.fields if name.lower() == "x-request-id"]
    assert UUID.fullmatch(made)
    [line] = lines_of(larder, "/articles/1")
    assert line["request_id"] == made
    hit = larder.get("/articles/1")
    assert hit.x_cache == "HIT" and hit.field("x-request-id") is None
    until(lambda: len(lines_of(larder, "/articles/1")) == 2, what="the line of the hit")
    assert UUID.fullmatch(lines_of(larder, "/articles/1")[1]["request_id"])
    assert lines_of(larder, "/articles/1")[1]["request_id"] != made


def test_the_id_that_an_origin_repeats_is_not_stored(larder):
    assert larder.get("/mine").field("x-request-id") == "of-the-origin"
    hit = larder.get("/mine")
    assert hit.x_cache == "HIT" and hit.field("x-request-id") is None


def test_the_log_shows_values_of_the_query_where_told_so(origin, redis, start_larder):
    origin.on("GET /articles/1", reply(body=b"one"))
    larder = start_larder(TEXT.replace("<log>", "query: full"), origin=origin.url, redis=redis.url)
    larder.get("/articles/1?a=5")
    [line] = lines_of(larder, "/articles/1?a=5")
    assert line["key"] == "articles:1?a=5"


def test_explain_tells_each_step_in_words(tmp_path):
    config = tmp_path / "larder.yaml"
    config.write_text(
        TEXT.replace("<listen>", "127.0.0.1:8080")
        .replace("<admin>", "127.0.0.1:9180")
        .replace("<origin>", "http://127.0.0.1:8000")
        .replace("<redis>", "redis://127.0.0.1:6379/0")
        .replace(", <log>", "")
    )
    read = larder_command.run("explain", "-c", str(config), "GET", "/articles/7").stdout
    for words in ("1. The first route", "in memory, then in Redis", "articles:7", "ttl of the route: 300s"):
        assert words in read, read
    write = larder_command.run("explain", "-c", str(config), "PUT", "/articles/7").stdout
    assert "larder purges articles:7" in write and "Only then does the client get the answer" in write
    other = larder_command.run("explain", "-c", str(config), "GET", "/nothing").stdout
    assert "No route takes GET /nothing" in other
    body = larder_command.run("explain", "-c", str(config), "GET", "/articles/7", "-H", "Upgrade: websocket", "-H", "Connection: upgrade").stdout
    assert "no part" in body
