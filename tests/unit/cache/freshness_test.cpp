#include "cache/freshness.hpp"

#include <doctest/doctest.h>

#include <set>

#include "cache/storable.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {

/// Noon as RFC 9110 writes it, and other times of that day.
std::string at(Seconds offset) { return http::format_http_date(http::whole_second(noon) + offset); }

Lifetime lifetime_of(const std::string& text, const settings::Route& rule = bare_rule()) {
    const Response response(text);
    const OriginDirectives origin = read_origin_directives(response.fields(), rule);
    return freshness_lifetime(response, origin, rule, noon);
}

}  // namespace

TEST_CASE("the first that applies grants the lifetime (RFC 9111, 4.2.1)") {
    struct Row {
        const char* rfc;
        std::string fields;
        Seconds lifetime;
    };
    const Row rows[] = {
        {"ttl", "", 60s},
        {"9111 5.2.2.10", "Cache-Control: s-maxage=7, max-age=9", 7s},
        {"9111 5.2.2.10", "Cache-Control: max-age=9, s-maxage=7", 7s},
        {"9111 5.2.2.10", "Cache-Control: max-age=9\nCache-Control: s-maxage=99", 99s},
        {"9111 5.2.2.1", "Cache-Control: max-age=9", 9s},
        {"9111 5.3", "Cache-Control: max-age=9\nExpires: " + at(99s), 9s},
        {"9111 5.3", "Cache-Control: max-age=9\nExpires: 0", 9s},
        {"9111 5.3", "Cache-Control: max-age=0\nExpires: " + at(99s), 0s},
        {"9111 5.3", "Cache-Control: foo\nExpires: " + at(99s), 99s},
        {"9111 5.3", "Date: " + at(0s) + "\nExpires: " + at(99s), 99s},
        {"9111 5.3", "Date: " + at(0s) + "\nExpires: " + at(-99s), 0s},
        {"9111 5.3", "Date: " + at(0s) + "\nExpires: " + at(0s), 0s},
        {"9111 5.3", "Date: " + at(400s) + "\nExpires: " + at(300s), 0s},
        {"9111 5.3", "Date: " + at(-10s) + "\nExpires: " + at(10s), 20s},
        {"9111 5.3", "Date: " + at(10s) + "\nExpires: " + at(20s), 10s},
        {"9110 6.6.1", "Expires: " + at(30s), 30s},
        {"9110 6.6.1", "Date: foo\nExpires: " + at(30s), 30s},
        {"9111 5.3", "Expires: 0", 0s},
        {"9111 5.3", "Expires: ", 0s},
        {"9111 5.3", "Expires: Thu, 18 Aug 2050 02:01:18 UTC", 0s},
        {"9111 5.3", "Expires: " + at(30s) + "\nExpires: 0", 0s},
        {"9111 4.2.1", "Expires: " + at(30s) + "\nExpires: " + at(20s), 20s},
        {"9111 1.2.2", "Expires: Fri, 31 Dec 9999 23:59:59 GMT", 2147483648s},
        {"9111 4.2.1", "Cache-Control: max-age=foo", 0s},
        {"9213 2.1", "CDN-Cache-Control: max-age=7\nCache-Control: max-age=9, s-maxage=8", 7s},
        {"9213 2.1", "CDN-Cache-Control: s-maxage=6, max-age=7", 6s},
        {"9213 2.1", "CDN-Cache-Control: max-age=7\nExpires: 0", 7s},
        {"9213 2.1", "CDN-Cache-Control: max-age=0\nExpires: " + at(99s), 0s},
        {"9213 2.1", "CDN-Cache-Control: max-age=7\nCache-Control: no-store", 7s},
        {"9213 2.1", "CDN-Cache-Control: foo\nCache-Control: max-age=9\nExpires: " + at(99s), 60s},
        {"9213 2.1", "CDN-Cache-Control: max-age=\"7\"\nCache-Control: max-age=9", 9s},
        {"9213 2.1", "CDN-Cache-Control:\nCache-Control: max-age=9", 9s},
        {"8246 2", "Cache-Control: immutable", 60s},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(row.fields);
        CHECK(lifetime_of("200 OK\n" + row.fields, minute_rule()).duration == row.lifetime);
    }
}

