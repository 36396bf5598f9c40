#include "settings/units.hpp"

#include <doctest/doctest.h>

using namespace larder::settings;
using namespace std::chrono_literals;

TEST_CASE("durations have units, and a bare number is seconds") {
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("60s") == 60s);
    CHECK(parse_duration("5m") == 5min);
    CHECK(parse_duration("1h") == 1h);
    CHECK(parse_duration("7d") == 168h);
    CHECK(parse_duration("60") == 60s);
    CHECK(parse_duration("0") == 0s);
    CHECK(parse_duration("0.5s") == 500ms);
    CHECK(parse_duration("1.25") == 1250ms);
    CHECK(parse_duration("1.5h") == 90min);
}

TEST_CASE("what is no duration, or none that is exact and in range, is refused") {
    for (const std::string text : {"",
                                   "s",
                                   "ms",
                                   "-1s",
                                   "+1s",
                                   " 1s",
                                   "1s ",
                                   "1 s",
                                   "1S",
                                   "5M",
                                   "1w",
                                   "1.s",
                                   ".5s",
                                   "1.2.3s",
                                   "1e3",
                                   "0.5ms",
                                   "0.0001s",
                                   "0.0000000001d",
                                   "1h30m",
                                   "0x10",
                                   "99999999999999999999s",
                                   "18446744073709551615s",
                                   "24856d",
                                   "2147483648s",
                                   "2147483647.001s",
                                   "nan",
                                   "inf"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text).has_value());
    }
    CHECK(parse_duration("2147483647s") == duration_max);
    CHECK(parse_duration("24855d").has_value());
}

TEST_CASE("sizes are powers of 1024, and a bare number is bytes") {
    CHECK(parse_size("8KB") == 8192);
    CHECK(parse_size("64MB") == 64 * 1024 * 1024);
    CHECK(parse_size("1GB") == 1073741824);
    CHECK(parse_size("1gb") == 1073741824);
    CHECK(parse_size("1000") == 1000);
    CHECK(parse_size("0") == 0);
    CHECK(parse_size("18446744073709551615") == UINT64_MAX);
    CHECK(parse_size("17179869183GB") == 17179869183ULL << 30);
}

TEST_CASE("what is no size, or none that fits, is refused") {
    for (const std::string text : {"", "KB", "-1", "+1", "1 KB", "1KiB", "1K", "1.5MB", "1e6",
                                   "17179869184GB", "18446744073709551616", "0x10", "1KBs"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_size(text).has_value());
    }
}

TEST_CASE("percentages go from nothing to all") {
    CHECK(parse_percentage("10%") == doctest::Approx(0.1));
    CHECK(parse_percentage("2.5%") == doctest::Approx(0.025));
    CHECK(parse_percentage("0%") == 0.0);
    CHECK(parse_percentage("100%") == 1.0);
    for (const std::string text :
         {"", "%", "10", "0.1", "-1%", "100.1%", "1e1%", "nan%", "inf%", "10%%", " 10%", "10 %"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_percentage(text).has_value());
    }
}

TEST_CASE("a switch has six words") {
    for (const std::string text : {"on", "true", "yes", "On", "TRUE"})
        CHECK(parse_switch(text) == true);
    for (const std::string text : {"off", "false", "no", "OFF", "No"})
        CHECK(parse_switch(text) == false);
    for (const std::string text : {"", "1", "0", "y", "n", "enabled", "on "})
        CHECK_FALSE(parse_switch(text).has_value());
}

TEST_CASE("durations and sizes are written in their shortest exact form") {
    CHECK(duration_text(0ms) == "0s");
    CHECK(duration_text(100ms) == "100ms");
    CHECK(duration_text(1500ms) == "1500ms");
    CHECK(duration_text(30s) == "30s");
    CHECK(duration_text(300s) == "5m");
    CHECK(duration_text(48h) == "2d");
    CHECK(size_text(0) == "0");
    CHECK(size_text(1000) == "1000");
    CHECK(size_text(32 * 1024) == "32KB");
    CHECK(size_text(1536 * 1024) == "1536KB");
    CHECK(size_text(256 * 1024 * 1024) == "256MB");
}
