#include "redis/maintenance.hpp"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <map>
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
                                   std::shared_ptr<RedisLink> link, Keeps keeps)
    : context_(context),
      shared_(shared),
      node_(node),
      link_(std::move(link)),
      keeps_(keeps),
      timer_(context) {}

void RedisMaintenance::start() {
    // In a cluster the watch wakes all of them.
    if (keeps_ == Keeps::all)
        shared_.maintenance_waker().set([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->wake();
        });
    net::start_lasting(
        context_.get_executor(), [self = shared_from_this()] { return keep(self); },
        "settling with Redis");
}

void RedisMaintenance::stop() {
    if (keeps_ == Keeps::all) shared_.maintenance_waker().set(nullptr);
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
    if (keeps_ != Keeps::node && shared_.reporter().troubled(RedisWork::use) &&
        shared_.fleet().up())
        shared_.reporter().works(RedisWork::use);
    bool good = true;
    if (keeps_ == Keeps::process) {
        const RedisWay way{shared_, nullptr};
        good = co_await keep_process(way);
        co_return good;
    }
    const std::shared_ptr<RedisLink> link = node_.usable_link(link_);
    if (!link) co_return true;
    good = co_await keep_node(link);
    const RedisWay way{shared_, link};
    if (good && keeps_ == Keeps::all) good = co_await keep_process(way);
    co_return good;
}

Task<bool> RedisMaintenance::keep_node(std::shared_ptr<RedisLink> link) {
    const std::uint64_t epoch = node_.epochs().current();
    if (epoch != node_.epochs().cleared()) {
        meeting_.meet(epoch, steady_now());
        const bool cleared = co_await clear_server(link, shared_, meeting_, pace_);
        if (!cleared) co_return false;
    }
    co_await leave_marks(link);
    const bool tracked = link->tracked_by() != 0 && link->tracked_by() == node_.subscriber();
    if (tracked && !node_.is_of_cluster() && !node_.knows_everything_id())
        co_await read_everything_id(link, shared_);
    co_return true;
}

/// What later connections, and vouchers for this server's data, know of this instance.
Task<void> RedisMaintenance::leave_marks(std::shared_ptr<RedisLink> link) {
    if (!shared_.fleet().has_subscribers()) co_return;
    const SteadyTime now = steady_now();
    const std::string home = shared_.keys().home_of(shared_.fleet().home_slot(node_.lane()));
    const bool mark_due = node_.marks().names().empty() || now - mark_left_ >= mark_every ||
                          marked_epoch_ != node_.epochs().cleared() || marked_home_ != home;
    if (!mark_due) co_return;
    mark_left_ = now;
    marked_epoch_ = node_.epochs().cleared();
    marked_home_ = home;
    co_await leave_mark(link, shared_);
}

Task<bool> RedisMaintenance::keep_process(RedisWay way) {
    const SteadyTime now = steady_now();
    if (!shared_.journal().empty()) {
        const bool delivered = co_await deliver_owed(way);
        if (!delivered) co_return false;
    }
    if (node_.take_presence_due() || now - presence_told_ >= presence_every) {
        presence_told_ = now;
        tell_presence(way);
    }
    const bool swept = co_await sweep(way);
    co_return swept;
}

Task<bool> RedisMaintenance::deliver_owed(RedisWay way) {
    bool done = false;
    if (!way.link) {
        done = co_await deliver_in_cluster(way);
        if (done) shared_.reporter().works(RedisWork::purge);
        co_return done;
    }
    std::vector<PurgeJournal::Entry> owed = shared_.journal().pending();
    done = co_await deliver(way, std::move(owed));
    if (done) shared_.reporter().works(RedisWork::purge);
    co_return done;
}

/// Portion by portion: what Redis has acknowledged is not owed any more. False: something is left.
Task<bool> RedisMaintenance::deliver(RedisWay way, std::vector<PurgeJournal::Entry> owed) {
    PurgeRun how;
    how.step = step_of(shared_);
    how.tell = PurgeRun::Tell::others;
    if (way.link) how.epoch = way.link->epoch();
    for (std::size_t at = 0; at < owed.size();) {
        const std::size_t end = portion_end(owed, at, pace_);
        std::vector<PurgeItem> portion = items_of(owed, at, end);
        const bool done = co_await run_portion(way, std::move(portion), how, pace_);
        // Acknowledged by a server that is no longer the one: that proves nothing.
        const bool replaced = way.link && node_.epochs().current() != how.epoch;
        if (!done || replaced) co_return false;
        const auto first = owed.begin() + static_cast<std::ptrdiff_t>(at);
        const auto last = owed.begin() + static_cast<std::ptrdiff_t>(end);
        const std::vector<PurgeJournal::Entry> delivered(first, last);
        shared_.journal().acknowledged(delivered);
        at = end;
    }
    co_return true;
}

/// What is owed to one node must not wait for another: delivered lane by lane. False: something is
/// left.
Task<bool> RedisMaintenance::deliver_in_cluster(RedisWay way) {
    std::map<std::vector<int>, std::vector<PurgeJournal::Entry>> by_lanes;
    for (PurgeJournal::Entry& entry : shared_.journal().pending()) {
        std::vector<int> lanes;
        for (const int slot : shared_.keys().slots_of(entry.item))
            lanes.push_back(shared_.fleet().lane_of(slot));
        by_lanes[std::move(lanes)].push_back(std::move(entry));
    }
    bool all = true;
    for (auto& [lanes, entries] : by_lanes) {
        const bool done = co_await deliver(way, std::move(entries));
        all = all && done;
    }
    co_return all;
}

Task<bool> RedisMaintenance::sweep(RedisWay way) {
    while (!stopping_) {
        if (sweep_.id.empty()) sweep_.id = shared_.next_to_sweep();
        if (sweep_.id.empty()) co_return true;
        const bool swept = co_await sweep_some(way, sweep_, step_of(shared_));
        if (!swept) co_return false;
        // Reads wait for the first two, the other instances for a sign of life. All go before the
        // rest of the sweep, which may take long.
        const bool urgent = !shared_.journal().empty() ||
                            node_.epochs().current() != node_.epochs().cleared() ||
                            steady_now() - presence_told_ >= presence_every;
        if (!urgent) continue;
        woken_ = true;
        co_return true;
    }
    co_return true;
}

}  // namespace larder::redis
