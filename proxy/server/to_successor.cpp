#include "server/to_successor.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/text.hpp"
#include "flow/purge.hpp"
#include "net/event.hpp"
#include "redis/purge_text.hpp"
#include "server/succession_messages.hpp"

namespace larder::server {
namespace {

constexpr Milliseconds acknowledged_within = silent_after;
constexpr std::size_t entries_at_once = 2000;

// Sends a long list in several messages.
template <class Entry>
void send_some_at_once(MessageChannel& channel, char kind, const std::vector<Entry>& entries) {
    for (std::size_t at = 0; at < entries.size(); at += entries_at_once) {
        const std::size_t end = std::min(entries.size(), at + entries_at_once);
        const std::vector<Entry> some(entries.begin() + static_cast<std::ptrdiff_t>(at),
                                      entries.begin() + static_cast<std::ptrdiff_t>(end));
        channel.send(kind, redis::to_lines(some));
    }
}

}  // namespace

std::string SuccessionParts::redis_name() const {
    return redis ? redis->settings().url.text + '|' + redis->settings().prefix : std::string();
}

void SuccessionParts::adopt_planned() const {
    if (!planned || planned->follows()) return;
    const SteadyTime now = steady_now();
    std::vector<redis::PurgeItem> due;
    std::vector<store::PlannedPurge> later;
    for (store::PlannedPurge& purge : planned->load()) {
        const bool repeats = purge.repeats == store::PlannedPurge::Repeats::yes;
        if (purge.due <= now || repeats)
            for (redis::PurgeItem& item : redis::items_of(purge.order))
                due.push_back(std::move(item));
        if (purge.due > now) later.push_back(std::move(purge));
    }
    if (!due.empty()) flow::purge_here(generations, memory, board, redis::order_of(due));
    if (!due.empty() && redis) {
        redis->history().remember(due, now);
        redis->journal().add(due);
        redis->wake_maintenance();
        if (owed) static_cast<void>(owed->wait_until_written(now + acknowledged_within));
    }
    planned->follow(later);
    for (const store::PlannedPurge& purge : later) plan(purge);
    if (!due.empty() || !later.empty())
        spdlog::warn("{} purges that an earlier process planned are due, {} come later", due.size(),
                     later.size());
}

/// A coroutine that waits for an acknowledgement. Its members are used on its own thread only;
/// other threads may call `wake`.
struct ToSuccessor::Waiter {
    explicit Waiter(net::Executor executor_in) : executor(executor_in) {}

    net::Executor executor;
    net::Event* changed = nullptr;  ///< null when the wait is over
    bool done = false;

