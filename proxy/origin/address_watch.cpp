#include "origin/address_watch.hpp"

#include "net/detached.hpp"

namespace larder::origin {
namespace {

constexpr Milliseconds look_every{500};  // whether a lookup is due
constexpr Milliseconds probe_every{2000};

// An address that cannot be reached is left out only if there is another address.
std::vector<std::shared_ptr<Address>> left_out(const Addresses& addresses) {
    std::vector<std::shared_ptr<Address>> out;
    if (addresses.size() < 2) return out;
    for (const auto& address : addresses)
        if (!address->reachable.load(std::memory_order_relaxed)) out.push_back(address);
    return out;
}

}  // namespace

struct AddressWatch::Watched {
    Watched(net::Executor executor, Pool& pool_in, std::shared_ptr<Upstream> upstream_in)
        : pool(pool_in), upstream(std::move(upstream_in)), look(executor), pause(executor) {}
    Pool& pool;
    std::shared_ptr<Upstream> upstream;
    net::Event look;   // of look_up
    net::Event pause;  // of probe
    bool stopped = false;
};

net::Task<void> AddressWatch::look_up(std::shared_ptr<Watched> watched) {
    while (!watched->stopped) {
        watched->upstream->look_up_due(steady_now());
        const bool goes_on = co_await watched->look.wait_until(steady_now() + look_every);
        if (!goes_on) break;
    }
}

net::Task<void> AddressWatch::probe(std::shared_ptr<Watched> watched) {
    while (!watched->stopped) {
        const bool goes_on = co_await watched->pause.wait_until(steady_now() + probe_every);
        if (!goes_on) break;
        const auto addresses = watched->upstream->addresses();
        const auto unreachable = left_out(*addresses);
        for (const auto& address : unreachable) {
            if (watched->stopped) break;
            const SteadyTime give_up = steady_now() + watched->upstream->settings().connect_timeout;
            Acquired made = co_await watched->pool.connect(watched->upstream, address, give_up);
            made.connection.reset();
        }
    }
}

void AddressWatch::start(net::Executor executor, Pool& pool,
                         const std::vector<std::shared_ptr<Upstream>>& upstreams) {
    stop();
    for (const auto& upstream : upstreams) {
        const auto watched = std::make_shared<Watched>(executor, pool, upstream);
        watched_.push_back(watched);
        if (upstream->has_names())
            net::start_lasting(
                executor, [watched] { return look_up(watched); }, "looking up the origin's names");
        net::start_lasting(
            executor, [watched] { return probe(watched); }, "trying the origin's addresses");
    }
}

void AddressWatch::stop() {
    for (const auto& watched : watched_) {
        watched->stopped = true;
        watched->look.notify();
        watched->pause.notify();
    }
    watched_.clear();
}

}  // namespace larder::origin
