#pragma once
#include <boost/asio/dispatch.hpp>
#include <cstddef>
#include <utility>

#include "net/block_pool.hpp"
#include "redis/batch.hpp"

namespace larder::redis {

/// Resumes a coroutine that waits for a batch on the coroutine's own executor. That runs until
/// then, because the chain of awaits keeps it (net/detached.hpp).
template <class Handler>
struct CompletionOf final : RedisBatch::Completion {
    explicit CompletionOf(Handler handler_in) : handler(std::move(handler_in)) {}

    static void* operator new(std::size_t bytes) { return net::take_block(bytes); }
    static void operator delete(void* block, std::size_t bytes) {
        net::give_back_block(block, bytes);
    }

    void run() override { boost::asio::dispatch(std::move(handler)); }
    Handler handler;
};

}  // namespace larder::redis
