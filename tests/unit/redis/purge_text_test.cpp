#include "redis/purge_text.hpp"

#include <doctest/doctest.h>

namespace larder::redis {
namespace {

using Kind = PurgeItem::Kind;
const SteadyTime noon{std::chrono::hours(12)};

const std::vector<PurgeItem> all_kinds{{Kind::key, false, "articles:42"},
                                       {Kind::pattern, true, "a b*\n%"},
                                       {Kind::response_tag, false, "\xff\x7f"},
                                       {Kind::scan, false, "*"},
                                       {Kind::key, false, ""}};

/// Writes down what it is told.
struct Follower : PurgeJournal::Observer {
    void begins(const std::vector<PurgeItem>& items) override {
        told += "begins\n" + to_lines(items);
    }
    void added(const std::vector<PurgeItem>& items) override {
        told += "added\n" + to_lines(items);
    }
    void emptied() override { told += "emptied\n"; }
    std::string told;
};

TEST_CASE("purges survive being text") {
    const std::string lines = to_lines(all_kinds);
    CHECK(lines.starts_with("kh articles:42\nps a%20b*%0A%25\n"));
    CHECK(parse_lines(lines) == all_kinds);
    CHECK(parse_lines("")->empty());
}

TEST_CASE("text that is no list of purges is noticed") {
    for (const std::string text : {"kh a", "x\n", "zh a\n", "kx a\n", "kha\n", "kh a b\n",
                                   "kh %4\n", "kh %zz\n", "kh a\n\n"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_lines(text));
    }
    for (const std::string text : {"kh a\n", "-1 kh a\n", "99999999999999 kh a\n", "5\n"})
        CHECK_FALSE(parse_remembered(text));
}

TEST_CASE("another process remembers as long as this one would have") {
    PurgeHistory history;
    history.add({all_kinds[0]}, noon, Seconds(10));
    history.add({all_kinds[1]}, noon, Seconds(20));
    const auto remembered = parse_remembered(to_lines(history.snapshot(noon + Seconds(1))));
    REQUIRE(remembered);
    PurgeHistory heir;
    heir.add({all_kinds[0]}, noon, Seconds(60));
    heir.restore(*remembered, noon);
    CHECK(heir.recent(noon + Seconds(18)).size() == 2);
    CHECK(heir.recent(noon + Seconds(19)).size() == 1);
    CHECK(heir.recent(noon + Seconds(59)).size() == 1);
}

TEST_CASE("a history that had overflowed stays everything in another process") {
    PurgeHistory history(1);
    history.add({all_kinds[0], all_kinds[1]}, noon, Seconds(10));
    PurgeHistory heir;
    heir.restore(*parse_remembered(to_lines(history.snapshot(noon))), noon);
    CHECK(heir.recent(noon) == std::vector{purge_everything()});
}

TEST_CASE("who follows a journal hears of each change in order") {
    PurgeJournal journal(2);
    Follower follower;
    journal.add({all_kinds[0]});
    journal.observe(&follower);
    journal.add({});
    journal.add({all_kinds[4]});
    journal.add({all_kinds[2]});  // too many: everything
    journal.acknowledged(journal.pending());
    journal.observe(nullptr);
    journal.add({all_kinds[0]});
    CHECK(follower.told == "begins\nkh articles:42\nadded\nkh \nadded\neh \nemptied\n");
}

TEST_CASE("an order and its items say the same") {
    store::PurgeOrder order;
    order.soft = true;
    order.set.keys = {"a"};
    order.set.patterns = {"a:*"};
    order.tags = {"t"};
    order.scan_patterns = {"*x*"};
    const store::PurgeOrder again = order_of(items_of(order));
    CHECK(again.soft);
    CHECK(again.set.keys == order.set.keys);
    CHECK(again.set.patterns == order.set.patterns);
    CHECK(again.tags == order.tags);
    CHECK(again.scan_patterns == order.scan_patterns);
    CHECK_FALSE(order_of(all_kinds).soft);
}

}  // namespace
}  // namespace larder::redis
