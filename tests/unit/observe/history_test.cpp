#include "observe/history.hpp"

#include <doctest/doctest.h>

using namespace larder;
using namespace larder::observe;
using namespace std::chrono_literals;

namespace {

std::vector<std::uint64_t> requests_of(const Series& series) {
    std::vector<std::uint64_t> out;
    for (const Traffic& step : series.steps()) out.push_back(step.requests);
    return out;
}

}  // namespace

TEST_CASE("growth is kept in steps, and a step without a call is empty") {
    History history;
    history.note(0s, {.requests = 5});
    history.note(9s, {.requests = 7});
    history.note(10s, {.requests = 8});
    history.note(30s, {.requests = 18});
    CHECK(requests_of(history.hour()) == std::vector<std::uint64_t>{7, 1, 0, 10});
    CHECK(requests_of(history.day()) == std::vector<std::uint64_t>{18});
    CHECK(history.hour().begin() == 0s);
}

TEST_CASE("no more steps are kept than fit, whatever the time between two calls") {
    Series series(10s, 3);
    series.add(0s, {.requests = 1});
    series.add(35s, {.requests = 2});
    CHECK(requests_of(series) == std::vector<std::uint64_t>{0, 0, 2});
    CHECK(series.begin() == 10s);
    series.add(1'000'000s, {.requests = 3});
    CHECK(requests_of(series) == std::vector<std::uint64_t>{0, 0, 3});
    CHECK(series.begin() == 999'980s);
}

TEST_CASE("a whole day in samples of ten seconds stays within the two bounds") {
    History history;
    std::uint64_t requests = 0;
    for (std::chrono::seconds at{0}; at < 26h; at += History::sample_interval)
        history.note(at, {.requests = requests += 2});
    CHECK(history.hour().steps().size() == 360);
    CHECK(history.day().steps().size() == 288);
    CHECK(history.day().steps()[100].requests == 60);
    CHECK(history.day().begin() == 2h);
}

TEST_CASE("traffic is summed over routes, methods and statuses") {
    Snapshot snapshot;
    PathTotals& path = snapshot.paths.emplace_back();
    path.saved_nanoseconds = 70;
    const auto add = [&path](cache::XCache word, std::uint64_t requests, int status) {
        SeriesTotals& totals = path.series[{0, word}];
        totals.duration.buckets[0] += requests;
        totals.statuses[status] += requests;
    };
    add(cache::XCache::hit, 10, 200);
    add(cache::XCache::stale, 2, 200);
    add(cache::XCache::miss, 4, 502);
    add(cache::XCache::bypass, 1, 999);
    snapshot.purges[0].buckets[0] = 3;
    CHECK(traffic_of(snapshot) == Traffic{17, 16, 12, 5, 70, 3});
}

TEST_CASE("the errors of the last reload are kept until one is accepted") {
    History history;
    CHECK_FALSE(history.last_reload().happened);
    history.note_reload({.successful = false, .unix_seconds = 5, .errors = "line 3"});
    CHECK(history.last_reload().happened);
    CHECK(history.last_reload().errors == "line 3");
    history.note_reload({.successful = true, .unix_seconds = 6, .errors = {}});
    CHECK(history.last_reload().errors.empty());
}
