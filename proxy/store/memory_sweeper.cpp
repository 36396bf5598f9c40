#include "store/memory_sweeper.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>

namespace larder::store {
namespace {

constexpr std::chrono::seconds pause_after_purges{10};
// Walks for single purges may take this share of a core at most: a fiftieth.
constexpr int walk_share = 50;
// As long as a step: others may have the shard as long as the sweep.
constexpr std::chrono::microseconds pause_after_step{100};

}  // namespace

MemorySweeper::MemorySweeper(MemoryStore& store) : store_(store) {
    store_.set_waker([this] {
        const std::scoped_lock lock(mutex_);
        woken_ = true;
        signal_.notify_one();
    });
    thread_ = std::thread([this] { run(); });
}

MemorySweeper::~MemorySweeper() {
    store_.set_waker({});
    {
        const std::scoped_lock lock(mutex_);
        stopped_ = true;
        signal_.notify_one();
    }
    thread_.join();
}

void MemorySweeper::run() {
    SteadyClock::duration last_walk{0};
    while (wait_for_work(last_walk)) {
        const SteadyTime began = steady_now();
        try {
            walk();
        } catch (const std::exception& error) {
            // Entries that were purged stay until the next walk, but nobody is served them.
            spdlog::error("the sweep of the memory tier failed and begins anew later: {}",
                          error.what());
            swept_ = UINT64_MAX;
        }
        last_walk = steady_now() - began;
    }
}

// False: stop.
bool MemorySweeper::wait_for_work(SteadyClock::duration last_walk) {
    const SteadyClock::duration longest =
        std::max<SteadyClock::duration>(pause_after_purges, last_walk * walk_share);
    std::unique_lock lock(mutex_);
    while (!woken_ && !stopped_) {
        const bool timed_out = signal_.wait_for(lock, longest) == std::cv_status::timeout;
        if (timed_out && store_.generations().now() != swept_) break;
    }
    woken_ = false;
    return !stopped_;
}

void MemorySweeper::walk() {
    swept_ = store_.generations().now();
    Sweep sweep = store_.begin_sweep();
    while (store_.sweep_some(sweep))
        if (!pause()) return;
}

// False: stop.
bool MemorySweeper::pause() {
    std::unique_lock lock(mutex_);
    return !signal_.wait_for(lock, pause_after_step, [this] { return stopped_; });
}

}  // namespace larder::store
