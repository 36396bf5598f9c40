#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace larder::redis {

using Executor = boost::asio::io_context::executor_type;
template <class T>
using Task = boost::asio::awaitable<T, Executor>;

/// Completion tokens on the concrete executor: throwing, and as a tuple that begins with the error.
inline constexpr boost::asio::use_awaitable_t<Executor> as_awaitable{};
inline constexpr boost::asio::as_tuple_t<boost::asio::use_awaitable_t<Executor>> as_result{};

}  // namespace larder::redis
