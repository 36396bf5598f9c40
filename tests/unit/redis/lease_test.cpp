#include "redis/lease.hpp"

#include <doctest/doctest.h>

#include <optional>

namespace larder::redis {
namespace {

/// What was given back, in order.
struct Scene {
    LeaseHold hold(std::string token) {
        Lease lease;
        lease.lock = Lease::Lock::mine;
        lease.token = std::move(token);
        return {std::make_shared<const Lease>(std::move(lease)),
                [this](const Lease& held, LeaseEnd end) {
                    given_back.push_back(held.token);
                    last = end;
                }};
    }
    std::vector<std::string> given_back;
    std::optional<LeaseEnd> last;
};

using Tokens = std::vector<std::string>;

TEST_CASE("a lease that nobody ends gives itself back as unstored") {
    Scene scene;
    { const LeaseHold held = scene.hold("a"); }
    CHECK(scene.given_back == Tokens{"a"});
    CHECK(scene.last == LeaseEnd::unstored);
}

TEST_CASE("a lease is given back once, as its first end says, and can still be read") {
    Scene scene;
    {
        LeaseHold held = scene.hold("a");
        held.give_back(LeaseEnd::uncacheable);
        held.give_back(LeaseEnd::unstored);
        CHECK(held->token == "a");
    }
    CHECK(scene.given_back == Tokens{"a"});
    CHECK(scene.last == LeaseEnd::uncacheable);
}

TEST_CASE("a fill takes the duty over") {
    Scene scene;
    {
        LeaseHold held = scene.hold("a");
        held.filled();
    }
    CHECK(scene.given_back.empty());
}

TEST_CASE("a duty that moves is given back by its last owner only") {
    Scene scene;
    {
        LeaseHold first = scene.hold("a");
        LeaseHold second = std::move(first);
        CHECK(scene.given_back.empty());
        second = scene.hold("b");
        CHECK(scene.given_back == Tokens{"a"});
        LeaseHold& same = second;
        second = std::move(same);
        CHECK(scene.given_back == Tokens{"a"});
    }
    CHECK(scene.given_back == Tokens{"a", "b"});
}

TEST_CASE("without a lock there is nothing to give back") {
    LeaseHold none;
    none.give_back(LeaseEnd::uncacheable);
    CHECK(none->lock == Lease::Lock::none);
    CHECK_FALSE(none.has_lock());
    CHECK_FALSE(none.shared());
    CHECK_FALSE(none->can_store());
}

TEST_CASE("a lease can store while nothing speaks against it") {
    Lease good;
    good.guard = "guard";
    good.everything = 1;
    CHECK(good.can_store());
    Lease other = good;
    other.state = RedisState::timeout;
    CHECK_FALSE(other.can_store());
    other = good;
    other.guard.clear();
    CHECK_FALSE(other.can_store());
    other = good;
    other.held = true;
    CHECK_FALSE(other.can_store());
    other = good;
    other.everything = 0;
    CHECK_FALSE(other.can_store());
    other = good;
    other.foreign_key = "somebody's";
    CHECK_FALSE(other.can_store());
}

}  // namespace
}  // namespace larder::redis
