#include "flow/miss_forecast.hpp"

#include <doctest/doctest.h>

namespace larder::flow {
namespace {

void miss_often(MissForecast& forecast, std::size_t route, int times) {
    for (int i = 0; i < times; ++i) forecast.note(route, true);
}

TEST_CASE("a miss is expected after many misses of the route, and of no other") {
    MissForecast forecast;
    CHECK_FALSE(forecast.expects_miss(3));
    miss_often(forecast, 3, 15);
    CHECK_FALSE(forecast.expects_miss(3));
    forecast.note(3, true);
    CHECK(forecast.expects_miss(3));
    CHECK_FALSE(forecast.expects_miss(4));
}

TEST_CASE("a hit outweighs several misses") {
    MissForecast forecast;
    miss_often(forecast, 0, 16);
    forecast.note(0, false);
    CHECK_FALSE(forecast.expects_miss(0));
    miss_often(forecast, 0, 7);
    CHECK_FALSE(forecast.expects_miss(0));
    forecast.note(0, true);
    CHECK(forecast.expects_miss(0));
}

TEST_CASE("long misses do not keep the forecast from turning") {
    MissForecast forecast;
    miss_often(forecast, 0, 1000);
    for (int i = 0; i < 3; ++i) forecast.note(0, false);
    CHECK_FALSE(forecast.expects_miss(0));
    for (int i = 0; i < 100; ++i) forecast.note(0, false);
    miss_often(forecast, 0, 16);
    CHECK(forecast.expects_miss(0));
}

}  // namespace
}  // namespace larder::flow
