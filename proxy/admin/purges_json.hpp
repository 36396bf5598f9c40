#pragma once
#include <boost/json/object.hpp>
#include <memory>
#include <vector>

#include "observe/purge_records.hpp"

namespace larder::admin {

/// The answer of GET /purges: the records in their order.
[[nodiscard]] boost::json::object to_json(
    const std::vector<std::shared_ptr<const observe::PurgeRecord>>& records);

}  // namespace larder::admin
