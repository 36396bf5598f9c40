"""What /metrics says, and that strangers cannot make it grow."""
from support.versioned_api import VersionedApi
from support.waiting import until

FAMILIES = {
    "larder_request_duration_seconds", "larder_requests_total", "larder_not_stored_total", "larder_fills_discarded_total",
    "larder_origin_seconds_saved_total", "larder_response_age_seconds", "larder_shadow_total",
    "larder_origin_request_duration_seconds", "larder_origin_errors_total", "larder_origin_up", "larder_redis_up",
    "larder_redis_breaker_state", "larder_redis_operation_duration_seconds", "larder_redis_errors_total", "larder_memory_bytes",
    "larder_memory_entries", "larder_memory_evictions_total", "larder_purges_total", "larder_purges_pending",
    "larder_coalesced_requests_total", "larder_client_connections", "larder_internal_errors_total", "larder_config_last_reload_successful", "larder_build_info",
    "process_cpu_seconds_total", "process_resident_memory_bytes",
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
        assert metrics.total("larder_requests_total", method="GET", path=route, status="200", cache_status=word) == count
        assert metrics.total("larder_request_duration_seconds_count", method="GET", path=route, cache_status=word) == count
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
    buckets = [(float(labels["le"]), value) for name, labels, value in metrics
               if name == "larder_request_duration_seconds_bucket" and labels["cache_status"] == "HIT" and labels["method"] == "GET"]
    buckets.sort()
    assert [value for _, value in buckets] == sorted(value for _, value in buckets)
    assert buckets[-1] == (float("inf"), 4)
