#include <doctest/doctest.h>

#include "http/target_uri.hpp"
#include "redis/leasing.hpp"

namespace larder::redis {
namespace {

RedisReply text(std::string_view value) {
    RedisReply reply;
    reply.type = RedisReply::Type::text;
    reply.text = value;
    return reply;
}

RedisReply integer(std::int64_t value) {
    RedisReply reply;
    reply.type = RedisReply::Type::integer;
    reply.integer = value;
    return reply;
}

const RedisReply done = text("OK");
const RedisReply refused;  // SET NX where something stands there
const RedisReply made = integer(1);
const RedisReply stood = integer(0);  // HSETNX where something stands there
const RedisReply expires = integer(1);
const RedisReply absent;  // GETEX
RedisReply wrong_type() {
    RedisReply reply = text("WRONGTYPE Operation against a key");
    reply.type = RedisReply::Type::error;
    return reply;
}
constexpr std::string_view guard = "00000000000000aa";
/// What the guard of the scene carries.
std::string own_lock() {
    return std::string(guard) + ":00000000000000cc:" + part_of_lock("larder:lock:{a}");
}
constexpr std::string_view seen_id = "1111111111111111";
constexpr std::string_view other_id = "2222222222222222";

/// A try at guard and lock with plain commands.
struct Scene {
    Scene() {
        head.host = "api.example";
        http::set_target_uri(head);
        lease.token = guard;
        lease.lock_key = "larder:lock:{a}";
        lease.guard_key = "p:larder:lease:{p:a}";
        attempt.digest = "00000000000000cc";
    }
    bool settles(const std::vector<RedisReply>& replies) {
        add_plain_try(commands, RedisKeys("p:"), attempt, lease, plain);
        REQUIRE(commands.count() == replies.size());
        return read_plain_try(attempt, replies.data(), plain, lease);
    }

