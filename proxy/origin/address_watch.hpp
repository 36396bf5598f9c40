#pragma once
#include <memory>

#include "origin/pool.hpp"

namespace larder::origin {

/// Keeps the addresses of one Upstream current: starts its lookups when they are due, and tries
/// addresses that could not be reached, so that no request pays for finding out that they still
/// cannot be. One worker's, on its thread.
class AddressWatch {
public:
    AddressWatch() = default;
    AddressWatch(const AddressWatch&) = delete;
    AddressWatch& operator=(const AddressWatch&) = delete;

    /// Watches this Upstream, and no earlier one. The pool outlives the watch.
    void start(net::Executor executor, Pool& pool, std::shared_ptr<Upstream> upstream);
    void stop();

private:
    struct Watched;
    static net::Task<void> look_up(std::shared_ptr<Watched> watched);
    static net::Task<void> probe(std::shared_ptr<Watched> watched);

    std::shared_ptr<Watched> watched_;
};

}  // namespace larder::origin
