#include "flow/purge_record.hpp"

#include <algorithm>

#include "route/compiled_route.hpp"

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

std::shared_ptr<const observe::PurgeRecord> record_of_unknown_write(
    const Config& config, const store::PurgeOrder& order) {
    observe::PurgeRecord record = record_of(observe::PurgeSource::write, order);
    const auto& routes = config.routes.routes();
    if (std::any_of(routes.begin(), routes.end(),
                    [](const auto& route) { return route->has_secrets; })) {
        record.left_out = record.keys.size() + record.patterns.size();
        record.keys.clear();
        record.patterns.clear();
    }
    observe::bound(record);
    return std::make_shared<const observe::PurgeRecord>(std::move(record));
}

void keep_record(Services& services, observe::PurgeRecord record, SteadyTime began,
                 store::PurgeOutcome outcome) {
    record.time = wall_now();
    record.duration = steady_now() - began;
    services.metrics.record_purge(record.source, record.duration);
    if (services.purges == nullptr) return;
    record.acknowledged = outcome == store::PurgeOutcome::done;
    services.purges->add(std::move(record));
}

void keep_repeat(Services& services, const observe::PurgeRecord& first, SteadyTime began,
                 store::PurgeOutcome outcome) {
    observe::PurgeRecord record = first;
    record.repeat = true;
    keep_record(services, std::move(record), began, outcome);
}

}  // namespace larder::flow
