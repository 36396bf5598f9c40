#include "redis/redirect.hpp"

#include <doctest/doctest.h>

#include "redis/cluster_view.hpp"

namespace larder::redis {
namespace {

using Kind = Redirect::Kind;

RedisReply error(std::string text) {
    RedisReply reply;
    reply.type = RedisReply::Type::error;
    reply.text = std::move(text);
    return reply;
}
RedisReply text(std::string words) {
    RedisReply reply;
    reply.type = RedisReply::Type::text;
    reply.text = std::move(words);
    return reply;
}
RedisReply integer(std::int64_t value) {
    RedisReply reply;
    reply.type = RedisReply::Type::integer;
    reply.integer = value;
    return reply;
}
RedisReply array(std::vector<RedisReply> items) {
    RedisReply reply;
    reply.type = RedisReply::Type::array;
    reply.items = std::move(items);
    return reply;
}
RedisReply node(std::string host, int port) {
    return array(
        {text(std::move(host)), integer(port), text("07c37dfeb235213a872192d90877d0cd55635b91")});
}

TEST_CASE("a refusal says where the slot is, or that it is nowhere") {
    const Redirect moved = read_redirect(error("MOVED 3999 127.0.0.1:6381"));
    CHECK(moved.kind == Kind::moved);
    CHECK(moved.slot == 3999);
    CHECK(moved.address == RedisAddress{"127.0.0.1", 6381});
    const Redirect ask = read_redirect(error("ASK 1 cache-2.internal:7000"));
    CHECK(ask.kind == Kind::ask);
    CHECK(ask.address.host == "cache-2.internal");
    CHECK(read_redirect(error("MOVED 1 ::1:6381")).address.host == "::1");
    CHECK(read_redirect(error("MOVED 1 :6381")).address.host.empty());
    CHECK(read_redirect(error("TRYAGAIN Multiple keys request during rehashing of slot")).kind ==
          Kind::try_again);
    CHECK(read_redirect(error("CLUSTERDOWN Hash slot not served")).kind == Kind::down);
    for (const char* other : {"ERR no", "MOVED", "MOVED x 127.0.0.1:1", "MOVED 16384 127.0.0.1:1",
                              "MOVED 1 nowhere", "MOVED 1 a:0", "MOVEDX 1 a:1", "ASKING"}) {
        CAPTURE(other);
        CHECK(read_redirect(error(other)).kind == Kind::none);
    }
    CHECK(read_redirect(text("MOVED 3999 127.0.0.1:6381")).kind == Kind::none);
}

TEST_CASE("the map names the master of each range") {
    const RedisAddress asked{"seed.example", 7000};
    const auto ranges = read_slots(array({array({integer(5461), integer(16383),
                                                 node("10.0.0.2", 7001), node("10.0.0.5", 7004)}),
                                          array({integer(0), integer(5460), node("", 7000)})}),
                                   asked);
    REQUIRE(ranges.has_value());
    CHECK(*ranges == std::vector<SlotRange>{{0, 5460, {"seed.example", 7000}},
                                            {5461, 16383, {"10.0.0.2", 7001}}});
    CHECK_FALSE(read_slots(error("ERR This instance has cluster support disabled"), asked));
    CHECK_FALSE(read_slots(array({array({integer(5), integer(4), node("a", 1)})}), asked));
    CHECK_FALSE(read_slots(array({array({integer(0), integer(16384), node("a", 1)})}), asked));
    CHECK_FALSE(read_slots(array({array({integer(0), integer(1), node("a", 0)})}), asked));
    CHECK_FALSE(read_slots(array({text("x")}), asked));
}

TEST_CASE("a node that does not know its name is reached by the address beside it, or left out") {
    const RedisAddress asked{"seed", 7000};
    RedisReply named = node("?", 7001);
    CHECK(read_slots(array({array({integer(0), integer(1), named})}), asked)->empty());
    named.items.push_back(array({text("ip"), text("10.0.0.7")}));
    CHECK(read_slots(array({array({integer(0), integer(1), named})}), asked)->front().master.host ==
          "10.0.0.7");
}

TEST_CASE("a node that has missed a failover is not believed") {
    ViewJudge judge;
    const SteadyTime noon{std::chrono::hours(12)};
    ClusterView old;
    old.epoch = 4;
    ClusterView present;
    present.epoch = 5;
    CHECK(judge.accepts(present, noon));
    CHECK_FALSE(judge.accepts(old, noon));
    CHECK(judge.accepts(present, noon + Milliseconds(10)));
    // All that are left say so for long: the cluster was made anew.
    CHECK(judge.accepts(old, noon + Seconds(6)));
}

TEST_CASE("CLUSTER INFO tells the epoch, and whether the cluster serves") {
    const auto view =
        read_view(text("cluster_state:fail\r\ncluster_slots_ok:9\r\ncluster_current_epoch:6\r\n"
                       "cluster_my_epoch:2\r\n"),
                  array({}), {"a", 1});
    REQUIRE(view.has_value());
    CHECK(view->epoch == 6);
    CHECK_FALSE(view->serves);
    CHECK_FALSE(says_cluster_fails("cluster_state:ok\r\n"));
}

TEST_CASE("a slot that is being moved shows in what its node says of itself") {
    const std::string others = "e7d1 127.0.0.1:2@12 master - 0 1 1 connected 0-5460\n";
    CHECK(own_slots(others + "07c3 127.0.0.1:1@11 myself,master - 0 0 2 connected 5461-10922\n") ==
          "2 connected 5461-10922");
    CHECK(own_slots(others +
                    "07c3 127.0.0.1:1@11 myself,master - 0 0 2 connected 5461-10922 [93-<-e7d1]\n")
              .empty());
    CHECK(own_slots(others).empty());
    CHECK(own_slots("myself").empty());
}

}  // namespace
}  // namespace larder::redis
