#pragma once
#include <memory>
#include <vector>

#include "flow/services.hpp"
#include "net/event.hpp"

namespace larder::flow {

/// Active health checks (origin.health): asks each address of one configuration's servers and takes
/// it out of use after `unhealthy` bad answers in a row, in again after `healthy` good ones. One
/// worker's, on its thread; without origin.health it does nothing.
class HealthWatch {
public:
    HealthWatch() = default;
    HealthWatch(const HealthWatch&) = delete;
    HealthWatch& operator=(const HealthWatch&) = delete;

    /// Watches the servers of the services' present configuration, and those of no earlier one.
    void start(Services& services);
    void stop();

private:
    struct Watched;
    struct Watch;
    static net::Task<void> watch(Services& services, std::shared_ptr<Watched> watched);
    static net::Task<void> follow_addresses(Services& services, std::shared_ptr<Watch> watch);

    std::shared_ptr<Watch> watch_;  // null: nothing is watched
};

}  // namespace larder::flow
