#include "redis/bulk_rate.hpp"

#include <doctest/doctest.h>

using namespace larder;
using namespace larder::redis;
using namespace std::chrono_literals;

namespace {

const SteadyTime start{1h};
constexpr std::size_t megabyte = 1'000'000;

}  // namespace

TEST_CASE("while nothing is known of the link, everything may be asked for") {
    BulkRate rate;
    CHECK(rate.may_ask(500 * megabyte, 50ms, start));
}

TEST_CASE("what would not come in time is not asked for, what would is") {
    BulkRate rate;
    rate.measured(2 * megabyte, 100ms, start);
    CHECK_FALSE(rate.may_ask(6 * megabyte, 50ms, start + 1s));
    CHECK(rate.may_ask(900'000, 50ms, start + 1s));
    CHECK_FALSE(rate.may_ask(900'000, 40ms, start + 1s));
}

TEST_CASE("a link that was slow is tried again, by one read at a time") {
    BulkRate rate;
    rate.measured(0, 50ms, start);
    CHECK_FALSE(rate.may_ask(100'000, 50ms, start + BulkRate::tried_again_after - 1ms));
    const SteadyTime later = start + BulkRate::tried_again_after;
    CHECK(rate.may_ask(100'000, 50ms, later));
    CHECK_FALSE(rate.may_ask(100'000, 50ms, later));
    rate.measured(100'000, 5ms, later + 5ms);
    CHECK(rate.may_ask(100'000, 50ms, later + 6ms));
}

TEST_CASE("one slow value does not make a fast link slow, many do") {
    BulkRate rate;
    rate.measured(50 * megabyte, 100ms, start);
    rate.measured(megabyte, 50ms, start + 1s);
    CHECK(rate.may_ask(6 * megabyte, 50ms, start + 2s));
    rate.measured(megabyte, 50ms, start + 2s);
    rate.measured(megabyte, 50ms, start + 3s);
    CHECK_FALSE(rate.may_ask(6 * megabyte, 50ms, start + 4s));
    rate.measured(50 * megabyte, 100ms, start + 5s);
    CHECK(rate.may_ask(6 * megabyte, 50ms, start + 6s));
}

TEST_CASE("what took no time tells nothing") {
    BulkRate rate;
    rate.measured(100'000, 1ms, start);
    CHECK(rate.may_ask(500 * megabyte, 50ms, start));
}
