#pragma once
#include <memory>
#include <vector>

#include "origin/pool.hpp"

namespace larder::origin {

/// Keeps the addresses of a configuration's Upstreams current: starts their lookups when they are
/// due, and probes addresses that could not be reached, so that no request loses time on an address
/// that is still unreachable. Belongs to one worker, on its thread.
class AddressWatch {
public:
    AddressWatch() = default;
    AddressWatch(const AddressWatch&) = delete;
    AddressWatch& operator=(const AddressWatch&) = delete;

    /// Watches these Upstreams, and no earlier ones. The pool outlives the watch.
    void start(net::Executor executor, Pool& pool,
               const std::vector<std::shared_ptr<Upstream>>& upstreams);
    void stop();

private:
    struct Watched;
    static net::Task<void> look_up(std::shared_ptr<Watched> watched);
    static net::Task<void> probe(std::shared_ptr<Watched> watched);

    std::vector<std::shared_ptr<Watched>> watched_;
};

}  // namespace larder::origin
