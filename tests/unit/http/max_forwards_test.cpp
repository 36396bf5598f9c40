#include "http/max_forwards.hpp"

#include <doctest/doctest.h>

#include "unit/support/heads.hpp"

using namespace larder;
using namespace larder::http;
using namespace larder::test;

TEST_CASE("Max-Forwards limits how far an OPTIONS or TRACE goes (RFC 9110, 7.6.2)") {
    using Kind = MaxForwards::Kind;
    struct Row {
        const char* request;
        Kind kind;
        std::uint64_t left;
    };
    const Row rows[] = {
        {"OPTIONS /", Kind::unlimited, 0},
        {"OPTIONS /\nMax-Forwards: 0", Kind::ends_here, 0},
        {"TRACE /\nmax-forwards: 000", Kind::ends_here, 0},
        {"TRACE /\nMax-Forwards: 1", Kind::goes_on, 0},
        {"OPTIONS /\nMax-Forwards: 70", Kind::goes_on, 69},
        {"OPTIONS /\nMax-Forwards: 99999999999999999999999", Kind::goes_on, UINT64_MAX - 1},
        {"OPTIONS /\nMax-Forwards: -1", Kind::malformed, 0},
        {"OPTIONS /\nMax-Forwards:", Kind::malformed, 0},
        {"OPTIONS /\nMax-Forwards: 1, 2", Kind::malformed, 0},
        {"OPTIONS /\nMax-Forwards: 1\nMax-Forwards: 1", Kind::malformed, 0},
        {"GET /\nMax-Forwards: 0", Kind::unlimited, 0},
        {"POST /\nMax-Forwards: x", Kind::unlimited, 0},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.request));
        const MaxForwards hops = max_forwards_of(Request(row.request));
        CHECK(hops.kind == row.kind);
        CHECK(hops.left == row.left);
    }
}
