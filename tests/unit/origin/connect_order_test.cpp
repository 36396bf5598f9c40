#include "origin/connect_order.hpp"

#include <doctest/doctest.h>

#include <string>

namespace larder::origin {
namespace {

using namespace std::chrono_literals;
using Kind = ConnectRace::Step::Kind;

// "4 6 4- 6-": families, with a minus those that failed lately. The order as digits, from 0.
std::string order(const std::string& candidates, std::size_t first) {
    std::vector<Candidate> list;
    for (char c : candidates) {
        if (c == '4' || c == '6') list.push_back({c == '6', true});
        if (c == '-') list.back().usable = false;
    }
    std::string out;
    for (std::size_t i : connect_order(list, first)) out += static_cast<char>('0' + i);
    return out;
}

TEST_CASE("the picked address is tried first, then the others in turns, families alternating") {
    CHECK(order("4", 0) == "0");
    CHECK(order("4 4 4", 0) == "012");
    CHECK(order("4 4 4", 2) == "201");
    CHECK(order("6 6 4 4", 0) == "0213");  // RFC 8305, 4
    CHECK(order("6 6 4 4", 1) == "1203");
    CHECK(order("6 6 6 4", 0) == "0312");
    CHECK(order("4 6", 1) == "10");
}

TEST_CASE("what failed lately comes last, unless it was picked") {
    CHECK(order("4- 4 4", 1) == "120");
    CHECK(order("4 4- 4", 0) == "021");
    CHECK(order("6 6- 4- 4", 0) == "0312");
    CHECK(order("4- 4-", 0) == "01");
}

TEST_CASE("the number of attempts is bounded") {
    CHECK(connect_order(std::vector<Candidate>(300), 7).size() == attempts_max);
    CHECK(connect_order({}, 0).empty());
}

constexpr SteadyTime begin{1000s};

Kind kind(ConnectRace& race, SteadyTime now) { return race.next(now).kind; }

TEST_CASE("an attempt that does not end delays the next one by a quarter of a second") {
    ConnectRace race(2, begin + 2s);
    ConnectRace::Step step = race.next(begin);
    CHECK(step.kind == Kind::start);
    CHECK(step.which == 0);
    step = race.next(begin);
    CHECK(step.kind == Kind::wait);
    CHECK(step.until == begin + 250ms);
    CHECK(kind(race, begin + 249ms) == Kind::wait);
    step = race.next(begin + 250ms);
    CHECK(step.kind == Kind::start);
    CHECK(step.which == 1);
    step = race.next(begin + 250ms);
    CHECK(step.kind == Kind::wait);
    CHECK(step.until == SteadyTime::max());  // the attempts end by themselves
}

TEST_CASE("a failure starts the next attempt at once") {
    ConnectRace race(3, begin + 2s);
    REQUIRE(kind(race, begin) == Kind::start);
    race.failed();
    CHECK(race.next(begin + 1ms).which == 1);
    race.failed();
    CHECK(race.next(begin + 2ms).which == 2);
    CHECK(kind(race, begin + 3ms) == Kind::wait);
    race.failed();
    CHECK(kind(race, begin + 4ms) == Kind::lost);
}

TEST_CASE("it is lost when all have failed, not before") {
    ConnectRace race(2, begin + 2s);
    REQUIRE(kind(race, begin) == Kind::start);
    REQUIRE(kind(race, begin + 250ms) == Kind::start);
    race.failed();
    CHECK(kind(race, begin + 300ms) == Kind::wait);
    race.failed();
    CHECK(kind(race, begin + 2s) == Kind::lost);
}

TEST_CASE("no attempt begins when the time is over") {
    ConnectRace race(5, begin + 100ms);
    REQUIRE(kind(race, begin) == Kind::start);
    ConnectRace::Step step = race.next(begin + 100ms);
    CHECK(step.kind == Kind::wait);
    CHECK(step.until == SteadyTime::max());
    race.failed();
    CHECK(kind(race, begin + 100ms) == Kind::lost);
}

TEST_CASE("whoever accepted gets a second for its handshake") {
    ConnectRace race(2, begin + 5s);
    REQUIRE(kind(race, begin) == Kind::start);
    race.accepted(begin + 100ms);
    CHECK(race.next(begin + 250ms).until == begin + 1100ms);
    CHECK(kind(race, begin + 1100ms) == Kind::start);
}

}  // namespace
}  // namespace larder::origin
