"""What /metrics and /stats say, and that strangers cannot make it grow."""
import re

import pytest

from support.configurations import WIRE
from support.scripted_origin import hang, raw, reply
from support.versioned_api import VersionedApi
from support.waiting import until

FAMILIES = {
    "larder_request_duration_seconds",
    "larder_requests_total",
    "larder_not_stored_total",
    "larder_fills_discarded_total",
    "larder_origin_seconds_saved_total",
    "larder_response_age_seconds",
    "larder_shadow_total",
    "larder_origin_request_duration_seconds",
    "larder_origin_errors_total",
    "larder_origin_up",
    "larder_redis_up",
    "larder_redis_breaker_state",
    "larder_redis_operation_duration_seconds",
    "larder_redis_errors_total",
    "larder_memory_bytes",
    "larder_memory_entries",
    "larder_memory_evictions_total",
    "larder_memory_serving",
    "larder_purge_stream_malformed_total",
    "larder_purges_total",
    "larder_purge_duration_seconds",
    "larder_audit_total",
    "larder_refresh_ahead_total",
    "larder_purges_pending",
    "larder_coalesced_requests_total",
    "larder_client_connections",
    "larder_internal_errors_total",
    "larder_config_last_reload_successful",
    "larder_build_info",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
}


def test_every_family_is_there_from_the_start(origin, redis, articles_larder):
    metrics = articles_larder(origin, redis).metrics()
    assert FAMILIES - metrics.families() == set()
    assert metrics.total("larder_redis_up") == 1 and metrics.total("larder_redis_breaker_state") == 0


def test_requests_are_counted_by_method_route_and_cache_status(origin, redis, articles_larder):
    VersionedApi(origin)
    larder = articles_larder(origin, redis)
    for target in ("/articles/42", "/articles/42", "/articles/42", "/articles/7"):
        larder.get(target)
    larder.request("PUT", "/articles/42", body={})
    larder.get("/nowhere?at=all")
    metrics = larder.metrics_once("larder_requests_total", 6)
    route = "/articles/{id}"
    for word, count in (("HIT", 2), ("MISS", 2)):
        assert (
            metrics.total("larder_requests_total", method="GET", path=route, status="200", cache_status=word) == count
        )
        assert (
            metrics.total("larder_request_duration_seconds_count", method="GET", path=route, cache_status=word) == count
        )
    assert metrics.total("larder_requests_total", method="PUT", path=route, cache_status="BYPASS") == 1
    assert metrics.total("larder_requests_total", method="GET", path="other", status="404", cache_status="BYPASS") == 1
    assert metrics.total("larder_purges_total") >= 1
    assert metrics.total("larder_origin_up") == 1

    def is_in_memory():
        """What was stored before the memory tier was proved honest gets there with the next read."""
        larder.get("/articles/7")
        metrics = larder.metrics()
        return metrics.total("larder_memory_entries") >= 1 and metrics.total("larder_memory_bytes") > 0

    until(is_in_memory)
    assert metrics.total("larder_build_info") == 1


def test_paths_and_methods_of_strangers_make_no_new_series(origin, redis, articles_larder):
    larder = articles_larder(origin, redis)
    larder.get("/nowhere/0")
    larder.request("SURPRISE0", "/nowhere/0")
    before = len(larder.metrics_once("larder_requests_total", 2))
    with larder.connect() as client:
        for number in range(200):
            client.get(f"/nowhere/{number}")
            client.request(f"SURPRISE{number}", f"/nowhere/{number}")
    metrics = larder.metrics_once("larder_requests_total", 402)
    assert len(metrics) <= before
    assert metrics.total("larder_requests_total", method="other", path="other") == 201


def test_a_histogram_is_cumulative_and_ends_with_its_count(origin, redis, articles_larder):
    VersionedApi(origin)
    larder = articles_larder(origin, redis)
    for _ in range(5):
        larder.get("/articles/42")
    metrics = larder.metrics_once("larder_request_duration_seconds_count", 4, cache_status="HIT")
    buckets = [
        (float(labels["le"]), value)
        for name, labels, value in metrics
        if name == "larder_request_duration_seconds_bucket"
        and labels["cache_status"] == "HIT"
        and labels["method"] == "GET"
    ]
    buckets.sort()
    assert [value for _, value in buckets] == sorted(value for _, value in buckets)
    assert buckets[-1] == (float("inf"), 4)


def bytes_in_once(larder, at_least):
    return until(
        lambda: (seen := larder.stats()["requests"]["bytes_in"]) >= at_least and seen, what=f"bytes_in >= {at_least}"
    )


def test_bytes_of_requests_are_counted_heads_and_bodies(origin, start_larder):
    origin.on("/cached/x", reply(body=b"x"))
    origin.on("POST /upload", reply())
    larder = start_larder(WIRE, limits="{}", route="ttl: 60", extra="", origin=origin.url)
    head = b"GET /cached/x HTTP/1.1\r\nHost: api.test\r\n\r\n"
    expected = 0
    with larder.connect() as client:
        for _ in range(3):
            client.send(head)
            client.read_response()
            expected += len(head)
        assert bytes_in_once(larder, expected) == expected
        post = b"POST /upload HTTP/1.1\r\nHost: api.test\r\nContent-Length: 100000\r\n\r\n"
        client.send(post + b"x" * 100000)
        client.read_response()
        expected += len(post) + 100000
        assert bytes_in_once(larder, expected) == expected
        small = b"POST /upload HTTP/1.1\r\nHost: api.test\r\nContent-Length: 5\r\n\r\n12345"
        chunked = b"POST /upload HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.send(small)
        client.read_response()
        client.send(chunked + b"a\r\n0123456789\r\n0\r\n\r\n")
        client.read_response()
        expected += len(small) + len(chunked) + 10
        assert bytes_in_once(larder, expected) == expected
    with larder.connect() as client:
        client.send(b"nonsense\r\n\r\n")
        client.read_response()
    assert bytes_in_once(larder, expected + 12) == expected + 12


def test_numbers_in_stats_and_config_are_plain(origin, start_larder):
    origin.on("/cached/x", reply(body=b"x"))
    larder = start_larder(WIRE, limits="{}", route="ttl: 60, heuristic: 10%", extra="", origin=origin.url)
    for _ in range(3):
        larder.get("/cached/x")
    larder.metrics_once("larder_requests_total", 3)
    for place in ("/stats", "/config"):
        text = larder.admin("GET", place).body.decode()
        assert not re.search(r"\d[eE][-+]?\d", text), text
    assert '"hit_ratio":0.6666666666666666' in larder.admin("GET", "/stats").body.decode()


@pytest.mark.parametrize(
    "origin_text, reason",
    [
        ("{servers: [<url>], idle_timeout: 100ms}", "idle-timeout"),
        ("{servers: [<url>], response_timeout: 100ms}", "response-timeout"),
        ("http://no-such-name.invalid:80", "resolve"),
        ("http://127.0.0.1:1", "connect"),
    ],
)
def test_an_origins_failures_are_counted_by_what_failed(origin, start_larder, origin_text, reason):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
    origin.on("/cached/x", raw(head, hang) if reason == "idle-timeout" else raw(hang))
    larder = start_larder(WIRE, limits="{}", route="ttl: 60", extra="", origin=origin_text.replace("<url>", origin.url))
    with larder.connect() as client:
        client.send(b"GET /cached/x HTTP/1.1\r\nHost: api.test\r\n\r\n")
        client.read_head()
        metrics = larder.metrics_once("larder_origin_errors_total", 1, reason=reason)
    assert metrics.total("larder_origin_errors_total") == metrics.total("larder_origin_errors_total", reason=reason)
