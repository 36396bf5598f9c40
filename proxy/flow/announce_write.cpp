#include "flow/announce_write.hpp"

#include "flow/client.hpp"
#include "net/detached.hpp"
#include "net/event.hpp"
#include "redis/keys.hpp"
#include "redis/purge_text.hpp"

namespace larder::flow {
namespace {

constexpr Milliseconds renew_every{3000};  // an announcement lasts 10 s

net::Task<void> keep_announced(Services& services, std::weak_ptr<const Announcement> announced) {
    net::Event pause(services.executor());
    while (true) {
        const bool goes_on = co_await pause.wait_until(steady_now() + renew_every);
        const std::shared_ptr<const Announcement> still = announced.lock();
        if (!goes_on || !still) co_return;
        services.redis->renew_announcement(still->items, still->token);
    }
}

}  // namespace

bool refuses_unpurged_writes(const Client& client) {
    if (!client.services.redis) return false;
    return client.settings().redis->on_purge_failure == settings::OnPurgeFailure::fail;
}

bool must_announce(const Client& client) {
    return client.exchange().is_write && refuses_unpurged_writes(client);
}

net::Task<bool> announce_write(Client& client) {
    store::PurgeOrder order;
    client.config->routes.collect_write_purges(client.exchange().match, client.request(), nullptr,
                                               order.set);
    if (order.set.empty()) co_return true;
    auto announced = std::make_shared<Announcement>();
    announced->token = redis::random_id();
    announced->items = redis::items_of(order);
    const bool done = co_await client.services.redis->announce(announced->items, announced->token,
                                                               client.exchange().redis_budget);
    if (!done) co_return false;
    client.exchange().announced = announced;
    net::start_detached(client.services.executor(), keep_announced(client.services, announced),
                        "an announcement of a write");
    co_return true;
}

}  // namespace larder::flow
