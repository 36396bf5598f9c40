#include "server/from_predecessor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "flow/purge.hpp"
#include "redis/purge_text.hpp"
#include "server/succession_messages.hpp"

namespace larder::server {
using namespace std::chrono_literals;
namespace {

constexpr Milliseconds inherit_within = 10s;
constexpr Milliseconds silence_within = 2s;
constexpr Milliseconds written_within =
    800ms;  // the predecessor waits a second for the acknowledgement
constexpr Milliseconds look_every = 20ms;

}  // namespace

FromPredecessor::FromPredecessor(int descriptor, SuccessionParts parts, Calls calls)
    : parts_(parts), calls_(std::move(calls)), channel_(descriptor, *this) {}

FromPredecessor::~FromPredecessor() { close(); }

void FromPredecessor::close() {
    {
        const std::scoped_lock lock(mutex_);
        closing_ = true;
    }
    changed_.notify_all();
    channel_.close();
}

template <class Condition>
bool FromPredecessor::wait_for(Milliseconds longest, Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, longest, condition);
}

void FromPredecessor::inherit() {
    channel_.start();
    const bool told = wait_for(inherit_within, [this] { return has_inherited_ || has_ended_; });
    if (!told) {
        spdlog::error(
            "the old process did not send the purges owed to Redis in time: it counts as gone, and "
            "everything is purged");
        // When it goes on, it must know that this process serves.
        channel_.send(message::step_back, parts_.redis_name());
        static_cast<void>(channel_.flush(steady_now() + silence_within));
        channel_.end();
    }
}

void FromPredecessor::on_interval() {
    channel_.send(message::alive, message::alive_body(steady_now()));
}

// From now on this process answers from memory only where its predecessor, if that has made a
// purge, still waits for the acknowledgement. Older versions send no signs of life.
void FromPredecessor::heard_of_predecessor(SteadyTime sent) {
    if (parts_.trust) parts_.trust->until(sent + trusted_after_sign);
}

void FromPredecessor::take_over() {
    channel_.send(message::step_back, parts_.redis_name());
    const bool told = wait_for(silence_within, [this] { return is_silent_ || has_ended_; });
    if (!told) {
        spdlog::error(
            "the old process did not stop serving from memory in time: it counts as gone, and "
            "everything is purged");
        channel_.end();
        static_cast<void>(wait_for(silence_within, [this] { return has_ended_; }));
    }
    await_silence();
}

// A predecessor that did not say that it is silent may be stopped, and go on later. Without Redis
// it answers from memory for a while after the last sign of life that this process has sent.
void FromPredecessor::await_silence() {
    if (!parts_.trust || wait_for(0ms, [this] { return is_silent_; })) return;
    const SteadyTime last_sign = steady_now();
    const SteadyTime until =
        std::max(last_sign + silent_after,
                 began_ + trusted_after_begin + (silent_after - trusted_after_sign));
    while (steady_now() < until && calls_.predecessor_lives())
        static_cast<void>(wait_for(look_every, [this] { return closing_; }));
}

// Without Redis this process does not hear of the writes that a predecessor without a channel still
// answers. So its memory tier answers nothing until then.
void FromPredecessor::await_its_end() {
    if (!calls_.predecessor_lives()) return;
    spdlog::warn("nothing is answered from memory until the old process has ended");
    while (calls_.predecessor_lives())
        if (wait_for(look_every, [this] { return closing_; })) return;
    purge_everything();
}

bool FromPredecessor::is_under_way() const {
    const std::scoped_lock lock(mutex_);
    return !is_over_;
}

