#include <doctest/doctest.h>

#include "cache/freshness.hpp"
#include "cache/personal.hpp"
#include "cache/preconditions.hpp"
#include "cache/ranges.hpp"
#include "cache/request_bypass.hpp"
#include "cache/request_directives.hpp"
#include "cache/reuse.hpp"
#include "cache/vary.hpp"
#include "unit/support/allocation_count.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

TEST_CASE("what every hit asks allocates nothing") {
    const Request request(
        "GET /articles/42\nHost: Example.com\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\nAccept: "
        "*/*\n"
        "Accept-Language: en-US,en;q=0.5\nAccept-Encoding: gzip, deflate, br, zstd\nConnection: "
        "keep-alive\n"
        "Cookie: lang=de; theme=dark\nCache-Control: max-age=0\nIf-None-Match: \"x\", \"y\"");
    const http::RequestHead& head = request;
    const auto stored =
        store("200 OK\nCache-Control: max-age=60\nETag: \"a\"\nContent-Encoding: gzip");
    const std::vector<std::string> cookie_names{"lang", "theme"};
    KeyCoverage coverage;
    coverage.cookies = &cookie_names;
    const settings::Route rule = minute_rule();
    const std::vector<std::string> none;
    std::string variant;
    build_variant(head, stored->vary(), true, variant);

    const std::size_t before = allocations();
    const Detail bypass = request_bypass(head);
    const Detail personal_reason = personal(head, rule, coverage);
    const RequestDirectives directives = request_directives(head, rule);
    build_variant(head, none, true, variant);
    build_variant(head, stored->vary(), true, variant);
    const bool accepted = accepts_coding(head, *stored);
    const Verdict verdict = decide_reuse(*stored, directives, personal_reason, false, noon + 5s);
    const Seconds age = current_age(stored->freshness(), noon + 5s);
    const Precondition precondition = evaluate_preconditions(head, *stored, noon + 5s);
    const RangeDecision range = decide_range(head, *stored);
    const std::size_t after = allocations();

    CHECK(after == before);
    CHECK(bypass == Detail::none);
    CHECK(personal_reason == Detail::none);
    CHECK(accepted);
    CHECK(verdict == Verdict::serve);
    CHECK(age == 5s);
    CHECK(precondition == Precondition::pass);
    CHECK(range.verdict == RangeVerdict::whole);
    const std::string grows(1000, 'x');
    CHECK(allocations() > after);
}