TEST_CASE("the heuristic comes last, where a route allows it (RFC 9111, 4.2.2)") {
    settings::Route rule = bare_rule();
    rule.heuristic = 0.1;
    const std::string modified = "Date: " + at(0s) + "\nLast-Modified: " + at(-1000s);
    struct Row {
        const char* rfc;
        std::string response;
        Seconds lifetime;
    };
    const Row rows[] = {
        {"9111 4.2.2", "200 OK\n" + modified, 100s},
        {"9110 15.1", "203 X\n" + modified, 100s},
        {"9110 15.1", "204 X\n" + modified, 100s},
        {"9110 15.1", "300 X\n" + modified, 100s},
        {"9110 15.1", "301 X\n" + modified, 100s},
        {"9110 15.1", "308 X\n" + modified, 100s},
        {"9110 15.1", "404 X\n" + modified, 100s},
        {"9110 15.1", "405 X\n" + modified, 100s},
        {"9110 15.1", "410 X\n" + modified, 100s},
        {"9110 15.1", "414 X\n" + modified, 100s},
        {"9110 15.1", "501 X\n" + modified, 100s},
        {"9110 15.1", "201 X\n" + modified, 0s},
        {"9110 15.1", "202 X\n" + modified, 0s},
        {"9110 15.1", "302 X\n" + modified, 0s},
        {"9110 15.1", "403 X\n" + modified, 0s},
        {"9110 15.1", "502 X\n" + modified, 0s},
        {"9110 15.1", "503 X\n" + modified, 0s},
        {"9110 15.1", "504 X\n" + modified, 0s},
        {"9110 15.1", "599 X\n" + modified, 0s},
        {"9111 5.2.2.9", "599 X\nCache-Control: public\n" + modified, 100s},
        {"9111 4.2.2", "200 OK\nCache-Control: max-age=3\n" + modified, 3s},
        {"9111 4.2.2", "200 OK\nExpires: 0\n" + modified, 0s},
        {"9111 4.2.2", "200 OK\nDate: " + at(0s) + "\nLast-Modified: " + at(5s), 0s},
        {"9111 4.2.2", "200 OK\nDate: " + at(0s) + "\nLast-Modified: " + at(-5s), 0s},
        {"9111 4.2.2", "200 OK\nLast-Modified: foo", 0s},
        {"9111 4.2.2", "200 OK\nLast-Modified: " + at(-1000s), 100s},
        {"9111 4.2.2", "200 OK\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT", heuristic_max},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(row.response);
        CHECK(lifetime_of(row.response, rule).duration == row.lifetime);
        CHECK(lifetime_of(row.response, bare_rule()).grant != Grant::heuristic);
    }
    rule.ttl = 7s;
    CHECK(lifetime_of("200 OK\n" + modified, rule).duration == 7s);
}

TEST_CASE("the age at receipt (RFC 9111, 4.2.3 and 5.1)") {
    struct Row {
        const char* rfc;
        std::string fields;
        Milliseconds delay;     // between request and receipt
        Milliseconds fraction;  // of the second of receipt
        Seconds age;
    };
    const Row rows[] = {
        {"9111 4.2.3", "", 0ms, 0ms, 0s},
        {"9111 4.2.3", "Date: " + at(0s), 0ms, 0ms, 0s},
        {"9111 4.2.3", "Date: " + at(0s), 0ms, 999ms, 0s},
        {"9111 4.2.3", "Date: " + at(-7s), 0ms, 0ms, 7s},
        {"9111 4.2.3", "Date: " + at(-7s), 0ms, 999ms, 7s},
        {"9111 4.2.3", "Date: " + at(7s), 0ms, 0ms, 0s},
        {"9111 4.2.3", "Date: foo", 0ms, 0ms, 0s},
        {"9111 4.2.3", "Date: " + at(-1s), 200ms, 100ms,
         0s},  // the second turned during the exchange
        {"9111 4.2.3", "Date: " + at(-1s), 50ms, 100ms, 1s},  // it turned before
        {"9111 4.2.3", "Date: " + at(-3s), 3500ms, 0ms, 3s},
        {"9111 4.2.3", "Date: " + at(0s), 3500ms, 0ms, 3s},
        {"9111 4.2.3", "", 3999ms, 0ms, 3s},
        {"9111 4.2.3", "", -5000ms, 0ms, 0s},
        {"9111 4.2.3", "Age: 30", 2000ms, 0ms, 32s},
        {"9111 4.2.3", "Age: 3\nDate: " + at(-10s), 0ms, 0ms, 10s},
        {"9111 4.2.3", "Age: 30\nDate: " + at(-10s), 0ms, 0ms, 30s},
        {"9111 5.1", "Age: 0", 0ms, 0ms, 0s},
        {"9111 5.1", "Age: abc", 0ms, 0ms, 0s},
        {"9111 5.1", "Age: -7200", 0ms, 0ms, 0s},
        {"9111 5.1", "Age: 7200.0", 0ms, 0ms, 0s},
        {"9111 5.1", "Age: 7200;foo=bar", 0ms, 0ms, 0s},
        {"9111 5.1", "Age: \"7200\"", 0ms, 0ms, 0s},
        {"9111 5.1", "Age:", 0ms, 0ms, 0s},
        {"9111 5.1", "Age: 7200, 0", 0ms, 0ms, 7200s},
        {"9111 5.1", "Age: 0, 7200", 0ms, 0ms, 0s},
        {"9111 5.1", "Age: 7200\nAge: 0", 0ms, 0ms, 7200s},
        {"9111 5.1", "Age: 0\nAge: 7200", 0ms, 0ms, 0s},
        {"9111 1.2.2", "Age: 2147483647", 0ms, 0ms, 2147483647s},
        {"9111 1.2.2", "Age: 2147483648", 0ms, 0ms, 2147483648s},
        {"9111 1.2.2", "Age: 2147483649", 0ms, 0ms, 2147483648s},
        {"9111 1.2.2", "Age: 99999999999999999999999999", 5000ms, 0ms, 2147483648s},
        {"9111 1.2.2", "Date: Thu, 01 Jan 0001 00:00:00 GMT", 0ms, 0ms, 2147483648s},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(row.fields);
        CAPTURE(row.delay.count());
        const WallTime received_at = noon + row.fraction;
        const Response response("200 OK\n" + row.fields);
        CHECK(initial_age(response.fields(), received_at - row.delay, received_at) == row.age);
    }
}

