#include "cache/reuse.hpp"

#include <doctest/doctest.h>

#include "cache/request_directives.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {

const char* word(Verdict verdict) {
    constexpr const char* words[] = {"serve", "serve_and_refresh", "revalidate", "fetch", "refuse"};
    return words[static_cast<std::size_t>(verdict)];
}

RequestDirectives directives_of(const char* cache_control) {
    settings::Route rule = bare_rule();
    rule.honour_client_no_cache = true;
    return request_directives(Request(std::string("GET /\nCache-Control: ") + cache_control), rule);
}

}  // namespace

TEST_CASE("whether a stored response answers (RFC 9111, 4)") {
    struct Row {
        const char* rfc;
        const char* stored;   // Cache-Control of the stored response
        Seconds later;        // after it was received
        const char* request;  // Cache-Control of the request
        bool soft_purged;
        Verdict verdict;
    };
    const Verdict serve = Verdict::serve;
    const Verdict refresh = Verdict::serve_and_refresh;
    const Verdict ask = Verdict::revalidate;
    const Verdict refuse = Verdict::refuse;
    const Row rows[] = {
        {"4.2", "max-age=60", 0s, "", false, serve},
        {"4.2", "max-age=60", 59s, "", false, serve},
        {"4.2", "max-age=60", 60s, "", false, ask},
        {"4.2", "max-age=60", 61s, "", false, ask},
        {"4.2", "max-age=60", -1s, "", false, serve},
        {"clock", "max-age=60", -2s, "", false, ask},
        {"clock", "max-age=60", -3600s, "", false, ask},
        {"clock", "max-age=60, stale-while-revalidate=10", -2s, "", false, ask},
        {"clock", "max-age=60, stale-while-revalidate=9999", -3600s, "", false, ask},
        {"clock", "max-age=60", -2s, "max-stale", false, ask},
        {"clock", "max-age=60", -2s, "only-if-cached", false, refuse},
        {"clock", "max-age=60, stale-while-revalidate=10", -2s, "", true, ask},
        {"4.2", "max-age=0", 0s, "", false, ask},
        {"5.2.2.4", "max-age=60, no-cache", 0s, "", false, ask},
        {"5.2.2.4", "max-age=60, no-cache=\"a\"", 0s, "", false, serve},
        {"5.2.2.2", "max-age=60, must-revalidate", 59s, "", false, serve},
        {"5.2.2.2", "max-age=60, must-revalidate", 60s, "", false, ask},
        {"5861 3", "max-age=60, stale-while-revalidate=10", 59s, "", false, serve},
        {"5861 3", "max-age=60, stale-while-revalidate=10", 60s, "", false, refresh},
        {"5861 3", "max-age=60, stale-while-revalidate=10", 69s, "", false, refresh},
        {"5861 3", "max-age=60, stale-while-revalidate=10", 70s, "", false, ask},
        {"5861 3", "max-age=60, stale-while-revalidate=0", 60s, "", false, ask},
        {"5861 4", "max-age=60, stale-if-error=10", 60s, "", false, ask},
        {"5861 3", "max-age=0, stale-while-revalidate=10", 0s, "", false, refresh},
        {"soft", "max-age=60", 0s, "", true, ask},
        {"soft", "max-age=60, stale-while-revalidate=10", 0s, "", true, refresh},
        {"soft", "max-age=60, stale-while-revalidate=10", 69s, "", true, refresh},
        {"soft", "max-age=60, stale-while-revalidate=10", 70s, "", true, ask},
        {"soft", "max-age=60, must-revalidate, stale-while-revalidate=10", 0s, "", true, ask},
        {"5.2.1.4", "max-age=60", 0s, "no-cache", false, ask},
        {"5.2.1.4", "max-age=60, stale-while-revalidate=10", 60s, "no-cache", false, ask},
        {"5.2.1.1", "max-age=60", 0s, "max-age=0", false, serve},
        {"5.2.1.1", "max-age=60", 1s, "max-age=0", false, ask},
        {"5.2.1.1", "max-age=60", 30s, "max-age=30", false, serve},
        {"5.2.1.1", "max-age=60", 31s, "max-age=30", false, ask},
        {"5.2.1.1", "max-age=60, stale-while-revalidate=10", 65s, "max-age=30", false, ask},
        {"5.2.1.3", "max-age=60", 0s, "min-fresh=60", false, serve},
        {"5.2.1.3", "max-age=60", 1s, "min-fresh=60", false, ask},
        {"5.2.1.3", "max-age=60", 0s, "min-fresh=61", false, ask},
        {"5.2.1.3", "max-age=60, stale-while-revalidate=10", 60s, "min-fresh=1", false, ask},
        {"5.2.1.2", "max-age=60", 70s, "max-stale=10", false, serve},
        {"5.2.1.2", "max-age=60", 71s, "max-stale=10", false, ask},
        {"5.2.1.2", "max-age=60", 7000s, "max-stale", false, serve},
        {"5.2.1.2", "max-age=60, must-revalidate", 61s, "max-stale", false, ask},
        {"5.2.1.2", "max-age=60, proxy-revalidate", 61s, "max-stale", false, ask},
        {"5.2.1.2", "s-maxage=60", 61s, "max-stale", false, ask},
        {"5.2.1.2", "max-age=60, no-cache", 61s, "max-stale", false, ask},
        {"5.2.1.2", "max-age=60", 0s, "max-stale", true, ask},
        {"5.2.1.7", "max-age=60", 0s, "only-if-cached", false, serve},
        {"5.2.1.7", "max-age=60", 60s, "only-if-cached", false, refuse},
        {"5.2.1.7", "max-age=60", 0s, "only-if-cached, no-cache", false, refuse},
        {"5.2.1.7", "max-age=60", 61s, "only-if-cached, max-stale", false, serve},
        {"5.2.1.7", "max-age=60, stale-while-revalidate=10", 60s, "only-if-cached", false, refresh},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(std::string(row.stored));
        CAPTURE(row.later.count());
        CAPTURE(std::string(row.request));
        const auto stored = store(std::string("200 OK\nETag: \"a\"\nCache-Control: ") + row.stored);
        const Verdict verdict = decide_reuse(*stored, directives_of(row.request), Detail::none,
                                             row.soft_purged, noon + row.later);
        CHECK(std::string(word(verdict)) == word(row.verdict));
    }
}

