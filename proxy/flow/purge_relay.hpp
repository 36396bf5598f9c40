#pragma once
#include "net/task.hpp"
#include "redis/store.hpp"

namespace larder::flow {

/// What a purge needs beyond this process's memory and Redis before it counts as done. A successor
/// that serves already must have done it too. A purge still owed to Redis must be on disk if there
/// is a file for it.
class PurgeRelay {
public:
    virtual ~PurgeRelay() = default;

    /// Whether `pass_on` has anything to do. Any thread; cheap.
    [[nodiscard]] virtual bool must_hear(store::PurgeOutcome outcome) const = 0;

    /// Call it on the thread of `executor`, after the purge was done here. Waits until the rest is
    /// done, about a second at most. The order must outlive the call.
    [[nodiscard]] virtual net::Task<void> pass_on(net::Executor executor,
                                                  const store::PurgeOrder& order,
                                                  store::PurgeOutcome outcome) = 0;

    /// Whether another process may have answered writes that this one has not heard of: no stored
    /// response may answer then, and no fetch from before may be joined. Any thread; cheap.
    [[nodiscard]] virtual bool may_miss_writes() const = 0;

    /// Leaves a purge that is due later to the successor. False: there is no successor. Any thread;
    /// does not wait.
    [[nodiscard]] virtual bool take_over(const store::PlannedPurge& purge) = 0;

    /// Notes a purge that this process has planned, so that the next process makes it if this one
    /// does not live long enough. Any thread; does not wait.
    virtual void keep(const store::PlannedPurge& purge) = 0;
    /// Waits until a kill of this process would not lose what was noted, about a second at most.
    /// Call it on the thread of `executor`.
    [[nodiscard]] virtual net::Task<void> until_kept(net::Executor executor) = 0;
};

}  // namespace larder::flow
