#pragma once
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <utility>

#include "redis/batch.hpp"

namespace larder::redis {

/// Resumes a coroutine that waits for a batch on the coroutine's own executor, which runs until
/// then.
template <class Handler>
struct CompletionOf final : RedisBatch::Completion {
    explicit CompletionOf(Handler handler_in)
        : handler(std::move(handler_in)), work(boost::asio::get_associated_executor(handler)) {}
    void run() override { boost::asio::dispatch(std::move(handler)); }
    Handler handler;
    boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler>> work;
};

}  // namespace larder::redis
