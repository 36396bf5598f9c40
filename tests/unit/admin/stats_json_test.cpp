#include "admin/stats_json.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <set>

#include "base/json_text.hpp"
#include "observe/metrics.hpp"
#include "redis/refusal.hpp"

using namespace larder;
using namespace larder::admin;
using namespace larder::observe;
using namespace std::chrono_literals;
using cache::XCache;
using http::Method;

TEST_CASE("the stats hold totals, hit ratio, latency and a line for each route") {
    observe::Metrics metrics("1.0");
    observe::WorkerMetrics& worker = metrics.add_worker();
    const observe::PathId path = metrics.path("/articles/{id}");
    const observe::ServerId server = metrics.server("http://127.0.0.1:8000");
    for (int i = 0; i < 3; ++i)
        worker.record({.path = path,
                       .method = Method::get,
                       .status = 200,
                       .x_cache = XCache::hit,
                       .duration = 50us,
                       .bytes_in = 70,
                       .bytes_out = 100});
    worker.record({.path = path,
                   .method = Method::get,
                   .status = 404,
                   .x_cache = XCache::miss,
                   .duration = 20ms,
                   .coalesced = true,
                   .not_stored = cache::Detail::status});
    worker.record(
        {.method = Method::post, .status = 201, .x_cache = XCache::bypass, .duration = 5ms});
    worker.record_origin_request(server, 19ms);
    metrics.set_gauges([] {
        return observe::Gauges{
            .redis_configured = true,
            .redis_breaker = observe::BreakerState::open,
            .purges_pending = 2,
            .origins = {{"http://127.0.0.1:8000", false, {{"10.0.0.1:8000", false, true, 2, 1}}}}};
    });

    const boost::json::value stats = to_stats(metrics.snapshot());
    const auto at = [&stats](std::string_view pointer) {
        return stats.at_pointer({pointer.data(), pointer.size()});
    };
    CHECK(at("/requests/total") == 5u);
    CHECK(at("/requests/hit_ratio") == 0.75);
    CHECK(at("/requests/by_cache_status/HIT") == 3u);
    CHECK(at("/requests/by_status/2xx") == 4u);
    CHECK(at("/requests/coalesced") == 1u);
    CHECK(at("/requests/bytes_in") == 210u);
    CHECK(at("/requests/bytes_out") == 300u);
    CHECK(at("/latency/HIT/count") == 3u);
    CHECK(at("/latency/HIT/mean_ms").as_double() == doctest::Approx(0.05));
    CHECK(at("/routes/0/path") == "other");
    CHECK(at("/routes/0/hit_ratio").is_null());
    CHECK(at("/routes/1/path") == "/articles/{id}");
    CHECK(at("/routes/1/not_stored/status") == 1u);
    CHECK(at("/redis/breaker") == "open");
    CHECK(at("/origins/0/server") == "http://127.0.0.1:8000");
    CHECK(at("/origins/0/up") == false);
    CHECK(at("/origins/0/addresses/0/address") == "10.0.0.1:8000");
    CHECK(at("/origins/0/addresses/0/connections") == 2);
    CHECK(at("/purges/pending") == 2u);
    CHECK(json_text(stats).find("\"hit_ratio\":0.75,") != std::string::npos);
}

TEST_CASE("the stats list no label that nothing counts") {
    const boost::json::value stats = to_stats(observe::Metrics("1").snapshot());
    std::set<std::string> reasons;
    for (const auto& reason : stats.at("redis").at("errors").as_object())
        reasons.emplace(reason.key().data(), reason.key().size());
    std::set<std::string> counted;
    for (std::size_t i = 0; i < static_cast<std::size_t>(redis::RedisError::count_); ++i)
        counted.emplace(redis::to_word(static_cast<redis::RedisError>(i)));
    CHECK(reasons == counted);
}

TEST_CASE("the stats show what Redis refused last, and what it refuses at present") {
    observe::Metrics metrics("1");
    const boost::json::value before = to_stats(metrics.snapshot());
    CHECK(before.at_pointer("/redis/last_refusal").is_null());
    metrics.set_gauges([] {
        observe::Gauges gauges;
        const observe::RedisTrouble trouble{
            "store", "oom", "OOM command not allowed", "EVAL", "more memory", 1.5, 60};
        gauges.redis_troubles = {trouble};
        gauges.redis_last_refusal = {trouble};
        return gauges;
    });
    const boost::json::value stats = to_stats(metrics.snapshot());
    const auto text = [&](const std::string& pointer) {
        return std::string(stats.at_pointer(pointer).as_string());
    };
    for (const std::string place : {"/redis/last_refusal", "/redis/troubles/0"}) {
        CHECK(text(place + "/kind") == "oom");
        CHECK(text(place + "/concerns") == "store");
        CHECK(text(place + "/text") == "OOM command not allowed");
        CHECK(text(place + "/command") == "EVAL");
        CHECK(text(place + "/remedy") == "more memory");
        CHECK(stats.at_pointer(place + "/seconds_ago") == 1.5);
    }
    CHECK(stats.at_pointer("/redis/troubles/0/for_seconds") == 60.0);
}
