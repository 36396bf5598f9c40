#include "redis/maintenance.hpp"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <utility>

#include "net/detached.hpp"
#include "redis/purge.hpp"
#include "redis/shared.hpp"
#include "redis/vouching.hpp"

namespace larder::redis {
namespace asio = boost::asio;
using namespace std::chrono_literals;
namespace {

constexpr Milliseconds look_again = 50ms;    // after a failure
constexpr Milliseconds look_anyway = 250ms;  // wakes cover the rest
constexpr Milliseconds presence_every = 1s;
constexpr Milliseconds mark_every = 1h;

Milliseconds step_of(const RedisShared& shared) {
    return std::max(shared.settings().timeout, Milliseconds(100));
}

}  // namespace

RedisMaintenance::RedisMaintenance(asio::io_context& context, RedisShared& shared, RedisNode& node,
                                   std::shared_ptr<RedisLink> link)
    : context_(context), shared_(shared), node_(node), link_(std::move(link)), timer_(context) {}

void RedisMaintenance::start() {
    shared_.maintenance_waker().set([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->wake();
    });
    net::start_lasting(
        context_.get_executor(), [self = shared_from_this()] { return keep(self); },
        "settling with Redis");
}

void RedisMaintenance::stop() {
    shared_.maintenance_waker().set(nullptr);
    asio::dispatch(context_, [self = shared_from_this()] {
        self->stopping_ = true;
        self->timer_.cancel();
    });
}

void RedisMaintenance::wake() {
    asio::post(context_, [self = shared_from_this()] {
        self->woken_ = true;
        if (!self->working_) self->timer_.cancel();
    });
}

Task<void> RedisMaintenance::sleep(Milliseconds time) {
    if (stopping_) co_return;
    timer_.expires_after(time);
    [[maybe_unused]] const auto [ignored] = co_await timer_.async_wait(as_result);
}

Task<void> RedisMaintenance::keep(std::shared_ptr<RedisMaintenance> self) {
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

/// Does all that is due. False: a task has failed and must be tried again.
Task<bool> RedisMaintenance::work() {
    if (shared_.reporter().troubled(RedisWork::use) && node_.up())
        shared_.reporter().works(RedisWork::use);
    const std::shared_ptr<RedisLink> link = node_.usable_link(link_);
    if (!link) co_return true;
    const std::uint64_t epoch = node_.epochs().current();
    if (epoch != node_.epochs().cleared()) {
        if (std::exchange(met_epoch_, epoch) != epoch) met_at_ = steady_now();
        const bool cleared = co_await clear_server(link, shared_, epoch, met_at_);
        if (!cleared) co_return false;
    }
    if (!shared_.journal().empty()) {
        const bool delivered = co_await deliver_owed(link, epoch);
        if (!delivered) co_return false;
    }
    co_await keep_known(link);
    const bool swept = co_await sweep(link);
    co_return swept;
}

Task<bool> RedisMaintenance::deliver_owed(std::shared_ptr<RedisLink> link, std::uint64_t epoch) {
    const std::vector<PurgeJournal::Entry> owed = shared_.journal().pending();
    std::vector<PurgeItem> items;
    for (const PurgeJournal::Entry& entry : owed) items.push_back(entry.item);
    PurgeRun how;
    how.step = step_of(shared_);
    how.tell = PurgeRun::Tell::others;
    const bool done = co_await run_purges(link, shared_, items, how);
    if (done) shared_.reporter().works(RedisWork::purge);
    if (!done || node_.epochs().current() != epoch) co_return false;
    shared_.journal().acknowledged(owed);
    co_return true;
}

/// What other instances, and later connections, know of this one.
Task<void> RedisMaintenance::keep_known(std::shared_ptr<RedisLink> link) {
    const SteadyTime now = steady_now();
    if (node_.take_presence_due() || now - presence_told_ >= presence_every) {
        presence_told_ = now;
        tell_presence(*link, shared_);
    }
    if (node_.subscriber() == 0) co_return;
    const bool mark_due = node_.marks().names().empty() || now - mark_left_ >= mark_every ||
                          marked_epoch_ != node_.epochs().cleared();
    if (mark_due) {
        mark_left_ = now;
        marked_epoch_ = node_.epochs().cleared();
        co_await leave_mark(link, shared_);
    }
    const bool tracked = link->tracked_by() != 0 && link->tracked_by() == node_.subscriber();
    if (tracked && !node_.knows_everything_id()) co_await read_everything_id(link, shared_);
}

Task<bool> RedisMaintenance::sweep(std::shared_ptr<RedisLink> link) {
    std::string id = shared_.next_to_sweep();
    while (!id.empty() && !stopping_) {
        const bool swept = co_await sweep_index(link, shared_, id, step_of(shared_));
        if (!swept) shared_.sweep_later(id);
        if (!swept) co_return false;
        // Reads wait for these two, so they go before the rest of the sweep.
        const bool urgent =
            !shared_.journal().empty() || node_.epochs().current() != node_.epochs().cleared();
        if (urgent) co_return true;
        id = shared_.next_to_sweep();
    }
    co_return true;
}

}  // namespace larder::redis
