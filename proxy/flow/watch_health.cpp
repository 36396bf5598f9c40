#include "flow/watch_health.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "flow/origin_results.hpp"
#include "net/detached.hpp"

namespace larder::flow {

/// One address under watch; its coroutine holds it.
struct HealthWatch::Watched {
    Watched(std::shared_ptr<origin::Upstream> upstream_in,
            std::shared_ptr<origin::Address> address_in, net::Executor executor)
        : upstream(std::move(upstream_in)), address(std::move(address_in)), pause(executor) {}
    std::shared_ptr<origin::Upstream> upstream;
    std::shared_ptr<origin::Address> address;
    net::Event pause;
    bool stopped = false;
    int good = 0;  ///< answers in a row
    int bad = 0;

    void stop() {
        stopped = true;
        pause.notify();
    }
};

/// All addresses of one origin.
struct HealthWatch::Watch {
    Watch(std::shared_ptr<origin::Upstream> upstream_in, net::Executor executor)
        : upstream(std::move(upstream_in)), pause(executor) {}
    std::shared_ptr<origin::Upstream> upstream;
    net::Event pause;
    bool stopped = false;
    std::vector<std::shared_ptr<Watched>> watched;

    /// Starts the checks of new addresses, and ends those of addresses that are gone.
    void follow(Services& services, const origin::Addresses& addresses);
};

namespace {

constexpr int interim_max = 8;
constexpr Milliseconds look_every{250};  // for addresses that came or went

std::string health_request(const settings::Origin& settings, const origin::Server& server) {
    const std::string& host = settings.host.empty() ? server.authority : settings.host;
    return "GET " + settings.health.path + " HTTP/1.1\r\nHost: " + host +
           "\r\nUser-Agent: larder-health-check\r\nConnection: close\r\n\r\n";
}

// Whether the address answers with a status below 400 in time. Uses a new connection, because a
// healthy server must accept new ones.
net::Task<bool> answers_well(Services& services, std::shared_ptr<origin::Upstream> upstream,
                             std::shared_ptr<origin::Address> address) {
    const settings::Origin& settings = upstream->settings();
    const SteadyTime give_up = steady_now() + settings.health.timeout;
    origin::Acquired acquired = co_await services.origin.connect(upstream, address, give_up);
    if (!acquired.connection) co_return false;
    origin::Exchange exchange;
    exchange.connection = std::move(acquired.connection);
    exchange.under_way = origin::Counted(address->requests);
    exchange.connection->stream.expire_at(give_up);
    std::string request = health_request(settings, address->server);
    iovec piece{request.data(), request.size()};
    const std::span<iovec> pieces(&piece, 1);
    const bool sent =
        co_await exchange.connection->stream.write_all(pieces, settings.health.timeout);
    if (!sent) co_return false;
    const origin::HeadReading reading;
    for (int heads = 0; heads <= interim_max; ++heads) {
        co_await origin::read_response_head(reading, exchange);
        if (exchange.failed()) co_return false;
        if (exchange.head.status >= 200) co_return exchange.head.status < 400;
    }
    co_return false;
}

}  // namespace

net::Task<void> HealthWatch::watch(Services& services, std::shared_ptr<Watched> watched) {
    const settings::OriginHealth& health = watched->upstream->settings().health;
    origin::Address& address = *watched->address;
    while (!watched->stopped) {
        const bool well = co_await answers_well(services, watched->upstream, watched->address);
        if (watched->stopped) break;
        watched->good = well ? watched->good + 1 : 0;
        watched->bad = well ? 0 : watched->bad + 1;
        const bool up = address.up.load(std::memory_order_relaxed);
        if (up && watched->bad >= health.unhealthy) {
            address.up.store(false, std::memory_order_relaxed);
            spdlog::warn("origin server {} is out of use at {}: {} health checks in a row failed",
                         address.server.url, origin::to_text(address), watched->bad);
        } else if (!up && watched->good >= health.healthy) {
            address.failures.store(0, std::memory_order_relaxed);
            address.ejected_until.store(0, std::memory_order_relaxed);
            address.up.store(true, std::memory_order_relaxed);
            spdlog::info(
                "origin server {} is in use again at {}: {} health checks in a row succeeded",
                address.server.url, origin::to_text(address), watched->good);
        }
        const bool goes_on = co_await watched->pause.wait_until(steady_now() + health.interval);
        if (!goes_on) break;
    }
}

// The addresses of a name change: looks for changes until the watch stops.
net::Task<void> HealthWatch::follow_addresses(Services& services, std::shared_ptr<Watch> watch) {
    const origin::Upstream& upstream = *watch->upstream;
    while (!watch->stopped) {
        watch->follow(services, *upstream.addresses());
        if (!upstream.has_names()) break;
        const bool goes_on = co_await watch->pause.wait_until(steady_now() + look_every);
        if (!goes_on) break;
    }
}

void HealthWatch::Watch::follow(Services& services, const origin::Addresses& addresses) {
    std::erase_if(watched, [](const std::shared_ptr<Watched>& one) {
        const bool gone = one->address->gone.load(std::memory_order_relaxed);
        if (gone) one->stop();
        return gone;
    });
    for (const auto& address : addresses) {
        const auto is_same = [&](const std::shared_ptr<Watched>& one) {
            return one->address == address;
        };
        if (std::any_of(watched.begin(), watched.end(), is_same)) continue;
        auto added = std::make_shared<Watched>(upstream, address, services.executor());
        watched.push_back(added);
        net::start_lasting(
            services.executor(), [&services, added] { return HealthWatch::watch(services, added); },
            "a health check");
    }
}

void HealthWatch::start(Services& services) {
    stop();
    for (const auto& upstream : services.config->upstreams) {
        if (upstream->settings().health.path.empty()) continue;
        const auto started = std::make_shared<Watch>(upstream, services.executor());
        watches_.push_back(started);
        net::start_lasting(
            services.executor(),
            [&services, started] { return follow_addresses(services, started); },
            "the health checks");
    }
}

void HealthWatch::stop() {
    for (const auto& watch : watches_) {
        watch->stopped = true;
        watch->pause.notify();
        for (const auto& watched : watch->watched) watched->stop();
    }
    watches_.clear();
}

}  // namespace larder::flow