void FromPredecessor::on_message(char kind, std::string_view body) {
    const auto set = [this](bool& flag) {
        {
            const std::scoped_lock lock(mutex_);
            flag = true;
        }
        changed_.notify_all();
    };
    switch (kind) {
        case message::hello:
            if (const auto hello = message::parse_hello(body)) {
                their_redis_ = hello->redis;
                if (parts_.redis) parts_.redis->history().note_lifetime(hello->lifetime);
            }
            break;
        case message::rules:
            their_reach_ = body;
            break;
        case message::remembered:
            if (const auto purges = redis::parse_remembered(body); purges && parts_.redis)
                parts_.redis->history().restore(*purges, steady_now());
            break;
        case message::owed:
            if (const auto items = redis::parse_lines(body)) owe(*items);
            break;
        case message::inherited:
            set(has_inherited_);
            break;
        case message::alive:
            if (const auto sent = message::parse_alive(body, steady_now()))
                heard_of_predecessor(*sent);
            break;
        case message::purge:
            take_purge(body);
            break;
        case message::later:
            plan(body, store::PlannedPurge::Repeats::no);
            break;
        case message::repeated:
            plan(body, store::PlannedPurge::Repeats::yes);
            break;
        case message::silent:
            keep_file();
            set(is_silent_);
            break;
        case message::marks:
            if (parts_.redis) adopt_marks(body);
            break;
        case message::finished:
            set(has_finished_);
            break;
        default:
            break;
    }
}

void FromPredecessor::plan(std::string_view body, store::PlannedPurge::Repeats repeats) {
    const auto later = message::parse_later(body);
    if (!later) return;
    parts_.plan(
        {redis::order_of(by_our_names(later->items)), steady_now() + later->due_in, repeats});
}

void FromPredecessor::adopt_marks(std::string_view lines) {
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        if (end > 0) parts_.redis->fleet().adopt_mark(std::string(lines.substr(0, end)));
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
}

// A purge that was made by other rules names other entries.
std::vector<redis::PurgeItem> FromPredecessor::by_our_names(
    const std::vector<redis::PurgeItem>& theirs) const {
    if (their_reach_ == parts_.reach()) return theirs;
    return {redis::purge_everything()};
}

void FromPredecessor::take_purge(std::string_view body) {
    const auto purge = message::parse_purge(body);
    if (!purge) {
        purge_everything();
        return;
    }
    const std::vector<redis::PurgeItem> items = by_our_names(purge->items);
    if (parts_.redis) parts_.redis->history().remember(items, steady_now());
    const bool delivered =
        purge->delivered && their_redis_ == parts_.redis_name() && items == purge->items;
    if (!delivered) owe(items);
    flow::purge_here(parts_.generations, parts_.memory, parts_.board, redis::order_of(items));
    to_confirm_.push_back(std::to_string(purge->number));
}

void FromPredecessor::owe(const std::vector<redis::PurgeItem>& items) {
    if (!parts_.redis) return;
    parts_.redis->history().remember(items, steady_now());
    parts_.redis->journal().add(items);
    parts_.redis->wake_maintenance();
    owes_more_ = true;
}

// One sync serves all purges that came together.
void FromPredecessor::on_pause() {
    if (std::exchange(owes_more_, false) && parts_.owed)
        static_cast<void>(parts_.owed->wait_until_written(steady_now() + written_within));
    for (const std::string& number : to_confirm_) channel_.send(message::acknowledged, number);
    to_confirm_.clear();
}

void FromPredecessor::keep_file() {
    if (parts_.owed && parts_.redis && !parts_.owed->follows())
        parts_.owed->follow(parts_.redis->journal());
    parts_.adopt_planned();
}

void FromPredecessor::purge_everything() {
    owe({redis::purge_everything()});
    parts_.generations.purge_all();
}

void FromPredecessor::on_end() {
    bool orderly = false;
    {
        const std::scoped_lock lock(mutex_);
        orderly = has_finished_ || closing_;
    }
    if (!orderly) {
        spdlog::warn(
            "the old process ended without completing the hand-over: everything is purged");
        if (parts_.trust) parts_.trust->until(SteadyTime{});
        purge_everything();
    }
    keep_file();
    {
        const std::scoped_lock lock(mutex_);
        has_ended_ = true;
    }
    changed_.notify_all();
    if (!orderly && parts_.trust) await_its_end();
    if (parts_.trust) parts_.trust->until(SteadyTime::max());
    for (const Milliseconds pause : {Milliseconds(2s), Milliseconds(8s)}) {
        if (orderly || wait_for(pause, [this] { return closing_; })) break;
        purge_everything();
    }
    {
        const std::scoped_lock lock(mutex_);
        is_over_ = true;
    }
    calls_.is_over();
}

}  // namespace larder::server
