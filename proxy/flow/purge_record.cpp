#include "flow/purge_record.hpp"

namespace larder::flow {

observe::PurgeRecord record_of(observe::PurgeSource source, const store::PurgeOrder& order) {
    observe::PurgeRecord record;
    record.source = source;
    record.keys = order.set.keys;
    record.patterns = order.set.patterns;
    record.patterns.insert(record.patterns.end(), order.scan_patterns.begin(),
                           order.scan_patterns.end());
    record.tags = order.tags;
    record.everything = order.everything;
    record.soft = order.soft;
    return record;
}

void keep_record(Services& services, observe::PurgeRecord record, SteadyTime began,
                 store::PurgeOutcome outcome) {
    services.metrics.record_purge(record.source);
    if (services.purges == nullptr) return;
    record.time = wall_now();
    record.duration = steady_now() - began;
    record.acknowledged = outcome == store::PurgeOutcome::done;
    services.purges->add(std::move(record));
}

}  // namespace larder::flow
