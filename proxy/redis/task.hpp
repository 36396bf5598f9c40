#pragma once
#include "net/task.hpp"

namespace larder::redis {

using net::as_result;
using net::Executor;
using net::Task;

/// Awaiting with this throws the error.
inline constexpr boost::asio::use_awaitable_t<Executor> as_awaitable{};

}  // namespace larder::redis
