#include "redis/link_health.hpp"

#include <doctest/doctest.h>

namespace larder::redis {
namespace {

using namespace std::chrono_literals;
using State = LinkHealth::State;
using Verdict = LinkHealth::Verdict;

const SteadyTime noon{std::chrono::hours(12)};

RedisReply text(std::string value) {
    RedisReply reply;
    reply.type = RedisReply::Type::text;
    reply.text = std::move(value);
    return reply;
}

RedisReply error(std::string value) {
    RedisReply reply = text(std::move(value));
    reply.type = RedisReply::Type::error;
    return reply;
}

ServerIdentity master(std::string replication_id = "data-1") {
    ServerIdentity identity;
    identity.run_id = "run-1";
    identity.replication_id = std::move(replication_id);
    return identity;
}

const std::vector<RedisReply> same{text("role:master\r\nmaster_replid:data-1\r\n")};

/// A link whose handshake is over, with a redis.timeout of 100 ms.
struct Scene {
    explicit Scene(ServerIdentity identity = master()) {
        health.connecting();
        health.connected_to(std::move(identity), noon);
    }
    void use() { REQUIRE(health.judge(same, noon, noon) == Verdict::usable); }
    LinkHealth health{100ms};
};

TEST_CASE("a connection is used once a probe was answered in time") {
    Scene scene;
    CHECK(scene.health.state() == State::stalled);
    CHECK(scene.health.connected());
    CHECK(scene.health.judge(same, noon, noon + 101ms) == Verdict::late);
    CHECK(scene.health.state() == State::stalled);
    CHECK(scene.health.judge(same, noon + 101ms, noon + 201ms) == Verdict::usable);
    CHECK(scene.health.state() == State::ready);
    CHECK(scene.health.judge(same, noon + 300ms, noon + 900ms) == Verdict::alive);
    CHECK(scene.health.state() == State::ready);
}

TEST_CASE("a doubted connection needs one probe, and is hopeless after a second without answer") {
    Scene scene;
    CHECK_FALSE(scene.health.doubt(noon));  // a probe is under way already
    scene.use();
    CHECK_FALSE(scene.health.hopeless(noon + 10s));
    CHECK(scene.health.doubt(noon + 10s));
    CHECK_FALSE(scene.health.doubt(noon + 10s));
    CHECK(scene.health.state() == State::stalled);
    CHECK_FALSE(scene.health.hopeless(noon + 11s));
    CHECK(scene.health.hopeless(noon + 11s + 1ms));
}

TEST_CASE("a probe shows a server that has become a replica, or has taken over other data") {
    for (const bool in_use : {false, true}) {
        CAPTURE(in_use);
        Scene scene;
        if (in_use) scene.use();
        const std::vector<RedisReply> replica{text("role:slave\r\nmaster_replid:data-1\r\n")};
        const std::vector<RedisReply> other{text("role:master\r\nmaster_replid:data-2\r\n")};
        CHECK(scene.health.judge(replica, noon, noon) == Verdict::replica);
        CHECK(scene.health.judge(other, noon, noon) == Verdict::other_data);
    }
}

TEST_CASE("a refused probe, or one whose replies were dropped, is a sign of life") {
    for (const std::vector<RedisReply>& replies :
         {std::vector<RedisReply>{error("NOPERM")}, std::vector<RedisReply>{}}) {
        Scene scene;
        CHECK(scene.health.judge(replies, noon, noon + 1ms) == Verdict::usable);
    }
}

TEST_CASE("a server that does not say who it is gets a PING, and any text is its answer") {
    Scene named;
    Scene unnamed{ServerIdentity{}};
    CHECK(named.health.names_server());
    CHECK(named.health.probe().name(0) == "INFO");
    CHECK_FALSE(unnamed.health.names_server());
    CHECK(unnamed.health.probe().name(0) == "PING");
    CHECK(unnamed.health.judge({text("PONG")}, noon, noon) == Verdict::usable);
}

TEST_CASE("a lost connection is not used, and tells once whether it ever was") {
    Scene scene;
    CHECK_FALSE(scene.health.take_was_ready());
    scene.use();
    CHECK(scene.health.disconnected() == State::ready);
    CHECK(scene.health.state() == State::disconnected);
    CHECK_FALSE(scene.health.connected());
    CHECK_FALSE(scene.health.doubt(noon));
    CHECK_FALSE(scene.health.hopeless(noon + 10s));
    CHECK(scene.health.take_was_ready());
    CHECK_FALSE(scene.health.take_was_ready());
    scene.health.connecting();
    CHECK(scene.health.state() == State::handshaking);
    CHECK_FALSE(scene.health.connected());
}

}  // namespace
}  // namespace larder::redis