    static void wake(const std::shared_ptr<Waiter>& waiter) {
        boost::asio::post(waiter->executor, [waiter] {
            waiter->done = true;
            if (waiter->changed) waiter->changed->notify();
        });
    }
};

int ToSuccessor::open() {
    may_have_served_ = false;
    heard_of_successor(steady_now() + trusted_after_begin - trusted_after_sign);
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
    MessageChannel::Handler& handler = *this;
    std::unique_ptr<MessageChannel> before;
    {
        const std::scoped_lock lock(mutex_);
        before = std::exchange(channel_, std::make_unique<MessageChannel>(ends[0], handler));
    }
    return ends[1];
}

void ToSuccessor::begin() {
    MessageChannel* channel = nullptr;
    {
        // From now on every purge is sent. Earlier ones are in the history and the journal.
        const std::scoped_lock lock(mutex_);
        phase_ = Phase::starting;
        channel = channel_.get();
    }
    message::Hello hello;
    hello.redis = parts_.redis_name();
    if (parts_.redis) hello.lifetime = parts_.redis->history().keeps_for();
    channel->send(message::hello, message::to_body(hello));
    channel->send(message::rules, parts_.reach());
    if (parts_.redis) {
        send_some_at_once(*channel, message::remembered,
                          parts_.redis->history().snapshot(steady_now()));
        std::vector<redis::PurgeItem> owed;
        for (redis::PurgeJournal::Entry& entry : parts_.redis->journal().pending())
            owed.push_back(std::move(entry.item));
        send_some_at_once(*channel, message::owed, owed);
    }
    // Before the end of the list, so that the successor knows in time that there are such signs.
    on_interval();
    channel->send(message::inherited, {});
    channel->start();
}

void ToSuccessor::on_interval() {
    const std::scoped_lock lock(mutex_);
    if (channel_) channel_->send(message::alive, message::alive_body(steady_now()));
}

void ToSuccessor::heard_of_successor(SteadyTime sent) {
    trusted_until_ = std::max(trusted_until_, sent + trusted_after_sign);
    if (parts_.trust) parts_.trust->until(trusted_until_);
}

void ToSuccessor::end() {
    MessageChannel* started = nullptr;
    {
        const std::scoped_lock lock(mutex_);
        if (phase_ != Phase::none) started = channel_.get();
    }
    // It may have served while this process was stopped. Then it has said before that it would.
    if (started && !started->hear_all(steady_now() + acknowledged_within)) may_have_served_ = true;
    std::unique_ptr<MessageChannel> channel;
    {
        const std::scoped_lock lock(mutex_);
        channel = std::move(channel_);
    }
    channel.reset();
    {
        const std::scoped_lock lock(mutex_);
        phase_ = Phase::none;
    }
    wake_all();
    if (parts_.owed && !parts_.owed->follows()) {
        // The file has the purges that the successor took over and could not deliver.
        const std::vector<redis::PurgeItem> left = parts_.owed->load();
        parts_.redis->history().remember(left, steady_now());
        parts_.redis->journal().add(left);
        parts_.owed->follow(parts_.redis->journal());
        parts_.redis->wake_maintenance();
    }
    parts_.adopt_planned();
    if (may_have_served_) parts_.memory.retire();
    parts_.memory.end_retirement();
    if (parts_.trust) parts_.trust->until(SteadyTime::max());
}

void ToSuccessor::finish() {
    std::unique_ptr<MessageChannel> channel;
    {
        const std::scoped_lock lock(mutex_);
        channel = std::move(channel_);
    }
    if (!channel) return;
    if (serves()) {
        channel->send(message::finished, {});
        static_cast<void>(channel->flush(steady_now() + acknowledged_within));
    }
    phase_ = Phase::none;
}

bool ToSuccessor::must_hear(store::PurgeOutcome outcome) const {
    return phase_.load(std::memory_order_acquire) != Phase::none ||
           (outcome == store::PurgeOutcome::pending && parts_.owed != nullptr);
}

// An acknowledgement wakes the waiter.
ToSuccessor::Awaited ToSuccessor::send_purge(const store::PurgeOrder& order,
                                             store::PurgeOutcome outcome,
                                             const std::shared_ptr<Waiter>& waiter) {
    message::Purge purge;
    purge.items = redis::items_of(order);
    purge.delivered = parts_.redis != nullptr && outcome == store::PurgeOutcome::done;
    const std::scoped_lock lock(mutex_);
    const Phase phase = phase_;
    if (phase == Phase::none || !channel_) return Awaited::nothing;
    // With Redis the successor's memory tier hears of the purge from there.
    if (phase == Phase::lost) return parts_.trust ? Awaited::silence : Awaited::nothing;
    purge.number = ++last_number_;
    channel_->send(message::purge, message::to_body(purge));
    if (phase != Phase::serving) return Awaited::nothing;
    waiters_.emplace(purge.number, waiter);
    return Awaited::acknowledgement;
}

SteadyTime ToSuccessor::give_up_at(Awaited awaited) {
    if (awaited != Awaited::silence) return steady_now() + acknowledged_within;
    const std::scoped_lock lock(mutex_);
    return silent_at_;
}

net::Task<void> ToSuccessor::pass_on(net::Executor executor, const store::PurgeOrder& order,
                                     store::PurgeOutcome outcome) {
    net::Event changed(executor);
    const auto waiter = std::make_shared<Waiter>(executor);
    waiter->changed = &changed;
    const Awaited awaited = send_purge(order, outcome, waiter);
    const bool by_file = awaited == Awaited::nothing && outcome == store::PurgeOutcome::pending &&
                         parts_.owed != nullptr;
    if (by_file) parts_.owed->when_written([waiter] { Waiter::wake(waiter); });
    bool goes_on = by_file || awaited != Awaited::nothing;
    const SteadyTime give_up = give_up_at(awaited);
    while (goes_on && !waiter->done && steady_now() < give_up)
        goes_on = co_await changed.wait_until(give_up);
    waiter->changed = nullptr;
    if (waiter->done || !goes_on) co_return;
    if (by_file)
        spdlog::error(
            "a purge owed to Redis was not on disk within a second: it would be lost if the "
            "process were killed now");
    if (awaited == Awaited::acknowledgement) give_up_successor();
}

// Only the first purge without an acknowledgement finds a successor to give up.
void ToSuccessor::give_up_successor() {
    {
        const std::scoped_lock lock(mutex_);
        if (!channel_ || phase_ != Phase::serving) return;
        channel_->end();
    }
    lose();
    spdlog::error(
        "the new process did not acknowledge a purge within a second: it counts as gone, and "
        "purges everything itself");
}

// No sign of life is sent any more.
void ToSuccessor::lose() {
    const std::scoped_lock lock(mutex_);
    if (phase_ == Phase::none) return;
    phase_ = Phase::lost;
    silent_at_ = steady_now() + silent_after;
}

bool ToSuccessor::take_over(const store::PlannedPurge& purge) {
    const bool repeats = purge.repeats == store::PlannedPurge::Repeats::yes;
    const auto due_in = std::chrono::ceil<Milliseconds>(purge.due - steady_now());
    message::Later later;
    later.due_in = std::max(due_in, Milliseconds(0));
    const std::scoped_lock lock(mutex_);
    if (phase_.load() != Phase::serving || !channel_) return false;
    later.items = redis::items_of(purge.order);
    channel_->send(repeats ? message::repeated : message::later, message::to_body(later));
    return true;
}

void ToSuccessor::keep(const store::PlannedPurge& purge) {
    if (parts_.planned) parts_.planned->note(purge);
}

net::Task<void> ToSuccessor::until_kept(net::Executor executor) {
    if (!parts_.planned || !parts_.planned->is_behind()) co_return;
    net::Event changed(executor);
    const auto waiter = std::make_shared<Waiter>(executor);
    waiter->changed = &changed;
    parts_.planned->when_written([waiter] { Waiter::wake(waiter); });
    const SteadyTime give_up = steady_now() + acknowledged_within;
    bool goes_on = true;
    while (goes_on && !waiter->done && steady_now() < give_up)
        goes_on = co_await changed.wait_until(give_up);
    waiter->changed = nullptr;
    if (goes_on && !waiter->done)
        spdlog::error(
            "a purge that is due later was not written to the state directory within a second: it "
            "would be lost if the process were killed now");
}

void ToSuccessor::on_message(char kind, std::string_view body) {
    if (kind == message::alive)
        if (const auto sent = message::parse_alive(body, steady_now())) heard_of_successor(*sent);
    if (kind == message::step_back) step_back(body);
    if (kind == message::acknowledged) acknowledged(parse_decimal(body).value_or(0));
}

// The successor does the purges sent before `silent` before it serves. After `silent` this process
// waits for each purge.
void ToSuccessor::step_back(std::string_view their_redis) {
    may_have_served_ = true;
    parts_.memory.retire();
    same_redis_ = their_redis == parts_.redis_name();
    const std::scoped_lock lock(mutex_);
    if (!channel_ || phase_ != Phase::starting) return;
    // From now on a journalled purge waits until the successor has written it to the file.
    if (parts_.owed && !their_redis.empty()) parts_.owed->leave();
    if (parts_.planned) parts_.planned->leave();
    phase_ = Phase::serving;
    if (parts_.redis && same_redis_) send_full_history();
    channel_->send(message::silent, {});
}

// The successor hears of all purges by now. With the history of this process its own history has no
// gap, so it may vouch for data that is as old as this process could vouch for.
void ToSuccessor::send_full_history() {
    send_some_at_once(*channel_, message::remembered,
                      parts_.redis->history().snapshot(steady_now()));
    std::string marks;
    for (const std::string& mark : parts_.redis->fleet().mark_names())
        marks.append(mark).append("\n");
    channel_->send(message::marks, marks);
}

void ToSuccessor::acknowledged(std::uint64_t number) {
    std::shared_ptr<Waiter> waiter;
    {
        const std::scoped_lock lock(mutex_);
        const auto found = waiters_.find(number);
        if (found == waiters_.end()) return;
        waiter = std::move(found->second);
        waiters_.erase(found);
    }
    Waiter::wake(waiter);
}

void ToSuccessor::on_end() {
    // The successor may serve writes that this process does not hear of.
    if (parts_.trust) parts_.trust->until(SteadyTime{});
    lose();
    // Without Redis the purges under way still wait for their second: the successor may have
    // stopped, and answer from memory when it goes on.
    if (!parts_.trust) wake_all();
}

void ToSuccessor::wake_all() {
    std::unordered_map<std::uint64_t, std::shared_ptr<Waiter>> left;
    {
        const std::scoped_lock lock(mutex_);
        left.swap(waiters_);
    }
    for (const auto& [number, waiter] : left) Waiter::wake(waiter);
}

}  // namespace larder::server
