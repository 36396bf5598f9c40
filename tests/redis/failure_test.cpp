#include <doctest/doctest.h>
#include <poll.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "instance.hpp"
#include "redis_server.hpp"

namespace larder::redis {
namespace {

const Ask article{"articles:42"};
const Ask list{"articles:list:0:20", {"articles:list:*"}};

// Far from each other, so that a busy machine does not blur them: what a wait may take, and what no
// wait takes.
constexpr auto timeout = 400ms;
constexpr auto slack = 200ms;
void patient(settings::Redis& settings) { settings.timeout = timeout; }

template <class Call>
std::chrono::milliseconds time_of(Call call) {
    const SteadyTime start = steady_now();
    call();
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - start);
}

struct OneRedis {
    RedisServer redis;
    Instance one{redis.url(), 1, patient};
    OneRedis() { REQUIRE(one.wait_available()); }
};

TEST_CASE("without Redis nobody waits, and purges are kept") {
    std::string url;
    {
        const RedisServer gone;
        url = gone.url();
    }
    Instance one(url);
    CHECK(time_of([&] { CHECK(one.find(article).state == RedisState::down); }) < slack);
    CHECK(time_of([&] { CHECK(one.lease(article).state == RedisState::down); }) < slack);
    CHECK(time_of([&] {
              CHECK(one.purge(purge_key("articles:42")) == store::PurgeOutcome::pending);
          }) < slack);
    CHECK(one.shared->journal().size() == 1);
    CHECK_FALSE(one.shared->node().up());
}

TEST_CASE_FIXTURE(OneRedis, "a frozen Redis costs one request its timeout and the others nothing") {
    REQUIRE(one.put(article, "old") == FillOutcome::stored);
    REQUIRE(one.put(list, "old") == FillOutcome::stored);
    redis.freeze();
    CHECK(time_of([&] { CHECK(one.find(article).state != RedisState::ok); }) < timeout + slack);
    for (int i = 0; i < 5; ++i)
        CHECK(time_of([&] { CHECK(one.find(article).state == RedisState::down); }) < slack);
    CHECK(time_of([&] {
              CHECK(one.purge(purge_key("articles:42")) == store::PurgeOutcome::pending);
          }) < slack);
    CHECK(one.shared->node().breaker() != RedisNode::Breaker::closed);
    for (const bool for_long : {false, true}) {
        CAPTURE(for_long);
        if (for_long) {
            // Until the connection is given up.
            const auto lost = one.shared->reporter().errors(RedisError::closed);
            redis.freeze();
            REQUIRE(eventually(
                [&] { return one.shared->reporter().errors(RedisError::closed) > lost; }, 3s));
        }
        redis.thaw();
        CHECK(one.wait_available(2000ms));
        CHECK(one.get(article).empty());
        CHECK(one.get(list) == "old");
        CHECK(one.shared->journal().size() == 0);
    }
}

TEST_CASE_FIXTURE(OneRedis,
                  "a purge sent to a frozen Redis is done before anything is read again") {
    REQUIRE(one.put(article, "old") == FillOutcome::stored);
    redis.freeze();
    CHECK(time_of([&] {
              CHECK(one.purge(purge_key("articles:42")) == store::PurgeOutcome::pending);
          }) < timeout + slack);
    redis.thaw();
    CHECK(eventually([&] {
        const Found found = one.find(article);
        if (found.entry) FAIL("the purged entry was served");
        return found.state == RedisState::ok;
    }));
}

TEST_CASE_FIXTURE(OneRedis, "a lease that timed out leaves no lock behind") {
    redis.freeze();
    // Timed out, or down: a probe that was under way may tell of the freeze first.
    CHECK(one.lease(article).state != RedisState::ok);
    redis.thaw();
    REQUIRE(one.wait_available());
    CHECK(eventually(
        [&] {
            return redis.run({"HEXISTS", "larder:lease:{articles:42}", "lock"}) == "0" &&
                   redis.run({"EXISTS", "larder:lock:{articles:42}a.example"}) == "0";
        },
        500ms));
}

TEST_CASE_FIXTURE(OneRedis, "a fetch that spans the loss of a purge does not store") {
    REQUIRE(one.put(article, "old") == FillOutcome::stored);
    const Lease lease = one.lease(article);
    redis.freeze();
    CHECK(one.purge(purge_key("articles:42")) == store::PurgeOutcome::pending);
    redis.thaw();
    REQUIRE(one.wait_available());
    CHECK(one.fill(article, lease, response("old")).outcome == FillOutcome::purged);
    CHECK(one.get(article).empty());
}

TEST_CASE_FIXTURE(OneRedis,
                  "a Redis restarted from an older snapshot brings no purged entry back") {
    REQUIRE(one.put(article, "old") == FillOutcome::stored);
    REQUIRE(one.put(list, "old") == FillOutcome::stored);
    REQUIRE(one.put(Ask{"articles:43"}, "kept") == FillOutcome::stored);
    auto tagged = response("old");
    tagged->response_tags = {{"t", ""}};
    const Ask third{"articles:44"};
    REQUIRE(one.fill(third, one.lease(third), tagged).outcome == FillOutcome::stored);
    const Lease before = one.lease(article);
    REQUIRE(redis.run({"SAVE"}) == "OK");
    REQUIRE(one.purge(purge_key("articles:42")) == store::PurgeOutcome::done);
    REQUIRE(one.purge(purge_pattern("articles:list:*")) == store::PurgeOutcome::done);
    REQUIRE(one.purge(purge_tag("t")) == store::PurgeOutcome::done);
    redis.kill();
    CHECK(eventually([&] { return one.find(article).state == RedisState::down; }));
    redis.start();
    CHECK(one.wait_available(2000ms));
    CHECK(one.get(Ask{"articles:43"}) == "kept");
    CHECK(one.get(article).empty());
    CHECK(one.get(list).empty());
    CHECK(one.get(third).empty());
    // The snapshot holds the guard that the purge had deleted; the lease from then is worth
    // nothing.
    CHECK(one.fill(article, before, response("old")).outcome != FillOutcome::stored);
    CHECK(one.get(article).empty());
}

TEST_CASE("a full Redis: nothing is stored, every purge still works") {
    RedisServer redis;
    Instance one(redis.url());
    REQUIRE(one.wait_available());
    REQUIRE(one.put(article, "old") == FillOutcome::stored);
    REQUIRE(one.put(list, "old") == FillOutcome::stored);
    const Ask third{"articles:44"};
    const Ask fourth{"articles:45"};
    auto tagged = response("old");
    tagged->response_tags = {{"t", ""}};
    REQUIRE(one.fill(third, one.lease(third), tagged).outcome == FillOutcome::stored);
    REQUIRE(one.put(fourth, "old") == FillOutcome::stored);
    const Lease lease = one.lease(Ask{"articles:50"});
    redis.run({"CONFIG", "SET", "maxmemory", "1mb"});
    CHECK(one.get(article) == "old");
    CHECK(one.fill(Ask{"articles:50"}, lease, response("new")).outcome == FillOutcome::unavailable);
    CHECK(one.lease(Ask{"articles:51"}).guard.empty());
    CHECK(one.purge(purge_key("articles:42")) == store::PurgeOutcome::done);
    CHECK(one.purge(purge_pattern("articles:list:*")) == store::PurgeOutcome::done);
    CHECK(one.purge(purge_tag("t")) == store::PurgeOutcome::done);
    store::PurgeOrder soft = purge_key("articles:45");
    soft.soft = true;
    CHECK(one.purge(soft) == store::PurgeOutcome::done);
    for (const Ask& ask : {article, list, third}) CHECK(one.get(ask).empty());
    const Found softly = one.find(fourth);
    CHECK((!softly.entry || softly.soft_purged));
    CHECK(one.shared->reporter().errors(RedisError::oom) > 0);
}

TEST_CASE_FIXTURE(OneRedis, "a lost connection is replaced, and its waiters fail at once") {
    redis.run({"CLIENT", "KILL", "TYPE", "normal"});
    CHECK(eventually([&] { return one.shared->reporter().errors(RedisError::closed) > 0; }));
    CHECK(one.wait_available(1000ms));
    CHECK(one.put(article, "x") == FillOutcome::stored);
    CHECK(one.get(article) == "x");
}

TEST_CASE("a server that answers nonsense is no Redis, and harms nobody") {
    namespace asio = boost::asio;
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    const std::string url = "redis://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
    std::atomic<bool> stop{false};
    std::thread server([&] {
        acceptor.non_blocking(true);
        std::vector<asio::ip::tcp::socket> sockets;
        for (int turn = 0; !stop; ++turn) {
            boost::system::error_code error;
            asio::ip::tcp::socket socket(context);
            acceptor.accept(socket, error);
            if (!error) {
                const std::string_view nonsense =
                    turn % 2 == 0 ? "HTTP/1.1 400 Bad Request\r\n\r\n" : "*2000000\r\n$-5\r\n";
                asio::write(socket, asio::buffer(nonsense), error);
                sockets.push_back(std::move(socket));
            }
            pollfd connecting{acceptor.native_handle(), POLLIN, 0};
            ::poll(&connecting, 1, 50);
        }
    });
    {
        Instance one(url);
        CHECK_FALSE(one.wait_available(300ms));
        CHECK(time_of([&] { CHECK(one.find(article).state == RedisState::down); }) < slack);
        CHECK(one.shared->reporter().errors(RedisError::protocol) > 0);
    }
    stop = true;
    server.join();
}

TEST_CASE("one worker's trouble makes all prove themselves, and all come back") {
    RedisServer redis;
    Instance one(redis.url(), 3, patient);
    for (int worker = 0; worker < 3; ++worker)
        REQUIRE(eventually(
            [&] { return one.find(article, TestRequest(), worker).state == RedisState::ok; }));
    redis.freeze();
    one.find(article, TestRequest(), 1);
    for (int worker = 0; worker < 3; ++worker)
        CHECK(time_of([&] {
                  CHECK(one.find(article, TestRequest(), worker).state == RedisState::down);
              }) < slack);
    redis.thaw();
    for (int worker = 0; worker < 3; ++worker)
        CHECK(eventually(
            [&] { return one.find(article, TestRequest(), worker).state == RedisState::ok; }));
}

}  // namespace
}  // namespace larder::redis
