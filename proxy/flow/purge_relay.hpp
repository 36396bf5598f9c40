#pragma once
#include "net/task.hpp"
#include "redis/store.hpp"

namespace larder::flow {

/// What of a purge has to happen beyond this process's memory and Redis before it counts as done: a
/// successor that serves already must have done it too, and a purge that is still owed to Redis
/// must be on disk where there is a place for it.
class PurgeRelay {
public:
    virtual ~PurgeRelay() = default;

    /// Whether `pass_on` has anything to do. Any thread; cheap.
    [[nodiscard]] virtual bool must_hear(store::PurgeOutcome outcome) const = 0;

    /// Called when the purge was done here, on the thread of `executor`. Waits until the rest has
    /// happened, at most about a second. The order must outlive the call.
    [[nodiscard]] virtual net::Task<void> pass_on(net::Executor executor,
                                                  const store::PurgeOrder& order,
                                                  store::PurgeOutcome outcome) = 0;

    /// Leaves a purge that is due after a while to the successor. False: there is none. Any thread;
    /// does not wait.
    [[nodiscard]] virtual bool take_over(const store::PurgeOrder& order, Milliseconds due_in) = 0;
};

}  // namespace larder::flow
