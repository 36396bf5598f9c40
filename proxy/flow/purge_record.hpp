#pragma once
#include <memory>

#include "flow/services.hpp"
#include "observe/purge_records.hpp"
#include "store/purge_order.hpp"

namespace larder::flow {

/// A record of the order's names; the caller adds who asked for it. The names are as they are: mask
/// what comes from header fields.
observe::PurgeRecord record_of(observe::PurgeSource source, const store::PurgeOrder& order);

/// A record of a write's purges of which nothing but the order is known any more. It names nothing
/// where a name may hold what came from a header field or a cookie.
std::shared_ptr<const observe::PurgeRecord> record_of_unknown_write(const Config& config,
                                                                    const store::PurgeOrder& order);

/// Counts a purge that was done or journalled, keeps its record and logs it.
void keep_record(Services& services, observe::PurgeRecord record, SteadyTime began,
                 store::PurgeOutcome outcome);

/// The same for a purge that is done once more.
void keep_repeat(Services& services, const observe::PurgeRecord& first, SteadyTime began,
                 store::PurgeOutcome outcome);

}  // namespace larder::flow
