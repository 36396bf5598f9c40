#pragma once
#include <memory>
#include <vector>

#include "flow/services.hpp"
#include "net/event.hpp"

namespace larder::flow {

/// Active health checks (`health` of each origin). Asks each address of the configuration's
/// servers, takes it out of use after `unhealthy` bad answers in a row, and back after `healthy`
/// good ones. Belongs to one worker and its thread. Without `health` it does nothing.
class HealthWatch {
public:
    HealthWatch() = default;
    HealthWatch(const HealthWatch&) = delete;
    HealthWatch& operator=(const HealthWatch&) = delete;

    /// Watches the servers of the services' present configuration, and stops watching those of the
    /// previous one.
    void start(Services& services);
    void stop();

private:
    struct Watched;
    struct Watch;
    static net::Task<void> watch(Services& services, std::shared_ptr<Watched> watched);
    static net::Task<void> follow_addresses(Services& services, std::shared_ptr<Watch> watch);

    std::vector<std::shared_ptr<Watch>> watches_;  // of each origin that is watched
};

}  // namespace larder::flow
