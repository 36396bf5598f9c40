#pragma once
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <cstddef>
#include <utility>

#include "net/block_pool.hpp"
#include "redis/batch.hpp"

namespace larder::redis {

/// Resumes a coroutine that waits for a batch on the coroutine's own executor, which runs until
/// then.
template <class Handler>
struct CompletionOf final : RedisBatch::Completion {
    explicit CompletionOf(Handler handler_in)
        : handler(std::move(handler_in)), work(boost::asio::get_associated_executor(handler)) {}

    static void* operator new(std::size_t bytes) { return net::take_block(bytes); }
    static void operator delete(void* block, std::size_t bytes) {
        net::give_back_block(block, bytes);
    }

    void run() override { boost::asio::dispatch(std::move(handler)); }
    Handler handler;
    boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler>> work;
};

}  // namespace larder::redis
