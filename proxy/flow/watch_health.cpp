#include "flow/watch_health.hpp"

#include <spdlog/spdlog.h>

#include "flow/origin_exchange.hpp"
#include "net/detached.hpp"

namespace larder::flow {

/// One server under watch; its coroutine holds it.
struct HealthWatch::Watched {
    Watched(std::shared_ptr<const Config> config_in, origin::Server& server_in, net::Executor executor)
        : config(std::move(config_in)), server(server_in), pause(executor) {}
    std::shared_ptr<const Config> config;
    origin::Server& server;
    net::Event pause;
    bool stopped = false;
    int good = 0;  ///< answers in a row
    int bad = 0;
};

namespace {

constexpr int interim_max = 8;

std::string health_request(const settings::Origin& settings, const origin::Server& server) {
    const std::string& host = settings.host.empty() ? server.authority : settings.host;
    return "GET " + settings.health.path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: larder-health-check\r\nConnection: close\r\n\r\n";
}

// Whether the server answers with a status below 400 in time; over a connection of its own, for it must take new ones.
net::Task<bool> answers_well(Services& use, std::shared_ptr<const Config> config, origin::Server* server) {
    const settings::Origin& settings = config->settings.origin;
    const SteadyTime give_up = steady_now() + settings.health.timeout;
    origin::Acquired acquired = co_await use.origin.connect(config->upstream, server, give_up);
    if (!acquired.connection) co_return false;
    OriginExchange exchange;
    exchange.connection = std::move(acquired.connection);
    exchange.under_way = origin::Counted(server->requests);
    exchange.connection->stream.expire_at(give_up);
    std::string request = health_request(settings, *server);
    iovec piece{request.data(), request.size()};
    const std::span<iovec> pieces(&piece, 1);
    const bool sent = co_await exchange.connection->stream.write_all(pieces, settings.health.timeout);
    if (!sent) co_return false;
    for (int heads = 0; heads <= interim_max; ++heads) {
        co_await read_response_head(config->settings, false, true, false, exchange);
        if (exchange.failed()) co_return false;
        if (exchange.head.status >= 200) co_return exchange.head.status < 400;
    }
    co_return false;
}

}  // namespace

net::Task<void> HealthWatch::watch(Services& use, std::shared_ptr<Watched> watched) {
    const settings::OriginHealth& health = watched->config->settings.origin.health;
    origin::Server& server = watched->server;
    while (!watched->stopped) {
        const bool well = co_await answers_well(use, watched->config, &server);
        if (watched->stopped) break;
        watched->good = well ? watched->good + 1 : 0;
        watched->bad = well ? 0 : watched->bad + 1;
        const bool up = server.up.load(std::memory_order_relaxed);
        if (up && watched->bad >= health.unhealthy) {
            server.up.store(false, std::memory_order_relaxed);
            spdlog::warn("origin server {} is taken out: {} health checks in a row failed", server.url, watched->bad);
        } else if (!up && watched->good >= health.healthy) {
            server.failures.store(0, std::memory_order_relaxed);
            server.ejected_until.store(0, std::memory_order_relaxed);
            server.up.store(true, std::memory_order_relaxed);
            spdlog::info("origin server {} is back: {} health checks in a row were fine", server.url, watched->good);
        }
        const bool goes_on = co_await watched->pause.wait_until(steady_now() + health.interval);
        if (!goes_on) break;
    }
}

void HealthWatch::start(Services& use) {
    stop();
    if (use.config->settings.origin.health.path.empty()) return;
    for (const auto& server : use.config->upstream->servers()) {
        auto watched = std::make_shared<Watched>(use.config, *server, use.executor());
        watched_.push_back(watched);
        net::start_lasting(use.executor(), [&use, watched] { return watch(use, watched); }, "a health check");
    }
}

void HealthWatch::stop() {
    for (const auto& watched : watched_) {
        watched->stopped = true;
        watched->pause.notify();
    }
    watched_.clear();
}

}  // namespace larder::flow
