#include "observe/metrics.hpp"

#include <doctest/doctest.h>

#include <map>
#include <sstream>
#include <thread>

#include "observe/process_metrics.hpp"

using namespace larder;
using namespace larder::observe;
using namespace std::chrono_literals;
using cache::Detail;
using cache::XCache;
using http::Method;

namespace {

/// The exposition read back: "name{labels}" to value, and the families' types.
struct Exposition {
    std::map<std::string, double> samples;
    std::map<std::string, std::string> types;

    explicit Exposition(const std::string& text) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with("# TYPE ")) {
                const std::size_t space = line.rfind(' ');
                CHECK(types.emplace(line.substr(7, space - 7), line.substr(space + 1)).second);
            } else if (!line.starts_with('#')) {
                const std::size_t space = line.rfind(' ');
                REQUIRE(space != std::string::npos);
                CHECK(samples.emplace(line.substr(0, space), std::stod(line.substr(space + 1)))
                          .second);
            }
        }
    }

    double at(const std::string& sample) const {
        CAPTURE(sample);
        const auto found = samples.find(sample);
        REQUIRE(found != samples.end());
        return found->second;
    }

    bool has_sample_of(const std::string& family) const {
        for (const auto& [sample, value] : samples) {
            const std::string name = sample.substr(0, sample.find('{'));
            if (name == family || name == family + "_count") return true;
        }
        return false;
    }
};

}  // namespace

TEST_CASE("every family is exposed from the start; counters and gauges with a sample") {
    Metrics metrics("1.2.3");
    metrics.set_gauges([] { return Gauges{.origins = {{"http://127.0.0.1:8000", true}}}; });
    const Exposition seen(metrics.text());
    const std::map<std::string, std::string> expected{
        {"larder_request_duration_seconds", "histogram"},
        {"larder_requests_total", "counter"},
        {"larder_not_stored_total", "counter"},
        {"larder_fills_discarded_total", "counter"},
        {"larder_origin_seconds_saved_total", "counter"},
        {"larder_response_age_seconds", "histogram"},
        {"larder_shadow_total", "counter"},
        {"larder_origin_request_duration_seconds", "histogram"},
        {"larder_origin_errors_total", "counter"},
        {"larder_origin_up", "gauge"},
        {"larder_redis_up", "gauge"},
        {"larder_redis_breaker_state", "gauge"},
        {"larder_redis_operation_duration_seconds", "histogram"},
        {"larder_redis_errors_total", "counter"},
        {"larder_memory_bytes", "gauge"},
        {"larder_memory_entries", "gauge"},
        {"larder_memory_serving", "gauge"},
        {"larder_memory_evictions_total", "counter"},
        {"larder_purges_total", "counter"},
        {"larder_purge_duration_seconds", "histogram"},
        {"larder_purges_pending", "gauge"},
        {"larder_purge_stream_malformed_total", "counter"},
        {"larder_coalesced_requests_total", "counter"},
        {"larder_refresh_ahead_total", "counter"},
        {"larder_audit_total", "counter"},
        {"larder_compressed_bytes_saved_total", "counter"},
        {"larder_client_connections", "gauge"},
        {"larder_internal_errors_total", "counter"},
        {"larder_config_last_reload_successful", "gauge"},
        {"larder_build_info", "gauge"},
        {"process_cpu_seconds_total", "counter"},
        {"process_start_time_seconds", "gauge"},
        {"process_resident_memory_bytes", "gauge"},
        {"process_virtual_memory_bytes", "gauge"},
        {"process_open_fds", "gauge"},
        {"process_max_fds", "gauge"},
    };
    CHECK(seen.types == expected);
    for (const auto& [family, type] : expected) {
        CAPTURE(family);
        CHECK(seen.has_sample_of(family) == (type != "histogram"));
    }
    CHECK(seen.at("larder_redis_errors_total{reason=\"timeout\"}") == 0);
    CHECK(seen.at("larder_build_info{version=\"1.2.3\"}") == 1);
    CHECK(seen.at("larder_config_last_reload_successful") == 1);
}

