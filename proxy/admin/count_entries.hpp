#pragma once
#include <functional>
#include <memory>

#include "admin/backend.hpp"
#include "flow/services.hpp"

namespace larder::admin {

/// Answers a dry run of POST /purge: how many entries each item of the order meets, with a sample
/// of their keys. Purges nothing. It walks over the whole cache, which takes a while: after 20 s
/// the answer says "incomplete". On the worker's thread.
[[nodiscard]] net::Task<void> count_entries(flow::Services& services,
                                            std::shared_ptr<const flow::Config> config,
                                            PurgeOrder order, std::function<void(JsonAnswer)> done);

}  // namespace larder::admin
