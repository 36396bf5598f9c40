#include "http/http_date.hpp"

#include <doctest/doctest.h>

#include "unit/support/heads.hpp"

using namespace larder;
using namespace larder::http;
using larder::test::noon;

TEST_CASE("an HTTP-date has three forms; everything else is refused (RFC 9110, 5.6.7)") {
    struct Row {
        const char* rfc;
        const char* text;
        std::optional<std::int64_t> seconds;
    };
    const Row rows[] = {
        {"9110 5.6.7", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"9110 5.6.7", "Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"9110 5.6.7", "Sun Nov  6 08:49:37 1994", 784111777},
        {"9110 5.6.7", "Wed Nov 16 08:49:37 1994", 784975777},
        {"9110 5.6.7", "Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"9110 5.6.7", "Tue, 29 Feb 2000 12:00:00 GMT", 951825600},
        {"9110 5.6.7", "Thu, 18 Aug 2050 02:01:18 GMT", 2544400878},
        {"9110 5.6.7", "Sat, 31 Dec 2016 23:59:60 GMT", 1483228799},
        {"9110 5.6.7", "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"9111 4.2", "THU, 18 Aug 2050 02:01:18 GMT", 2544400878},
        {"9111 4.2", "Thu, 18 AUG 2050 02:01:18 GMT", 2544400878},
        {"9111 4.2", "Thu, 18 Aug 2050 02:01:18 gMT", 2544400878},
        {"9111 4.2", "Thu, 18 Aug 2050 02:01:18 UTC", {}},
        {"9111 4.2", "Thu, 18 Aug 2050 02:01:18 +0000", {}},
        {"9111 5.3", "0", {}},
        {"9111 5.3", "-1", {}},
        {"9111 5.3", "", {}},
        {"9111 5.3", "foo", {}},
        {"9110 5.6.7", "Thu, 18 Aug 50 02:01:18 GMT", {}},
        {"9110 5.6.7", "Thu 18 Aug 2050 02:01:18 GMT", {}},
        {"9110 5.6.7", "Thu, 18  Aug  2050 02:01:18 GMT", {}},
        {"9110 5.6.7", "Thu, 18-Aug-2050 02:01:18 GMT", {}},
        {"9110 5.6.7", "Thu, 18 Aug 2050 02.01.18 GMT", {}},
        {"9110 5.6.7", "Thu, 18 Aug 2050 2:01:18 GMT", {}},
        {"9110 5.6.7", "Thu, 8 Aug 2050 02:01:18 GMT", {}},
        {"9110 5.6.7", "Thu, 18 Aug 2050 02:01:18", {}},
        {"9110 5.6.7", "Thu, 18 Aug 2050 02:01:18 GMT ", {}},
        {"9110 5.6.7", "Thu, 18 Aug 2050 02:01:18 GMT, x", {}},
        {"9110 5.6.7", "Thu, 32 Aug 2050 02:01:18 GMT", {}},
        {"9110 5.6.7", "Thu, 00 Aug 2050 02:01:18 GMT", {}},
        {"9110 5.6.7", "Wed, 29 Feb 2051 02:01:18 GMT", {}},
        {"9110 5.6.7", "Thu, 18 Aug 2050 24:01:18 GMT", {}},
        {"9110 5.6.7", "Thu, 18 Aug 2050 02:60:18 GMT", {}},
        {"9110 5.6.7", "Thu, 18 Aug 2050 02:01:61 GMT", {}},
        {"9110 5.6.7", "Thu, -8 Aug 2050 02:01:18 GMT", {}},
        {"9110 5.6.7", "Thx, 18 Aug 2050 02:01:18 GMT", {}},
        {"9110 5.6.7", "Thu, 18 Agu 2050 02:01:18 GMT", {}},
        {"9110 5.6.7", "Sun Nov 6 08:49:37 1994", {}},
        {"9110 5.6.7", "Sun Nov  6 08:49:37 94", {}},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(std::string(row.text));
        const auto time = parse_http_date(row.text, noon);
        CHECK(time.has_value() == row.seconds.has_value());
        if (time && row.seconds) CHECK(time->time_since_epoch().count() == *row.seconds);
    }
}

TEST_CASE("a two-digit year more than 50 years ahead is in the past (RFC 9110, 5.6.7)") {
    const auto year_of = [](const char* text, int now_year) {
        using namespace std::chrono;
        const WallTime now = sys_days(year(now_year) / 6 / 1);
        const auto time = parse_http_date(text, now);
        REQUIRE(time);
        return static_cast<int>(year_month_day(floor<days>(*time)).year());
    };
    CHECK(year_of("Sunday, 06-Nov-94 08:49:37 GMT", 1994) == 1994);
    CHECK(year_of("Sunday, 06-Nov-94 08:49:37 GMT", 2026) == 1994);
    CHECK(year_of("Sunday, 06-Nov-94 08:49:37 GMT", 2050) == 2094);
    CHECK(year_of("Sunday, 06-Nov-76 08:49:37 GMT", 2026) == 2076);
    CHECK(year_of("Sunday, 06-Nov-77 08:49:37 GMT", 2026) == 1977);
    CHECK(year_of("Sunday, 06-Nov-00 08:49:37 GMT", 1999) == 2000);
    CHECK(year_of("Sunday, 06-Nov-00 08:49:37 GMT", 2026) == 2000);
    CHECK(year_of("Sunday, 06-Nov-26 08:49:37 GMT", 2026) == 2026);
}

TEST_CASE("dates are written as IMF-fixdate and read back") {
    CHECK(format_http_date(whole_second(noon)) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(format_http_date(HttpTime{}) == "Thu, 01 Jan 1970 00:00:00 GMT");
    for (std::int64_t at = 0; at < 4102444800; at += 8640127) {
        const HttpTime time{Seconds(at)};
        CHECK(parse_http_date(format_http_date(time), noon) == time);
    }
}

TEST_CASE("a time is rounded down to its second") {
    using namespace std::chrono_literals;
    CHECK(whole_second(noon + 999ms) == whole_second(noon));
    CHECK(whole_second(WallTime(-1ms)) == HttpTime(-1s));
}

TEST_CASE("a date that follows another one is read for itself") {
    const auto seconds = [](std::string_view text) -> std::int64_t {
        const auto time = parse_http_date(text, noon);
        return time ? time->time_since_epoch().count() : -1;
    };
    CHECK(seconds("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
    CHECK(seconds("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
    CHECK(seconds("Sun, 06 Nov 1994 08:49:38 GMT") == 784111778);
    CHECK(seconds("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
    CHECK(seconds("Sun, 06 Nov 1994 08:49:37 GMX") == -1);
    CHECK(seconds("Sun, 06 Nov 1994 08:49:37 GMT ") == -1);
    CHECK(seconds("Sun, 06 Nov 1994 08:49:37 GM") == -1);
}