TEST_CASE("a route, server or operation without events has no histogram, and no shadow results") {
    Metrics metrics("0");
    const PathId busy = metrics.path("/busy");
    metrics.path("/idle");
    metrics.server("http://idle:8000");
    WorkerMetrics& worker = metrics.add_worker();
    worker.record(
        {.path = busy, .method = Method::get, .status = 200, .x_cache = XCache::hit, .age = 1});
    worker.record_redis_operation(RedisOperation::read, 1ms);
    worker.record_shadow(busy, ShadowResult::match);
    const Exposition seen(metrics.text());
    const auto has = [&](const std::string& sample) { return seen.samples.contains(sample); };
    CHECK(has(R"(larder_response_age_seconds_count{path="/busy"})"));
    CHECK_FALSE(has(R"(larder_response_age_seconds_count{path="/idle"})"));
    CHECK_FALSE(has(R"(larder_origin_request_duration_seconds_count{server="http://idle:8000"})"));
    CHECK(has(R"(larder_redis_operation_duration_seconds_count{operation="read"})"));
    CHECK_FALSE(has(R"(larder_redis_operation_duration_seconds_count{operation="purge"})"));
    CHECK(seen.at(R"(larder_shadow_total{path="/busy",result="mismatch"})") == 0);
    CHECK_FALSE(has(R"(larder_shadow_total{path="/idle",result="mismatch"})"));
}

TEST_CASE(
    "requests are counted under method, path, status and cache status, all workers together") {
    Metrics metrics("0");
    const PathId article = metrics.path("/articles/{id}");
    WorkerMetrics& one = metrics.add_worker();
    WorkerMetrics& two = metrics.add_worker();
    one.record({.path = article,
                .method = Method::get,
                .status = 200,
                .x_cache = XCache::hit,
                .duration = 40us,
                .age = 7,
                .saved = 50ms});
    two.record({.path = article,
                .method = Method::get,
                .status = 200,
                .x_cache = XCache::hit,
                .duration = 3ms,
                .age = 61,
                .saved = 50ms});
    two.record({.path = article,
                .method = Method::get,
                .status = 404,
                .x_cache = XCache::miss,
                .duration = 20ms,
                .coalesced = true,
                .not_stored = Detail::status});
    two.record(
        {.method = Method::purge, .status = 405, .x_cache = XCache::bypass, .duration = 1ms});

    const Exposition seen(metrics.text());
    CHECK(
        seen.at(
            R"(larder_requests_total{method="GET",path="/articles/{id}",status="200",cache_status="HIT"})") ==
        2);
    CHECK(
        seen.at(
            R"(larder_requests_total{method="GET",path="/articles/{id}",status="404",cache_status="MISS"})") ==
        1);
    CHECK(
        seen.at(
            R"(larder_requests_total{method="other",path="other",status="405",cache_status="BYPASS"})") ==
        1);
    const std::string hits = R"({method="GET",path="/articles/{id}",cache_status="HIT")";
    CHECK(seen.at("larder_request_duration_seconds_bucket" + hits + R"(,le="1e-05"})") == 0);
    CHECK(seen.at("larder_request_duration_seconds_bucket" + hits + R"(,le="5e-05"})") == 1);
    CHECK(seen.at("larder_request_duration_seconds_bucket" + hits + R"(,le="0.0001"})") == 1);
    CHECK(seen.at("larder_request_duration_seconds_bucket" + hits + R"(,le="0.005"})") == 2);
    CHECK(seen.at("larder_request_duration_seconds_bucket" + hits + R"(,le="+Inf"})") == 2);
    CHECK(seen.at("larder_request_duration_seconds_count" + hits + "}") == 2);
    CHECK(seen.at("larder_request_duration_seconds_sum" + hits + "}") == doctest::Approx(0.00304));
    CHECK(seen.at(R"(larder_response_age_seconds_bucket{path="/articles/{id}",le="10"})") == 1);
    CHECK(seen.at(R"(larder_response_age_seconds_sum{path="/articles/{id}"})") == 68);
    CHECK(seen.at(R"(larder_origin_seconds_saved_total{path="/articles/{id}"})") ==
          doctest::Approx(0.1));
    CHECK(seen.at(R"(larder_not_stored_total{path="/articles/{id}",reason="status"})") == 1);
    CHECK(seen.at("larder_coalesced_requests_total") == 1);
}

TEST_CASE("Redis, origin, purge, fill and shadow figures keep their labels") {
    Metrics metrics("0");
    WorkerMetrics& worker = metrics.add_worker();
    const PathId path = metrics.path("/a");
    const ServerId server = metrics.server("http://127.0.0.1:8000");
    worker.record_fill_discarded(path, Detail::purged_during_fetch);
    worker.record_shadow(path, ShadowResult::mismatch);
    worker.record_purge(PurgeSource::api, 3ms);
    worker.record_origin_request(server, 180ms);
    worker.record_origin_failure(server, OriginFailure::response_timeout);
    worker.record_redis_operation(RedisOperation::lease, 300us);
    metrics.note_reload(false);
    metrics.set_gauges([] {
        Gauges gauges{.memory_bytes = 5000,
                      .redis_up = true,
                      .redis_breaker = BreakerState::open,
                      .purges_pending = 3};
        gauges.redis_failures[static_cast<std::size_t>(RedisFailure::oom)] = 2;
        return gauges;
    });

    const Exposition seen(metrics.text());
    CHECK(seen.at(R"(larder_fills_discarded_total{path="/a",reason="purged-during-fetch"})") == 1);
    CHECK(seen.at(R"(larder_shadow_total{path="/a",result="mismatch"})") == 1);
    CHECK(seen.at(R"(larder_purges_total{source="api"})") == 1);
    CHECK(seen.at(R"(larder_purge_duration_seconds_bucket{source="api",le="0.005"})") == 1);
    CHECK(seen.at(R"(larder_purge_duration_seconds_sum{source="api"})") == doctest::Approx(0.003));
    CHECK(
        seen.at(R"(larder_origin_request_duration_seconds_sum{server="http://127.0.0.1:8000"})") ==
        doctest::Approx(0.18));
    CHECK(
        seen.at(
            R"(larder_origin_errors_total{server="http://127.0.0.1:8000",reason="response-timeout"})") ==
        1);
    CHECK(seen.at(
              R"(larder_redis_operation_duration_seconds_bucket{operation="lease",le="0.0005"})") ==
          1);
    CHECK(seen.at(R"(larder_redis_errors_total{reason="oom"})") == 2);
    CHECK(seen.at("larder_config_last_reload_successful") == 0);
    CHECK(seen.at("larder_memory_bytes") == 5000);
    CHECK(seen.at("larder_redis_up") == 1);
    CHECK(seen.at("larder_redis_breaker_state") == 2);
    CHECK(seen.at("larder_purges_pending") == 3);
}

TEST_CASE(
    "a reload with other routes takes nothing from the counters, and the same template gets its "
    "own number again") {
    Metrics metrics("0");
    WorkerMetrics& worker = metrics.add_worker();
    const PathId first = metrics.path("/old");
    worker.record({.path = first, .method = Method::get, .status = 200, .x_cache = XCache::hit});
    const PathId second = metrics.path("/new");
    CHECK(second != first);
    CHECK(metrics.path("/old") == first);
    worker.record({.path = second, .method = Method::get, .status = 200, .x_cache = XCache::hit});
    const Exposition seen(metrics.text());
    CHECK(
        seen.at(
            R"(larder_requests_total{method="GET",path="/old",status="200",cache_status="HIT"})") ==
        1);
    CHECK(
        seen.at(
            R"(larder_requests_total{method="GET",path="/new",status="200",cache_status="HIT"})") ==
        1);
}

TEST_CASE("path templates beyond the limit are counted as other") {
    Metrics metrics("0");
    for (std::size_t i = 0; i < paths_max; ++i)
        CHECK(metrics.path("/" + std::to_string(i)) != NameRegistry::other);
    CHECK(metrics.path("/one-more") == NameRegistry::other);
    CHECK(metrics.path("/17") == 18);
    WorkerMetrics& worker = metrics.add_worker();
    worker.record({.path = paths_max, .method = Method::get, .status = 200});
    CHECK(metrics.snapshot().paths.back().total().duration.count() == 1);
}

TEST_CASE("a label value with quotes, backslashes and line ends stays one label") {
    Metrics metrics("0");
    WorkerMetrics& worker = metrics.add_worker();
    worker.record({.path = metrics.path("/a\"b\\c\nd"),
                   .method = Method::get,
                   .status = 200,
                   .x_cache = XCache::hit});
    const Exposition seen(metrics.text());
    CHECK(
        seen.at(
            R"(larder_requests_total{method="GET",path="/a\"b\\c\nd",status="200",cache_status="HIT"})") ==
        1);
}

TEST_CASE("any number of statuses is kept apart, and a nonsensical one cannot grow the table") {
    Metrics metrics("0");
    WorkerMetrics& worker = metrics.add_worker();
    for (int round = 0; round < 2; ++round)
        for (int status = -5; status < 1100; ++status)
            worker.record({.method = Method::get, .status = status, .x_cache = XCache::bypass});
    const auto statuses = metrics.snapshot().paths[0].total().statuses;
    CHECK(statuses.size() == 900);
    CHECK(statuses.at(200) == 2);
    CHECK(statuses.at(100) == 2 * 106);
    CHECK(statuses.at(999) == 2 * 101);
}

TEST_CASE("reading while a worker records never shows a number going backwards") {
    Metrics metrics("0");
    WorkerMetrics& worker = metrics.add_worker();
    constexpr std::uint64_t rounds = 200'000;
    std::thread writer([&worker] {
        for (std::uint64_t i = 0; i < rounds; ++i)
            worker.record({.method = static_cast<Method>(i % 11),
                           .status = 200 + static_cast<int>(i % 40),
                           .x_cache = static_cast<XCache>(i % 7),
                           .duration = std::chrono::nanoseconds(i)});
    });
    std::uint64_t last = 0;
    while (last < rounds) {
        const std::uint64_t now = metrics.snapshot().paths[0].total().duration.count();
        REQUIRE(now >= last);
        last = now;
    }
    writer.join();
    std::uint64_t by_status = 0;
    for (const auto& [status, requests] : metrics.snapshot().paths[0].total().statuses)
        by_status += requests;
    CHECK(by_status == rounds);
}

TEST_CASE("the process' own figures are read whatever its name holds") {
    const ProcessFigures figures = parse_process_stat(
        "12 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 3 0 1000 4096000 25 1 2\n",
        "cpu 1 2\nbtime 1700000000\n", 100, 4096);
    CHECK(figures.cpu_seconds == 2.0);
    CHECK(figures.start_time_seconds == 1700000010.0);
    CHECK(figures.virtual_bytes == 4096000.0);
    CHECK(figures.resident_bytes == 102400.0);
    CHECK_FALSE(parse_process_stat("nonsense", "", 100, 4096).cpu_seconds);
}
