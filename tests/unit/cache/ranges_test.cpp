#include "cache/ranges.hpp"

#include <doctest/doctest.h>

#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {

/// "whole", "unsatisfiable" or "first-last".
std::string text_of(const RangeDecision& decision) {
    if (decision.verdict == RangeVerdict::whole) return "whole";
    if (decision.verdict == RangeVerdict::unsatisfiable) return "unsatisfiable";
    return std::to_string(decision.range.first) + "-" + std::to_string(decision.range.last);
}

}  // namespace

TEST_CASE("which part of a stored response a Range asks for (RFC 9110, 14)") {
    struct Row {
        const char* rfc;
        const char* fields;
        std::uint64_t size;
        const char* expected;
    };
    const Row rows[] = {
        {"14.2", "X: y", 11, "whole"},
        {"14.1.1", "Range: bytes=0-1", 11, "0-1"},
        {"14.1.1", "Range: bytes=1-", 11, "1-10"},
        {"14.1.1", "Range: bytes=-1", 11, "10-10"},
        {"14.1.1", "Range: bytes=0-", 11, "0-10"},
        {"14.1.1", "Range: bytes=-11", 11, "0-10"},
        {"14.1.2", "Range: bytes=-999", 11, "0-10"},
        {"14.1.2", "Range: bytes=5-999", 11, "5-10"},
        {"14.1.2", "Range: bytes=10-10", 11, "10-10"},
        {"14.1.2", "Range: bytes=11-", 11, "unsatisfiable"},
        {"14.1.2", "Range: bytes=11-12", 11, "unsatisfiable"},
        {"14.1.2", "Range: bytes=-0", 11, "unsatisfiable"},
        {"14.1.2", "Range: bytes=99999999999999999999999-", 11, "unsatisfiable"},
        {"14.1.2", "Range: bytes=0-99999999999999999999999", 11, "0-10"},
        {"14.1.2", "Range: bytes=-99999999999999999999999", 11, "0-10"},
        {"14.1.2", "Range: bytes=0-", 0, "unsatisfiable"},
        {"14.1.2", "Range: bytes=0-0", 0, "unsatisfiable"},
        {"14.1.2", "Range: bytes=-1", 0, "whole"},
        {"14.1.2", "Range: bytes=-0", 0, "unsatisfiable"},
        {"14.2", "Range: bytes=5-2", 11, "whole"},
        {"14.2", "Range: bytes=", 11, "whole"},
        {"14.2", "Range: bytes=x", 11, "whole"},
        {"14.2", "Range: lines=0-1", 11, "whole"},
        {"14.1", "Range: BYTES=0-1", 11, "0-1"},
        {"14.2", "Range: bytes=0-1\nRange: bytes=0-1", 11, "whole"},
        {"14.2", "Range: bytes=0-1,5-6", 11, "whole"},
        {"14.2", "Range: bytes=0-1,2-3", 11, "0-3"},
        {"14.2", "Range: bytes=2-3, 0-1", 11, "0-3"},
        {"14.2", "Range: bytes=0-5,2-3", 11, "0-5"},
        {"14.2", "Range: bytes=0-4,-8", 11, "0-10"},
        {"14.2", "Range: bytes=0-1,99-", 11, "0-1"},
        {"14.2", "Range: bytes=50-,99-", 11, "unsatisfiable"},
        {"14.2", "Range: bytes=0-1,5-2", 11, "whole"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(std::string(row.fields));
        CHECK(text_of(decide_range(Request(std::string("GET /\n") + row.fields), "", "",
                                   row.size)) == row.expected);
        CHECK(text_of(decide_range(Request(std::string("HEAD /\n") + row.fields), "", "",
                                   row.size)) == "whole");
    }
}

TEST_CASE("If-Range compares strongly (RFC 9110, 13.1.5)") {
    struct Row {
        const char* condition;
        const char* etag;
        const char* last_modified;
        bool partial;
    };
    const char* date = "Sun, 06 Nov 1994 08:00:00 GMT";
    const Row rows[] = {
        {"\"a\"", "\"a\"", "", true},
        {"\"a\"", "\"b\"", "", false},
        {"W/\"a\"", "W/\"a\"", "", false},
        {"\"a\"", "W/\"a\"", "", false},
        {"\"a\"", "", "", false},
        {date, "\"a\"", date, true},
        {date, "", "", false},
        {"Sun, 06 Nov 1994 08:00:01 GMT", "", date, false},
        {"", "\"a\"", date, false},
        {"foo", "\"a\"", date, false},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.condition));
        const Request request(std::string("GET /\nRange: bytes=0-1\nIf-Range: ") + row.condition);
        CHECK((decide_range(request, row.etag, row.last_modified, 9).verdict ==
               RangeVerdict::partial) == row.partial);
    }
}

TEST_CASE("a date in If-Range needs a Last-Modified that is strong (RFC 9110, 8.8.2.2)") {
    const Request request("GET /\nRange: bytes=0-1\nIf-Range: Sun, 06 Nov 1994 08:00:00 GMT");
    const std::string start =
        "200 OK\nCache-Control: max-age=9\nLast-Modified: Sun, 06 Nov 1994 08:00:00 GMT\nDate: ";
    CHECK(decide_range(request, *store(start + "Sun, 06 Nov 1994 08:00:01 GMT")).verdict ==
          RangeVerdict::partial);
    CHECK(decide_range(request, *store(start + "Sun, 06 Nov 1994 08:00:00 GMT")).verdict ==
          RangeVerdict::whole);
    const Request plain("GET /\nRange: bytes=1-2");
    CHECK(text_of(decide_range(plain, *store("200 OK\nCache-Control: max-age=9"))) == "1-2");
    CHECK(text_of(decide_range(plain, *store("404 X\nCache-Control: max-age=9"))) == "whole");
}
