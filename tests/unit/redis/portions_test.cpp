#include "redis/portions.hpp"

#include <doctest/doctest.h>

namespace larder::redis {
namespace {

using namespace std::chrono_literals;
using Kind = PurgeItem::Kind;

const SteadyTime noon{std::chrono::hours(12)};

TEST_CASE("a portion grows while Redis is quick, and halves when one fails") {
    PurgePace pace;
    const std::size_t first = pace.portion();
    pace.acknowledged(20ms, 100ms);
    CHECK(pace.portion() == 2 * first);
    // Twice as many might not fit any more.
    pace.acknowledged(50ms, 100ms);
    CHECK(pace.portion() == 2 * first);
    pace.failed();
    CHECK(pace.portion() == first);
    for (int i = 0; i < 20; ++i) pace.failed();
    CHECK(pace.portion() == 1);
    for (int i = 0; i < 20; ++i) pace.acknowledged(1ms, 100ms);
    CHECK(pace.portion() == PurgePace::portion_max);
}

TEST_CASE("a portion ends before a scan, and a scan is one by itself") {
    PurgePace pace;
    std::vector<PurgeHistory::Placed> items;
    for (const Kind kind : {Kind::key, Kind::response_tag, Kind::scan, Kind::scan, Kind::pattern})
        items.push_back({{kind, false, "a"}, items.size() + 1});
    CHECK(portion_end(items, 0, pace) == 2);
    CHECK(portion_end(items, 2, pace) == 3);
    CHECK(portion_end(items, 3, pace) == 4);
    CHECK(portion_end(items, 4, pace) == 5);
    while (pace.portion() > 1) pace.failed();
    CHECK(portion_end(items, 0, pace) == 1);
    CHECK(items_of(items, 1, 3) == std::vector<PurgeItem>{items[1].item, items[2].item});
}

TEST_CASE("what a server has acknowledged counts for its epoch and its map only") {
    ServerMeeting meeting;
    meeting.meet(3, noon);
    CHECK(meeting.replayed(1) == 0);
    meeting.acknowledged(7);
    meeting.meet(3, noon + 1s);
    CHECK(meeting.at() == noon);
    CHECK(meeting.replayed(1) == 7);
    // It may have got slots, and was not sent what touches them.
    CHECK(meeting.replayed(2) == 0);
    meeting.acknowledged(9);
    CHECK(meeting.replayed(2) == 9);
    meeting.meet(4, noon + 2s);
    CHECK(meeting.epoch() == 4);
    CHECK(meeting.at() == noon + 2s);
    CHECK(meeting.replayed(2) == 0);
}

}  // namespace
}  // namespace larder::redis