TEST_CASE("a personal request only gets what the origin shares (RFC 9111, 3.5)") {
    for (Detail detail : {Detail::authorization, Detail::cookie}) {
        const auto verdict = [&](const char* cache_control, const char* request = "") {
            const auto stored = store(std::string("200 OK\nCache-Control: ") + cache_control);
            return decide_reuse(*stored, directives_of(request), detail, false, noon);
        };
        CHECK(verdict("max-age=60") == Verdict::fetch);
        CHECK(verdict("max-age=60", "only-if-cached") == Verdict::refuse);
        CHECK(verdict("max-age=60, public") == Verdict::serve);
        CHECK(verdict("s-maxage=60") == Verdict::serve);
        const bool cookie = detail == Detail::cookie;
        CHECK(verdict("max-age=60, must-revalidate") == (cookie ? Verdict::fetch : Verdict::serve));
    }
}

TEST_CASE(
    "when the origin fails, a stale response answers only as far as stale-if-error goes (RFC 5861, "
    "4)") {
    struct Row {
        const char* rfc;
        const char* stored;
        Seconds later;
        const char* request;
        bool soft_purged;
        bool served;
    };
    const Row rows[] = {
        {"4.2.4", "max-age=60", 59s, "", false, true},
        {"4.2.4", "max-age=60", 60s, "", false, false},
        {"5861 4", "max-age=60, stale-if-error=10", 60s, "", false, true},
        {"5861 4", "max-age=60, stale-if-error=10", 69s, "", false, true},
        {"5861 4", "max-age=60, stale-if-error=10", 70s, "", false, false},
        {"5861 4", "max-age=0, stale-if-error=1", 0s, "", false, true},
        {"5861 4", "max-age=0, stale-if-error=1", 1s, "", false, false},
        {"5861 4", "max-age=60, stale-while-revalidate=10", 60s, "", false, false},
        {"4.2.4", "max-age=60, stale-if-error=10, must-revalidate", 60s, "", false, false},
        {"4.2.4", "max-age=60, stale-if-error=10, proxy-revalidate", 60s, "", false, false},
        {"4.2.4", "s-maxage=60, stale-if-error=10", 60s, "", false, false},
        {"4.2.4", "max-age=60, stale-if-error=10, no-cache", 0s, "", false, false},
        {"soft", "max-age=60", 0s, "", true, false},
        {"soft", "max-age=60, stale-if-error=10", 0s, "", true, true},
        {"5.2.1.4", "max-age=60, stale-if-error=10", 0s, "no-cache", false, false},
        {"5.2.1.1", "max-age=60, stale-if-error=10", 9s, "max-age=5", false, false},
        {"5.2.1.2", "max-age=60", 65s, "max-stale=10", false, true},
        {"clock", "max-age=60", -1s, "", false, true},
        {"clock", "max-age=60", -2s, "", false, false},
        {"clock", "max-age=60, stale-if-error=9999", -2s, "", false, false},
        {"clock", "max-age=60", -3600s, "max-stale", false, false},
        {"clock", "max-age=60, stale-if-error=9999", -2s, "", true, false},
        {"5.2.1.2", "max-age=60", 65s, "max-stale=4", false, false},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(std::string(row.stored));
        CAPTURE(row.later.count());
        CAPTURE(std::string(row.request));
        const auto stored = store(std::string("200 OK\nETag: \"a\"\nCache-Control: ") + row.stored);
        CHECK(may_serve_on_error(*stored, directives_of(row.request), row.soft_purged,
                                 noon + row.later) == row.served);
    }
    const auto failure = store("503 X\nCache-Control: max-age=60, stale-if-error=10");
    CHECK_FALSE(may_serve_on_error(*failure, {}, false, noon + 65s));
}

TEST_CASE("a refresh is due in the last part of the lifetime") {
    const auto stored = test::store("200 OK\nCache-Control: max-age=100");
    const auto due = [&](double share, Seconds later) {
        return is_refresh_due(stored->freshness(), share, noon + later);
    };
    CHECK_FALSE(due(0.2, 0s));
    CHECK_FALSE(due(0.2, 79s));
    CHECK(due(0.2, 80s));
    CHECK(due(0.2, 99s));
    CHECK_FALSE(due(0.2, 100s));  // expired: that is another's business
    CHECK_FALSE(due(0, 99s));
    CHECK_FALSE(due(0.2, -3600s));
}

TEST_CASE("the age that a response came with is no part of the lifetime that a refresh divides") {
    const auto stored = test::store("200 OK\nCache-Control: max-age=100\nAge: 50");
    CHECK_FALSE(is_refresh_due(stored->freshness(), 0.2, noon + 39s));
    CHECK(is_refresh_due(stored->freshness(), 0.2, noon + 40s));
}
