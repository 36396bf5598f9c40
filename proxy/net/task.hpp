#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace larder::net {

/// The concrete executor of a worker thread: no type erasure on the hot path.
using Executor = boost::asio::io_context::executor_type;

/// A coroutine of a worker thread.
template <class T>
using Task = boost::asio::awaitable<T, Executor>;

using Error = boost::system::error_code;

/// Awaiting with this gives the error as a value.
inline constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>{});

}  // namespace larder::net