TEST_CASE("a rule's lifetime begins with the receipt, whatever the origin's clock and pace") {
    const auto stored = [](const std::string& fields, Milliseconds delay,
                           settings::Route rule = minute_rule()) {
        return decide(Response("200 OK\n" + fields), rule, Detail::none, noon - delay, noon);
    };
    for (const std::string& fields :
         {"Date: " + at(-3600s), std::string("Age: 500"), std::string("Age: 99999999999"),
          std::string("Date: Thu, 01 Jan 1970 00:00:00 GMT")}) {
        CAPTURE(fields);
        const StoreDecision decision = stored(fields, 0ms);
        CHECK(decision.reason == Detail::none);
        CHECK(time_left(decision.freshness, noon) == 60s);
        CHECK(remaining_lifetime(decision.freshness, noon + 59s) == 1s);
        CHECK(time_left(decision.freshness, noon + 60s) <= 0s);
    }
    settings::Route brief = bare_rule();
    brief.ttl = 2s;
    CHECK(stored("", 3s, brief).reason == Detail::none);
    CHECK(time_left(stored("", 3s, brief).freshness, noon) == 2s);
    brief.ttl.reset();
    brief.status_ttl = {{200, 2s}};
    CHECK(time_left(stored("", 3s, brief).freshness, noon) == 2s);
    // What the origin grants counts from when the origin made it.
    CHECK(stored("Cache-Control: max-age=2", 3s).reason == Detail::no_lifetime);
    CHECK(current_age(stored("Date: " + at(-3600s), 0ms).freshness, noon) == 3600s);
}

TEST_CASE("the age grows by whole seconds of residence, and never runs backwards") {
    Freshness freshness;
    freshness.received_at = noon + 500ms;
    freshness.initial_age = 10s;
    freshness.lifetime = 60s;
    CHECK(current_age(freshness, noon + 500ms) == 10s);
    CHECK(current_age(freshness, noon + 1499ms) == 10s);
    CHECK(current_age(freshness, noon + 1500ms) == 11s);
    CHECK(current_age(freshness, noon - 100s) == 10s);
    CHECK(remaining_lifetime(freshness, noon + 50499ms) == 1s);
    CHECK(remaining_lifetime(freshness, noon + 50500ms) == 0s);
    CHECK(remaining_lifetime(freshness, noon + 60500ms) == -10s);
    freshness.initial_age = http::delta_seconds_max;
    CHECK(current_age(freshness, noon + 100h) == http::delta_seconds_max);
}

TEST_CASE("what was received in the future has no lifetime left") {
    Freshness freshness;
    freshness.received_at = noon;
    freshness.lifetime = 60s;
    struct Row {
        Milliseconds earlier;
        bool future;
        Milliseconds left;
    };
    const Row rows[] = {{0ms, false, 60s},
                        {1ms, false, 60s},
                        {1000ms, false, 60s},
                        {1001ms, true, 0ms},
                        {1h, true, 0ms}};
    for (const Row& row : rows) {
        CAPTURE(row.earlier.count());
        CHECK(is_from_the_future(freshness, noon - row.earlier) == row.future);
        CHECK(time_left(freshness, noon - row.earlier) == row.left);
        CHECK(remaining_lifetime(freshness, noon - row.earlier) == row.left);
    }
}

TEST_CASE("a lifetime ends to the millisecond, and is shown in whole seconds") {
    Freshness freshness;
    freshness.received_at = noon + 700ms;
    freshness.lifetime = 1500ms;
    CHECK(time_left(freshness, noon) == 1500ms);
    CHECK(time_left(freshness, noon + 2199ms) == 1ms);
    CHECK(time_left(freshness, noon + 2200ms) == 0ms);
    CHECK(remaining_lifetime(freshness, noon + 1699ms) == 1s);
    CHECK(remaining_lifetime(freshness, noon + 2199ms) == 0s);
    CHECK(remaining_lifetime(freshness, noon + 2700ms) == -1s);
    freshness.initial_age = http::delta_seconds_max;
    CHECK(time_left(freshness, noon + 700ms + 100h) == 1500ms - http::delta_seconds_max - 100h);
}

