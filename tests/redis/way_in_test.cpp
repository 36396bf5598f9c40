#include <doctest/doctest.h>

#include <cstdlib>

#include "instance.hpp"
#include "redis_server.hpp"

namespace larder::redis {
namespace {

const Ask article{"articles:42"};

TEST_CASE("sentinels say where the master is") {
    RedisServer redis;
    const RedisServer sentinel = RedisServer::sentinel_of(redis.port());
    const std::string port = std::to_string(sentinel.port());
    Instance one("redis-sentinel://127.0.0.1:1,127.0.0.1:" + port + "/m/0");
    REQUIRE(one.wait_available());
    CHECK(one.put(article, "x") == FillOutcome::stored);
    CHECK(redis.run({"EXISTS", "articles:42"}) == "1");
    CHECK(one.wait_trusted());
    Instance stranger("redis-sentinel://127.0.0.1:" + port + "/other");
    CHECK_FALSE(stranger.wait_available(200ms));
}

struct TwoMasters {
    RedisServer old;
    RedisServer successor;
    RedisServer sentinel = RedisServer::sentinel_of(old.port());
    Instance one{"redis-sentinel://127.0.0.1:" + std::to_string(sentinel.port()) + "/m/0"};
    TwoMasters() {
        REQUIRE(one.wait_available());
        REQUIRE(one.wait_trusted());
    }
};

TEST_CASE_FIXTURE(TwoMasters, "a master that sentinels name no more is left while it answers") {
    REQUIRE(one.put(article, "old") == FillOutcome::stored);
    REQUIRE(one.get(article) == "old");
    sentinel.run({"SENTINEL", "REMOVE", "m"});
    sentinel.run({"SENTINEL", "MONITOR", "m", "127.0.0.1", std::to_string(successor.port()), "1"});
    CHECK(eventually([&] { return one.get(article).empty(); }, 1s));
    REQUIRE(one.wait_available());
    CHECK(one.get(article).empty());
    CHECK(one.purge(purge_key("articles:42")) == store::PurgeOutcome::done);
    CHECK(one.put(article, "new") == FillOutcome::stored);
    CHECK(successor.run({"EXISTS", "articles:42"}) == "1");
    CHECK(one.wait_trusted());
    CHECK(old.run({"EXISTS", "articles:42"}) == "1");
    CHECK(eventually([&] { return old.run({"CLIENT", "LIST", "TYPE", "pubsub"}).empty(); }));
}

TEST_CASE_FIXTURE(TwoMasters, "nothing is read or acknowledged while no sentinel answers") {
    REQUIRE(one.put(article, "old") == FillOutcome::stored);
    sentinel.freeze();
    CHECK(eventually([&] { return one.find(article).state == RedisState::down; }));
    CHECK_FALSE(one.shared->node().up());
    CHECK(one.purge(purge_key("articles:1")) == store::PurgeOutcome::pending);
    CHECK(eventually([&] { return one.shared->fleet().memory_trusted_until() < steady_now(); }));
    CHECK(eventually([&] { return one.shared->reporter().troubled(RedisWork::use); }));
    CHECK(one.shared->reporter().last_refusal()->reason == RedisError::sentinel);
    sentinel.thaw();
    CHECK(one.wait_available());
    CHECK(one.get(article) == "old");
    CHECK(one.shared->journal().empty());
    CHECK(one.wait_trusted());
}

TEST_CASE("a replica is not written to, and not read from") {
    RedisServer master;
    RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(master.port())});
    Instance one(replica.url());
    CHECK_FALSE(one.wait_available(300ms));
    REQUIRE(one.shared->reporter().last_refusal());
    CHECK(one.shared->reporter().last_refusal()->reason == RedisError::readonly);
    replica.run({"REPLICAOF", "NO", "ONE"});
    CHECK(one.wait_available());
}

TEST_CASE(
    "a master that lost its place, and the purges it had acknowledged, is replaced without harm") {
    RedisServer redis;
    RedisServer other;
    Instance one(redis.url());
    REQUIRE(one.wait_available());
    REQUIRE(one.put(article, "old") == FillOutcome::stored);
    redis.run({"REPLICAOF", "127.0.0.1", std::to_string(other.port())});
    CHECK(eventually([&] { return one.lease(article).state == RedisState::down; }));
    redis.run({"REPLICAOF", "NO", "ONE"});
    CHECK(one.wait_available());
}

TEST_CASE("TLS: the certificate and its name are verified") {
    RedisServer plain;
    const std::string base = plain.directory() + "/tls";
    const std::string make =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "
        "/CN=localhost "
        "-addext subjectAltName=DNS:localhost -keyout " +
        base + ".key -out " + base + ".crt 2>/dev/null";
    if (std::system(make.c_str()) != 0) {
        MESSAGE("no openssl program: not tested");
        return;
    }
    const std::string port = std::to_string(RedisServer::free_port());
    RedisServer redis({"--tls-port", port, "--tls-cert-file", base + ".crt", "--tls-key-file",
                       base + ".key", "--tls-ca-cert-file", base + ".crt", "--tls-auth-clients",
                       "no"});
    const auto trusting = [&](settings::Redis& settings) { settings.tls.ca = base + ".crt"; };
    Instance one("rediss://localhost:" + port, 1, trusting);
    REQUIRE(one.wait_available());
    const std::string body(300'000, 'a');
    CHECK(one.put(article, body) == FillOutcome::stored);
    CHECK(one.get(article) == body);
    CHECK(one.wait_trusted());
    Instance other_name("rediss://127.0.0.1:" + port, 1, trusting);
    CHECK_FALSE(other_name.wait_available(300ms));
    Instance unknown_authority("rediss://localhost:" + port);
    CHECK_FALSE(unknown_authority.wait_available(300ms));
    Instance careless("rediss://127.0.0.1:" + port, 1,
                      [](settings::Redis& settings) { settings.tls.verify = false; });
    CHECK(careless.wait_available());
}

}  // namespace
}  // namespace larder::redis
