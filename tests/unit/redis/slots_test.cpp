#include "redis/slots.hpp"

#include <doctest/doctest.h>

#include <set>

#include "redis/keys.hpp"
#include "redis/slot_names.hpp"

namespace larder::redis {
namespace {

TEST_CASE("slots are those of the specification of Redis Cluster") {
    CHECK(slot_of("123456789") == 0x31C3);
    CHECK(slot_of("") == 0);
    CHECK(slot_of("foo") == 12182);
    CHECK(slot_of("somekey") == 11058);
}

TEST_CASE(
    "what stands between the first brace and the next closing one decides, unless it is empty") {
    CHECK(slot_of("{user1000}.following") == slot_of("user1000"));
    CHECK(slot_of("foo{bar}{zap}") == slot_of("bar"));
    CHECK(slot_of("foo{{bar}}zap") == slot_of("{bar"));
    CHECK(slot_of("foo{}{bar}") != slot_of("bar"));
    CHECK(slot_of("foo{bar") != slot_of("bar"));
    CHECK(slot_of("}a{b}") == slot_of("b"));
}

TEST_CASE("each slot has a name that hashes there") {
    const SlotNames names;
    for (int slot = 0; slot < slots_all; ++slot) CHECK(slot_of("x" + names.of(slot)) == slot);
}

TEST_CASE("all that one script touches stands in one slot") {
    for (const char* prefix : {"", "app:", "{app}"}) {
        CAPTURE(prefix);
        const RedisKeys keys(prefix, RedisKeys::Slots::of_cluster);
        for (const char* key : {"articles:42", "articles:list:0:20?lang=de", "a{b}c", "{x}"}) {
            CAPTURE(key);
            const auto slot = slot_of(keys.entry(key));
            CHECK(slot_of(keys.guard(key)) == slot);
            CHECK(slot_of(keys.lock(key, "http://a.example|x{y}")) == slot);
            CHECK(slot_of(keys.extension(key)) == slot);
        }
    }
}

TEST_CASE("the id of all entries stands in the group of slots of the entry that carries it") {
    const RedisKeys keys("", RedisKeys::Slots::of_cluster);
    CHECK(keys.everything_ids().size() == 1024);
    std::set<std::string> seen;
    for (int i = 0; i < 8000; ++i) {
        const std::string entry = keys.entry("articles:" + std::to_string(i));
        const std::string& id = keys.everything(entry);
        CHECK(group_of_slot(slot_of(id)) == group_of_slot(slot_of(entry)));
        CHECK(keys.name_of(id).kind == RedisKeys::Kind::everything);
        seen.insert(id);
    }
    CHECK(seen.size() > 900);
    const RedisKeys alone("");
    CHECK(alone.everything("articles:42") == "larder:all");
}

TEST_CASE("a purge that is owed closes the slots that it touches, and no others") {
    const RedisKeys keys("", RedisKeys::Slots::of_cluster);
    using Kind = PurgeItem::Kind;
    const SlotGroups one = keys.touched_by({Kind::key, false, "articles:42"});
    CHECK(one == bit_of_group(group_of_slot(slot_of("articles:42"))));
    CHECK(keys.touched_by({Kind::scan, false, "a*"}) == all_groups);
    CHECK(keys.touched_by(purge_everything()) == all_groups);
    PurgeJournal journal(10, [&](const PurgeItem& item) { return keys.touched_by(item); });
    CHECK(journal.owed() == 0);
    journal.add({{Kind::key, false, "articles:42"}});
    CHECK(journal.owed() == one);
    journal.acknowledged(journal.pending());
    CHECK(journal.owed() == 0);
    PurgeJournal single;
    single.add({{Kind::key, false, "articles:42"}});
    CHECK(single.owed() == all_groups);
}

}  // namespace
}  // namespace larder::redis
