#include "store/redis_keeper.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/dispatch.hpp>

#include "net/detached.hpp"
#include "store/redis_purge.hpp"
#include "store/redis_shared.hpp"

namespace larder::store {
namespace asio = boost::asio;
using namespace std::chrono_literals;
namespace {

constexpr Milliseconds look_again = 50ms;    // after a failure
constexpr Milliseconds look_anyway = 250ms;  // wakes cover the rest
// Other instances replay their purges to a changed server as well: it is read when the last of them has come, who may have
// just begun RedisLink's longest pause. With the pause and the handshake this stays below the 2 s in which caching resumes.
constexpr Milliseconds grace = 700ms;

Milliseconds step_of(const RedisShared& shared) { return std::max(shared.settings().timeout, Milliseconds(100)); }

}  // namespace

RedisKeeper::RedisKeeper(asio::io_context& context, RedisShared& shared, std::shared_ptr<RedisLink> link)
    : context_(context), shared_(shared), link_(std::move(link)), timer_(context) {}

void RedisKeeper::start() {
    shared_.set_waker([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->wake();
    });
    net::start_lasting(context_.get_executor(), [self = shared_from_this()] { return keep(self); }, "settling with Redis");
}

void RedisKeeper::stop() {
    shared_.set_waker(nullptr);
    asio::dispatch(context_, [self = shared_from_this()] {
        self->stopping_ = true;
        self->timer_.cancel();
    });
}

void RedisKeeper::wake() {
    asio::post(context_, [self = shared_from_this()] {
        self->woken_ = true;
        if (!self->working_) self->timer_.cancel();
    });
}

Task<void> RedisKeeper::sleep(Milliseconds time) {
    if (stopping_) co_return;
    timer_.expires_after(time);
    [[maybe_unused]] const auto [ignored] = co_await timer_.async_wait(as_result);
}

Task<void> RedisKeeper::keep(std::shared_ptr<RedisKeeper> self) {
    while (!self->stopping_) {
        self->woken_ = false;
        self->working_ = true;
        const bool good = co_await self->work();
        self->working_ = false;
        if (self->stopping_) break;
        if (good && self->woken_) continue;
        const Milliseconds pause = good ? look_anyway : look_again;
        co_await self->sleep(pause);
    }
}

/// Does all there is to do. False: something of it failed and is to be tried again.
Task<bool> RedisKeeper::work() {
    if (!link_->usable()) co_return true;
    const std::uint64_t epoch = link_->epoch();
    if (epoch != shared_.current_epoch()) co_return true;
    if (epoch != shared_.cleared_epoch()) {
        const bool replayed = co_await replay(epoch);
        if (!replayed) co_return false;
    }
    if (!shared_.journal().empty()) {
        const std::vector<PurgeJournal::Entry> owed = shared_.journal().pending();
        std::vector<PurgeItem> items;
        for (const PurgeJournal::Entry& entry : owed) items.push_back(entry.item);
        const bool done = co_await run_purges(link_, shared_, items, SteadyTime(), step_of(shared_));
        if (!done || link_->epoch() != epoch) co_return false;
        shared_.journal().acknowledged(owed);
    }
    std::string id = shared_.next_to_sweep();
    while (!id.empty() && !stopping_) {
        const bool swept = co_await sweep_index(link_, shared_, id, step_of(shared_));
        if (!swept) shared_.sweep_later(id);
        if (!swept) co_return false;
        // What a read waits for goes before the rest of the sweep.
        if (!shared_.journal().empty()) co_return true;
        id = shared_.next_to_sweep();
    }
    co_return true;
}

/// Gives a server that may have forgotten them all recent purges again, then lets it be read.
Task<bool> RedisKeeper::replay(std::uint64_t epoch) {
    const std::vector<PurgeItem> items = shared_.history().recent(steady_now());
    const bool done = co_await run_purges(link_, shared_, items, SteadyTime(), step_of(shared_));
    if (!done) co_return false;
    if (epoch > 1) co_await sleep(grace);
    if (stopping_) co_return true;
    const bool same = link_->usable() && link_->epoch() == epoch && shared_.current_epoch() == epoch;
    if (!same) co_return false;
    shared_.clear_epoch(epoch);
    co_return true;
}

}  // namespace larder::store
