#include "flow/purge_schedule.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

#include "redis/purge_text.hpp"

namespace larder::flow {
using namespace std::chrono_literals;
namespace {

constexpr Milliseconds merge_within = 100ms;
constexpr Milliseconds merge_ticks_within = 1s;
constexpr std::size_t once_max = 10'000;
constexpr std::size_t repeated_max = 10'000;
constexpr std::size_t bytes_max = 4 * 1024 * 1024;  // of names; for each of both kinds
// A record is larger than what it is about. Beyond, purges are recorded by their names alone.
constexpr std::size_t recorded_max = 2'000;
constexpr std::size_t taken_at_once = 500;
constexpr std::array<Milliseconds, 2> everything_after{2s, 10s};

template <class Step>
SteadyTime round_up(SteadyTime time, Step step) {
    const auto since = time.time_since_epoch();
    const auto over = since % step;
    return over.count() == 0 ? time : time + (step - over);
}

std::string line_of(const redis::PurgeItem& item) {
    std::string line;
    redis::append_line(item, line);
    line.pop_back();
    return line;
}

const std::string& everything_line() {
    static const std::string line = line_of(redis::purge_everything());
    return line;
}

const std::string& everything_lines() {
    static const std::string lines = everything_line() + '\n';
    return lines;
}

void append_items(std::string_view lines, std::vector<redis::PurgeItem>& items) {
    std::optional<std::vector<redis::PurgeItem>> more = redis::parse_lines(lines);
    if (!more) return;
    std::move(more->begin(), more->end(), std::back_inserter(items));
}

// Several writes mostly name the same list.
void drop_doubles(std::vector<redis::PurgeItem>& items) {
    const auto rank = [](const redis::PurgeItem& item) {
        return std::tie(item.kind, item.soft, item.name);
    };
    std::sort(items.begin(), items.end(),
              [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    items.erase(std::unique(items.begin(), items.end()), items.end());
}

}  // namespace

PurgeSchedule::Kept PurgeSchedule::add(const store::PlannedPurge& purge, SteadyTime now,
                                       Record record) {
    if (purge.order.empty()) return Kept::by_name;
    const bool repeats = purge.repeats == store::PlannedPurge::Repeats::yes;
    return repeats ? add_repeated(purge, now) : add_once(purge, now, std::move(record));
}

PurgeSchedule::Kept PurgeSchedule::add_once(const store::PlannedPurge& purge, SteadyTime now,
                                            Record record) {
    const SteadyTime due = purge.due <= now ? purge.due : round_up(purge.due, merge_within);
    std::string lines = redis::to_lines(redis::items_of(purge.order));
    const std::size_t bytes = lines.size();
    if (once_.size() >= recorded_max) record = nullptr;
    const bool is_new = once_.try_emplace({due, std::move(lines)}, std::move(record)).second;
    if (is_new) once_bytes_ += bytes;
    if (once_.size() <= once_max && once_bytes_ <= bytes_max) return Kept::by_name;
    replace_once(now);
    return Kept::as_everything;
}

// Purges of everything that are planned already stay: their time would never come if each
// replacement planned them anew.
void PurgeSchedule::replace_once(SteadyTime now) {
    const SteadyTime last = once_.rbegin()->first.first;
    std::erase_if(once_,
                  [](const auto& planned) { return planned.first.second != everything_lines(); });
    const auto plan = [&](SteadyTime due) {
        once_.try_emplace({round_up(due, merge_within), everything_lines()}, nullptr);
    };
    for (const Milliseconds delay : everything_after) plan(now + delay);
    if (last > now + everything_after.back()) plan(last);
    once_bytes_ = once_.size() * everything_lines().size();
}

PurgeSchedule::Kept PurgeSchedule::add_repeated(const store::PlannedPurge& purge, SteadyTime now) {
    const SteadyTime until = round_up(purge.due, merge_ticks_within);
    if (until_.contains(everything_line())) {
        repeat(everything_line(), until, now);
        return Kept::as_everything;
    }
    for (const redis::PurgeItem& item : redis::items_of(purge.order))
        repeat(line_of(item), until, now);
    if (until_.size() <= repeated_max && repeated_bytes_ <= bytes_max) return Kept::by_name;
    replace_repeated(now);
    return Kept::as_everything;
}

void PurgeSchedule::repeat(const std::string& line, SteadyTime until, SteadyTime now) {
    const auto [at, is_new] = until_.try_emplace(line, until);
    at->second = std::max(at->second, until);
    if (!is_new) return;
    repeated_bytes_ += line.size();
    const SteadyTime first = round_up(now + repeat_interval, merge_ticks_within);
    ticks_.emplace(std::min(first, until), &at->first);
}

void PurgeSchedule::replace_repeated(SteadyTime now) {
    SteadyTime last = now;
    for (const auto& [line, until] : until_) last = std::max(last, until);
    ticks_.clear();
    until_.clear();
    repeated_bytes_ = 0;
    repeat(everything_line(), last, now);
}

SteadyTime PurgeSchedule::next_due() const {
    SteadyTime next = SteadyTime::max();
    if (!once_.empty()) next = std::min(next, once_.begin()->first.first);
    if (!ticks_.empty()) next = std::min(next, ticks_.begin()->first);
    return next;
}

PurgeSchedule::Due PurgeSchedule::take_due(SteadyTime now) {
    Due due;
    std::vector<redis::PurgeItem> items;
    std::vector<redis::PurgeItem> not_recorded;
    std::size_t taken = 0;
    for (; taken < taken_at_once && !once_.empty() && once_.begin()->first.first <= now; ++taken) {
        const auto first = once_.begin();
        append_items(first->first.second, first->second ? items : not_recorded);
        if (first->second) due.records.push_back(std::move(first->second));
        once_bytes_ -= first->first.second.size();
        once_.erase(first);
    }
    for (; taken < taken_at_once && !ticks_.empty() && ticks_.begin()->first <= now; ++taken) {
        const std::string& line = *ticks_.begin()->second;
        // A timer is a little late. Counted from there, each pause would be a second longer.
        SteadyTime next = ticks_.begin()->first + repeat_interval;
        if (next <= now) next = round_up(now + repeat_interval, merge_ticks_within);
        ticks_.erase(ticks_.begin());
        append_items(line + '\n', not_recorded);
        const auto known = until_.find(line);
        if (now < known->second) {
            ticks_.emplace(std::min(next, known->second), &known->first);
            continue;
        }
        repeated_bytes_ -= line.size();
        until_.erase(known);
    }
    drop_doubles(not_recorded);
    due.not_recorded = redis::order_of(not_recorded);
    std::move(not_recorded.begin(), not_recorded.end(), std::back_inserter(items));
    drop_doubles(items);
    due.order = redis::order_of(items);
    return due;
}

std::vector<store::PlannedPurge> PurgeSchedule::all() const {
    using Repeats = store::PlannedPurge::Repeats;
    std::vector<store::PlannedPurge> planned;
    std::vector<redis::PurgeItem> items;
    for (const auto& [key, record] : once_) {
        items.clear();
        append_items(key.second, items);
        planned.push_back({redis::order_of(items), key.first, Repeats::no});
    }
    std::map<SteadyTime, std::vector<redis::PurgeItem>> repeated;
    for (const auto& [line, until] : until_) append_items(line + '\n', repeated[until]);
    for (const auto& [until, names] : repeated)
        planned.push_back({redis::order_of(names), until, Repeats::yes});
    return planned;
}

void PurgeSchedule::clear() {
    once_.clear();
    ticks_.clear();
    until_.clear();
    once_bytes_ = repeated_bytes_ = 0;
}

}  // namespace larder::flow