TEST_CASE("who may serve stale, and for how long (RFC 5861; RFC 9111, 4.2.4)") {
    settings::Route rule = minute_rule();
    rule.stale_while_revalidate = 30s;
    rule.stale_if_error = 300s;
    struct Row {
        const char* rfc;
        const char* cache_control;
        Seconds while_revalidate;
        Seconds if_error;
    };
    const Row rows[] = {
        {"ttl", "x", 30s, 300s},
        {"5861 3", "max-age=9", 30s, 300s},
        {"5861 3", "max-age=9, stale-while-revalidate=5", 5s, 300s},
        {"5861 4", "max-age=9, stale-if-error=5", 30s, 5s},
        {"5861 3", "max-age=9, stale-while-revalidate=0, stale-if-error=0", 0s, 0s},
        {"5861 3", "max-age=9, stale-while-revalidate=x", 0s, 300s},
        {"5861 3", "max-age=0, stale-while-revalidate=5", 5s, 300s},
        {"5861 3", "max-age=0", 0s, 300s},
        {"9111 5.2.2.2", "max-age=9, must-revalidate", 0s, 0s},
        {"9111 5.2.2.2", "max-age=9, must-revalidate, stale-while-revalidate=5", 0s, 0s},
        {"9111 5.2.2.8", "max-age=9, proxy-revalidate, stale-if-error=5", 0s, 0s},
        {"9111 5.2.2.10", "s-maxage=9, stale-if-error=5", 0s, 0s},
        {"9111 5.2.2.4", "max-age=9, no-cache, stale-if-error=5", 0s, 0s},
        {"9111 5.2.2.4", "max-age=9, no-cache=\"a\"", 30s, 300s},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(std::string(row.cache_control));
        const Freshness freshness =
            decide(
                Response(std::string("200 OK\nETag: \"a\"\nCache-Control: ") + row.cache_control),
                rule)
                .freshness;
        CHECK(freshness.stale_while_revalidate == row.while_revalidate);
        CHECK(freshness.stale_if_error == row.if_error);
    }
}

TEST_CASE("jitter shortens what the route grants, and nothing else") {
    const Lifetime minute{Grant::rule, 60s};
    CHECK(with_jitter(minute, 0, 1).duration == 60s);
    CHECK(with_jitter({Grant::origin, 60s}, 0.5, 1).duration == 60s);
    CHECK(with_jitter({Grant::heuristic, 60s}, 0.5, 1).duration == 60s);
    Milliseconds shortest = 60s;
    Milliseconds longest = 0s;
    for (std::uint64_t chance = 0; chance < 1000; ++chance) {
        const Milliseconds left = with_jitter(minute, 0.1, chance).duration;
        shortest = std::min(shortest, left);
        longest = std::max(longest, left);
    }
    CHECK(shortest >= 54s);
    CHECK(shortest < 54100ms);
    CHECK(longest <= 60s);
    CHECK(longest > 59900ms);
    CHECK(with_jitter({Grant::rule, 1ms}, 0.99, 7).duration == 1ms);
}

TEST_CASE("responses that came together expire one after the other") {
    settings::Route rule = minute_rule();
    rule.jitter = 0.5;
    std::set<std::int64_t> lifetimes;
    for (int i = 0; i < 20; ++i) {
        const Request request("GET /a" + std::to_string(i) + "\nHost: h");
        const auto decision =
            decide_storable(request, Response("200 OK"), rule, Detail::none, noon, noon);
        lifetimes.insert(decision.freshness.lifetime.count());
    }
    CHECK(lifetimes.size() == 20);
}

TEST_CASE("a lifetime can be ended, never stretched, and nothing is stale after it") {
    Freshness freshness;
    freshness.received_at = noon;
    freshness.initial_age = 5s;
    freshness.lifetime = 65s;
    freshness.stale_while_revalidate = 10s;
    freshness.stale_if_error = 10s;
    Freshness later = freshness;
    end_at(later, noon + 90s);
    CHECK(time_left(later, noon) == 60s);
    end_at(freshness, noon + 1500ms);
    CHECK(time_left(freshness, noon) == 1500ms);
    CHECK(time_left(freshness, noon + 1500ms) == 0s);
    CHECK(freshness.stale_while_revalidate == 0s);
    CHECK(freshness.stale_if_error == 0s);
    end_at(freshness, noon - 1s);
    CHECK(time_left(freshness, noon) == 0s);
}
