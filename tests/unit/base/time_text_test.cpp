#include "base/time_text.hpp"

#include <doctest/doctest.h>

using namespace larder;
using namespace std::chrono;

TEST_CASE("a time is written as RFC 3339 says, with milliseconds") {
    CHECK(rfc3339_text(WallTime(milliseconds(0))) == "1970-01-01T00:00:00.000Z");
    const WallTime leap = sys_days(2024y / February / 29) + 23h + 59min + 59s + 7ms;
    CHECK(rfc3339_text(leap) == "2024-02-29T23:59:59.007Z");
}
