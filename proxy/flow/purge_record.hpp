#pragma once
#include "flow/services.hpp"
#include "observe/purge_records.hpp"
#include "store/purge_order.hpp"

namespace larder::flow {

/// A record of the order's names; the caller adds who asked for it. The names are as they are: mask
/// what comes from header fields.
observe::PurgeRecord record_of(observe::PurgeSource source, const store::PurgeOrder& order);

/// Counts a purge that was done or journalled, keeps its record and logs it.
void keep_record(Services& services, observe::PurgeRecord record, SteadyTime began,
                 store::PurgeOutcome outcome);

}  // namespace larder::flow
