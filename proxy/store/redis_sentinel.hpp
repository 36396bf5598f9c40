#pragma once
#include <optional>

#include "base/clock.hpp"
#include "store/redis_task.hpp"
#include "store/redis_url.hpp"

namespace larder::store {

/// Asks the sentinels of the URL, one after the other, where the master is. Nothing where none of them knows within
/// `time_each`. The sentinels are asked without TLS and without a password.
[[nodiscard]] Task<std::optional<RedisAddress>> find_master(boost::asio::io_context& context, const RedisUrl& url, Milliseconds time_each);

}  // namespace larder::store
