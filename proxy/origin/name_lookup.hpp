#pragma once
#include <functional>
#include <memory>
#include <string>

#include "origin/address_set.hpp"

namespace larder::origin {

struct LookupAnswer {
    std::vector<Endpoint> endpoints;  ///< empty: see error
    std::string error;                ///< what the system says
};

/// Looks names up, each on a thread of its own. getaddrinfo cannot be interrupted and may take half
/// a minute, but the end of the process must not wait for it. So nobody joins these threads, and an
/// answer after the end of this object is dropped. Safe from every thread.
class NameLookup {
public:
    using Then = std::function<void(LookupAnswer)>;

    NameLookup();
    /// Waits only for a `then` that runs at this moment.
    ~NameLookup();
    NameLookup(const NameLookup&) = delete;
    NameLookup& operator=(const NameLookup&) = delete;

    /// Calls `then` on the lookup's thread, unless this object has gone; on the caller's thread
    /// where no thread can be started. `then` must not throw.
    void start(std::string host, std::string port, Then then);

private:
    struct Gate;
    std::shared_ptr<Gate> gate_;
};

}  // namespace larder::origin