    http::RequestHead head;
    EntryName name{"a", 1, {}, &head};
    Attempt attempt{EntryLookup(name, RedisKeys("p:")), {}, {}, false};
    Lease lease;
    PlainTry plain{std::string(guard)};
    RedisCommands commands;
};

TEST_CASE("a plain try makes the guard and the lock in it, and then looks at the key") {
    Scene scene;
    CHECK(scene.settles({made, made, expires, text("none")}));
    const RedisCommands& commands = scene.commands;
    REQUIRE(commands.count() == 4);
    for (const std::size_t i : {0, 1, 2}) CHECK(commands.key(i) == "p:larder:lease:{p:a}");
    CHECK(commands.key(3) == "p:a");
    CHECK(commands.bytes().find(own_lock()) != std::string::npos);
    CHECK(commands.bytes().find("5000") != std::string::npos);
}

TEST_CASE("a plain try settles the lease where nothing stood there") {
    Scene scene;
    REQUIRE(scene.settles({made, made, expires, text("none")}));
    CHECK(scene.lease.guard == guard);
    CHECK(scene.lease.made_guard);
    CHECK(scene.lease.lock == Lease::Lock::mine);
    CHECK_FALSE(scene.lease.entry_there);
    CHECK_FALSE(scene.lease.held);
}

TEST_CASE("where anything stands there, the script decides, and replaces the lock that was set") {
    SUBCASE("the guard of an earlier fetch, or of a write under way") {
        Scene scene;
        CHECK_FALSE(scene.settles({stood, made, expires, text("none")}));
        CHECK(scene.attempt.dead == own_lock());
        CHECK(scene.lease.guard.empty());
        CHECK_FALSE(scene.lease.made_guard);
    }
    SUBCASE("a lock that another fetch has put there in between") {
        Scene scene;
        CHECK_FALSE(scene.settles({made, stood, expires, text("none")}));
        CHECK_FALSE(scene.attempt.set_lock);
    }
    SUBCASE("somebody else's value at the guard") {
        Scene scene;
        CHECK_FALSE(scene.settles({wrong_type(), wrong_type(), stood, text("none")}));
        CHECK(scene.lease.guard.empty());
    }
    SUBCASE("an entry, or what is not larder's") {
        for (const std::string_view kind : {"hash", "string"}) {
            Scene scene;
            CHECK_FALSE(scene.settles({made, made, expires, text(kind)}));
            CHECK(scene.attempt.set_lock);
            CHECK(scene.attempt.dead == own_lock());
        }
    }
}

TEST_CASE("a plain try without a lock") {
    Scene scene;
    scene.lease.lock_key.clear();
    REQUIRE(scene.settles({made, expires, text("none")}));
    CHECK(scene.lease.lock == Lease::Lock::none);
    CHECK(scene.lease.guard == guard);
    CHECK(scene.commands.bytes().find("60000") != std::string::npos);
}

TEST_CASE("a full Redis makes no guard: the lease is settled, and nothing can be stored") {
    Scene scene;
    RedisReply full;
    full.type = RedisReply::Type::error;
    full.text = "OOM command not allowed when used memory > 'maxmemory'.";
    REQUIRE(scene.settles({full, full, stood, text("none")}));
    CHECK(scene.lease.guard.empty());
    CHECK_FALSE(scene.lease.can_store());
}

/// The ids of a tag and of the bare key, of which the lookup has found the second missing.
struct SceneWithIds : Scene {
    SceneWithIds() {
        name.tags = tags;
        name.key = "a?x";
        attempt = {EntryLookup(name, RedisKeys("p:")), {}, {}, false};
        attempt.lookup.everything = 7;
    }
    const std::vector<std::string> tags{"t"};
};

TEST_CASE("a plain try makes the ids that the lookup found missing, and names them in the lock") {
    SceneWithIds scene;
    scene.attempt.lookup.ids = {std::string(seen_id), ""};
    scene.plain = plain_after_lookup(scene.attempt, std::string(guard));
    const std::string new_id = scene.attempt.lookup.ids[1];
    REQUIRE(new_id.size() == 16);
    SUBCASE("they stand there") {
        CHECK(scene.settles({done, made, made, expires, text("none"), text(new_id)}));
        CHECK(scene.commands.key(0) == "p:larder:ext:{p:a}");
        CHECK(scene.commands.bytes().find(digest_of_ids(7, {std::string(seen_id), new_id})) !=
              std::string::npos);
    }
    SUBCASE("another one was made meanwhile") {
        CHECK_FALSE(scene.settles({refused, made, made, expires, text("none"), text(other_id)}));
        CHECK(scene.attempt.asks);
        CHECK(scene.attempt.digest ==
              digest_of_ids(7, {std::string(seen_id), std::string(other_id)}));
    }
    SUBCASE("it is somebody else's value, or stands for a write under way") {
        std::string_view there;
        SUBCASE("a value") { there = "mine"; }
        SUBCASE("a write") { there = "held:00000000000000dd"; }
        CHECK_FALSE(scene.settles({refused, made, made, expires, text("none"), text(there)}));
        CHECK(scene.attempt.asks);
        CHECK(scene.attempt.digest == no_digest);
    }
}

TEST_CASE("a plain try without a lookup asks for all ids, and makes those that were never seen") {
    SceneWithIds scene;
    SeenIds seen;
    seen.note("p:larder:tag:t", seen_id);
    scene.plain =
        plain_without_lookup(scene.attempt, std::string(guard), RedisKeys("p:"), seen).value();
    scene.plain.untracked = true;
    const std::string new_id = scene.attempt.lookup.ids[1];
    CHECK(scene.attempt.lookup.ids[0] == seen_id);
    SUBCASE("they are as expected; a soft mark does not matter") {
        const std::string marked = std::string(seen_id) + ":0123";
        REQUIRE(scene.settles({done, made, made, expires, absent, text(marked), text(new_id)}));
        CHECK(scene.lease.untracked);
        CHECK(scene.lease.lock == Lease::Lock::mine);
        CHECK(scene.attempt.lookup.ids[0] == marked);
    }
    SUBCASE("a purge came since one was seen") {
        CHECK_FALSE(
            scene.settles({done, made, made, expires, absent, text(other_id), text(new_id)}));
        CHECK(scene.attempt.set_lock);
        CHECK(scene.lease.lock == Lease::Lock::none);
    }
    SUBCASE("an entry is there, or somebody else's text") {
        for (const RedisReply& there : {wrong_type(), text("mine")}) {
            scene.commands = {};
            CHECK_FALSE(
                scene.settles({done, made, made, expires, there, text(seen_id), text(new_id)}));
        }
    }
    SUBCASE("a purge came, and nobody has made a new one") {
        CHECK_FALSE(scene.settles({done, made, made, expires, absent, refused, text(new_id)}));
        CHECK(scene.attempt.asks);
    }
}

TEST_CASE("where the id of all entries is not known, the one that was seen last is asked for") {
    SceneWithIds scene;
    scene.name.tags = {};
    scene.name.key = "a";
    scene.attempt = {EntryLookup(scene.name, RedisKeys("p:")), {}, {}, false};
    SeenIds seen;
    CHECK_FALSE(plain_without_lookup(scene.attempt, std::string(guard), RedisKeys("p:"), seen));
    seen.note(RedisKeys("p:").everything("p:a"), seen_id);
    scene.plain =
        plain_without_lookup(scene.attempt, std::string(guard), RedisKeys("p:"), seen).value();
    SUBCASE("it stands") {
        CHECK(scene.settles({made, made, expires, text("none"), text(seen_id)}));
        CHECK(scene.attempt.lookup.everything == 0x1111111111111111);
    }
    SUBCASE("everything was purged") {
        CHECK_FALSE(scene.settles({made, made, expires, text("none"), text(other_id)}));
        CHECK(scene.attempt.lookup.everything == 0x2222222222222222);
        CHECK(scene.attempt.digest == digest_of_ids(0x2222222222222222, {}));
    }
    SUBCASE("and is missing since") {
        CHECK_FALSE(scene.settles({made, made, expires, text("none"), refused}));
        CHECK(scene.attempt.digest == no_digest);
    }
}

}  // namespace
}  // namespace larder::redis
