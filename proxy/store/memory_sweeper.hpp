#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.hpp"
#include "store/memory_store.hpp"

namespace larder::store {

/// A thread that frees what the memory tier may not serve any more: at once after a purge by a
/// pattern, a loss of trust or a reload, and every ten seconds at most where other purges came. It
/// walks in small steps, with a pause behind each, so that no lookup waits for it longer than a
/// step takes.
class MemorySweeper {
public:
    /// Starts the thread. `store` must outlive it.
    explicit MemorySweeper(MemoryStore& store);
    /// Stops it within a step.
    ~MemorySweeper();
    MemorySweeper(const MemorySweeper&) = delete;
    MemorySweeper& operator=(const MemorySweeper&) = delete;

private:
    void run();
    bool wait_for_work(SteadyClock::duration last_walk);
    void walk();
    bool pause();

    MemoryStore& store_;
    std::uint64_t swept_ = 0;  // the purge sequence that the last walk began at
    std::mutex mutex_;         // guards the two below
    bool woken_ = false;
    bool stopped_ = false;
    std::condition_variable signal_;
    std::thread thread_;
};

}  // namespace larder::store
