#include "server/settings_in_force.hpp"

#include <doctest/doctest.h>

using namespace larder;
using namespace larder::server;
using Words = std::vector<std::string>;

namespace {

settings::Settings running() {
    settings::Settings out;
    out.memory_bytes = 64 << 20;
    out.threads = 2;
    out.redis.emplace();
    out.redis->max_connections = 10;
    out.listen.resize(1);
    out.listen.front().address = {"127.0.0.1", 8080};
    return out;
}

}  // namespace

TEST_CASE("addresses, limits and the size of memory are taken over at once") {
    settings::Settings loaded = running();
    loaded.memory_bytes = 128 << 20;
    loaded.listen.front().address.port = 8081;
    loaded.limits.connections = 7;
    Words waiting;
    const settings::Settings now = settings_in_force(running(), loaded, waiting);
    CHECK(waiting == Words{});
    CHECK(now.memory_bytes == 128 << 20);
    CHECK(now.listen.front().address.port == 8081);
    CHECK(now.limits.connections == 7);
}

TEST_CASE("what is built at the start keeps its value and is named") {
    settings::Settings loaded = running();
    loaded.threads = 4;
    loaded.admin.address = {"127.0.0.1", 9999};
    loaded.redis->max_connections = 20;
    loaded.state = "/elsewhere";
    Words waiting;
    const settings::Settings now = settings_in_force(running(), loaded, waiting);
    CHECK(waiting == Words{"admin", "threads", "state", "redis"});
    CHECK(now.threads == 2);
    CHECK(now.admin.address == running().admin.address);
    CHECK(now.redis->max_connections == 10);
    CHECK(now.state.empty());
}

TEST_CASE("every setting of Redis but on_purge_failure waits for the next start") {
    const auto waits = [](auto change) {
        settings::Settings loaded = running();
        change(*loaded.redis);
        Words waiting;
        settings_in_force(running(), loaded, waiting);
        return waiting == Words{"redis"};
    };
    CHECK(waits([](settings::Redis& redis) { redis.url.text = "redis://elsewhere/0"; }));
    CHECK(waits([](settings::Redis& redis) { redis.prefix = "app:"; }));
    CHECK(waits([](settings::Redis& redis) { redis.tls.verify = false; }));
    CHECK(waits([](settings::Redis& redis) { redis.sentinel_password = "another"; }));
    CHECK(waits([](settings::Redis& redis) { redis.sentinel_tls.emplace(); }));
    CHECK(waits([](settings::Redis& redis) { redis.purge_stream = "larder:purges"; }));
    CHECK_FALSE(waits(
        [](settings::Redis& redis) { redis.on_purge_failure = settings::OnPurgeFailure::fail; }));
}

TEST_CASE("with Redis the memory tier does not come or go; without, it does") {
    settings::Settings loaded = running();
    loaded.memory_bytes = 0;
    Words waiting;
    CHECK(settings_in_force(running(), loaded, waiting).memory_bytes == 64 << 20);
    CHECK(waiting == Words{"memory"});

    settings::Settings alone = running();
    alone.redis.reset();
    loaded.redis.reset();
    waiting.clear();
    CHECK(settings_in_force(alone, loaded, waiting).memory_bytes == 0);
    CHECK(settings_in_force(loaded, alone, waiting).memory_bytes == 64 << 20);
    CHECK(waiting == Words{});
}
