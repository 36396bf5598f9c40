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

const RedisReply done = text("OK");
const RedisReply refused;  // SET NX where something stands there
constexpr std::string_view guard = "00000000000000aa";

/// A try at guard and lock with plain commands.
struct Scene {
    Scene() {
        head.host = "api.example";
        http::set_target_uri(head);
        lease.token = "00000000000000bb";
        lease.lock_key = "larder:lock:{a}";
        attempt.digest = "00000000000000cc";
    }
    bool settles(const std::vector<RedisReply>& replies) {
        return read_plain_try(attempt, replies.data(), guard, lease);
    }

    http::RequestHead head;
    EntryName name{"a", 1, {}, &head};
    Attempt attempt{EntryLookup(name), {}, {}, false};
    Lease lease;
};

TEST_CASE("a plain try sets the guard, then the lock that names it, and then looks at the key") {
    Scene scene;
    RedisCommands commands;
    add_plain_try(commands, RedisKeys("p:"), scene.attempt, scene.lease, guard);
    REQUIRE(commands.count() == 3);
    CHECK(commands.key(0) == "p:larder:lease:{p:a}");
    CHECK(commands.key(1) == "larder:lock:{a}");
    CHECK(commands.key(2) == "p:a");
    CHECK(commands.bytes().find("00000000000000aa:00000000000000cc:00000000000000bb") !=
          std::string::npos);
}

TEST_CASE("a plain try settles the lease where nothing stood there") {
    Scene scene;
    REQUIRE(scene.settles({done, done, text("none")}));
    CHECK(scene.lease.guard == guard);
    CHECK(scene.lease.lock == Lease::Lock::mine);
    CHECK_FALSE(scene.lease.entry_there);
    CHECK_FALSE(scene.lease.held);
}

TEST_CASE("where anything stands there, the script decides, and replaces the lock that was set") {
    const std::string own_lock = "00000000000000aa:00000000000000cc:00000000000000bb";
    SUBCASE("the guard of an earlier fetch, or of a write under way") {
        Scene scene;
        CHECK_FALSE(scene.settles({refused, done, text("none")}));
        CHECK(scene.attempt.dead == own_lock);
        CHECK(scene.attempt.set_lock);
        CHECK(scene.lease.guard.empty());
    }
    SUBCASE("another one's lock") {
        Scene scene;
        CHECK_FALSE(scene.settles({done, refused, text("none")}));
        CHECK_FALSE(scene.attempt.set_lock);
    }
    SUBCASE("an entry, or what is not larder's") {
        for (const std::string_view kind : {"hash", "string"}) {
            Scene scene;
            CHECK_FALSE(scene.settles({done, done, text(kind)}));
            CHECK(scene.attempt.dead == own_lock);
        }
    }
}

TEST_CASE("a plain try without a lock") {
    Scene scene;
    scene.lease.lock_key.clear();
    RedisCommands commands;
    add_plain_try(commands, RedisKeys("p:"), scene.attempt, scene.lease, guard);
    CHECK(commands.count() == 2);
    REQUIRE(scene.settles({done, text("none")}));
    CHECK(scene.lease.lock == Lease::Lock::none);
    CHECK(scene.lease.guard == guard);
}

TEST_CASE("a full Redis makes no guard: the lease is settled, and nothing can be stored") {
    Scene scene;
    RedisReply full;
    full.type = RedisReply::Type::error;
    full.text = "OOM command not allowed when used memory > 'maxmemory'.";
    REQUIRE(scene.settles({full, full, text("none")}));
    CHECK(scene.lease.guard.empty());
    CHECK_FALSE(scene.lease.can_store());
}

}  // namespace
}  // namespace larder::redis
