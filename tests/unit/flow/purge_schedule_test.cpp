#include "flow/purge_schedule.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "observe/purge_records.hpp"
#include "redis/purge_text.hpp"

namespace larder::flow {
namespace {

using namespace std::chrono_literals;
using Kept = PurgeSchedule::Kept;
using Repeats = store::PlannedPurge::Repeats;

const SteadyTime start = SteadyTime{} + 1000s;

store::PlannedPurge once(const std::string& key, SteadyTime due) {
    store::PlannedPurge purge;
    purge.order.set.keys = {key};
    purge.due = due;
    return purge;
}

store::PlannedPurge repeated(const std::string& key, SteadyTime until) {
    store::PlannedPurge purge = once(key, until);
    purge.order.set.patterns = {"list:*"};
    purge.repeats = Repeats::yes;
    return purge;
}

using Names = std::vector<std::string>;

/// When each purge is made, in seconds after the start, as a worker makes them.
std::vector<int> times_of(PurgeSchedule& schedule, const Names& expected_keys) {
    std::vector<int> times;
    while (!schedule.empty()) {
        const SteadyTime now = schedule.next_due();
        CHECK(schedule.take_due(now).order.set.keys == expected_keys);
        times.push_back(static_cast<int>(std::chrono::floor<Seconds>(now - start).count()));
    }
    return times;
}

}  // namespace

TEST_CASE("a purge is made when it is due, with its record") {
    PurgeSchedule schedule;
    CHECK(schedule.empty());
    CHECK(schedule.next_due() == SteadyTime::max());
    const auto record = std::make_shared<const observe::PurgeRecord>();
    CHECK(schedule.add(once("a", start + 10s), start, record) == Kept::by_name);
    CHECK(schedule.add(once("b", start + 2s), start) == Kept::by_name);
    CHECK(schedule.next_due() == start + 2s);
    CHECK(schedule.take_due(start + 1999ms).order.empty());
    const PurgeSchedule::Due first = schedule.take_due(start + 2s);
    CHECK(first.order.set.keys == Names{"b"});
    CHECK(first.records.empty());
    CHECK(first.not_recorded.set.keys == Names{"b"});
    const PurgeSchedule::Due second = schedule.take_due(start + 10s);
    CHECK(second.order.set.keys == Names{"a"});
    CHECK(second.records == std::vector{record});
    CHECK(second.not_recorded.empty());
    CHECK(schedule.empty());
}

TEST_CASE("equal purges that are due together are one, and never early") {
    PurgeSchedule schedule;
    for (int i = 1; i <= 100; ++i)
        schedule.add(once("a", start + 2s + std::chrono::microseconds(i)), start);
    CHECK(schedule.size() == 1);
    CHECK(schedule.next_due() == start + 2100ms);
    schedule.add(once("a", start + 2101ms), start);
    CHECK(schedule.size() == 2);
}

TEST_CASE("a name is purged every few seconds until its time, and then once more") {
    PurgeSchedule schedule;
    schedule.add(repeated("a", start + 12s + 300ms), start);
    CHECK(times_of(schedule, {"a"}) == std::vector{5, 10, 13});
    schedule.add(repeated("a", start), start);  // its time is over: once
    CHECK(times_of(schedule, {"a"}) == std::vector{0});
}

TEST_CASE("a name that several writes name is purged until the last of their times") {
    PurgeSchedule schedule;
    schedule.add(repeated("a", start + 20s), start);
    schedule.add(repeated("a", start + 10s), start);
    schedule.add(repeated("a", start + 15s), start + 1s);
    CHECK(schedule.size() == 2);  // the key, and the list
    CHECK(times_of(schedule, {"a"}) == std::vector{5, 10, 15, 20});
}

TEST_CASE("the pauses do not grow where a timer is a little late") {
    PurgeSchedule schedule;
    schedule.add(repeated("a", start + 60s), start);
    CHECK(schedule.take_due(start + 5s + 1ms).order.set.keys == Names{"a"});
    CHECK(schedule.next_due() == start + 10s);
}

TEST_CASE("a late worker does not make up for purges that it has missed") {
    PurgeSchedule schedule;
    schedule.add(repeated("a", start + 60s), start);
    CHECK(schedule.take_due(start + 31s).order.set.keys == Names{"a"});
    CHECK(schedule.next_due() == start + 36s);
}

TEST_CASE("8,000 writes at once keep their names, and few bytes of each") {
    PurgeSchedule schedule;
    const std::string long_name(60, 'x');
    for (int i = 0; i < 8000; ++i) {
        const std::string key = "articles:" + std::to_string(i) + long_name;
        CHECK(schedule.add(repeated(key, start + 60s), start) == Kept::by_name);
    }
    CHECK(schedule.size() == 8001);
    std::size_t keys = 0;
    while (schedule.next_due() == start + 5s) {
        const PurgeSchedule::Due due = schedule.take_due(start + 5s);
        CHECK(due.order.set.keys.size() <= 500);
        keys += due.order.set.keys.size();
    }
    CHECK(keys == 8000);
    CHECK(schedule.size() == 8001);
}

TEST_CASE("too many names become everything, for as long as the longest of them") {
    PurgeSchedule schedule;
    int i = 0;
    while (schedule.add(repeated(std::to_string(i), start + 60s), start) == Kept::by_name) ++i;
    CHECK(i > 8000);
    CHECK(schedule.size() == 1);
    CHECK(schedule.add(repeated("more", start + 70s), start) == Kept::as_everything);
    CHECK(schedule.next_due() == start + 5s);
    CHECK(schedule.take_due(start + 5s).order.everything);
    CHECK(schedule.all().front().due == start + 70s);
    SUBCASE("a few long names too") {
        PurgeSchedule of_long_names;
        const std::string name(64 * 1024, 'x');
        int count = 0;
        while (of_long_names.add(once(name + std::to_string(count), start + 60s), start) ==
               Kept::by_name)
            ++count;
        CHECK(count < 100);
    }
}

TEST_CASE("purges of everything come when they were planned, whatever is added meanwhile") {
    PurgeSchedule schedule;
    const auto overflow = [&](SteadyTime now) {
        int i = 0;
        while (schedule.add(once(std::to_string(i), start + 60s), now) == Kept::by_name) ++i;
    };
    overflow(start);
    overflow(start + 1s);
    CHECK(schedule.next_due() == start + 2s);
    SteadyTime last;
    while (!schedule.empty()) {
        last = schedule.next_due();
        CHECK(schedule.take_due(last).order.everything);
    }
    CHECK(last == start + 60s);
}

TEST_CASE("what is planned can be passed on") {
    PurgeSchedule schedule;
    schedule.add(once("a", start + 2s), start);
    schedule.add(repeated("b", start + 60s), start);
    PurgeSchedule next;
    for (const store::PlannedPurge& purge : schedule.all()) next.add(purge, start);
    CHECK(next.size() == schedule.size());
    CHECK(next.take_due(start + 2s).order.set.keys == Names{"a"});
    CHECK(times_of(next, {"b"}).back() == 60);
    schedule.clear();
    CHECK(schedule.empty());
    CHECK(schedule.next_due() == SteadyTime::max());
}

}  // namespace larder::flow
