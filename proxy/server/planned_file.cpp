#include "server/planned_file.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/text.hpp"
#include "redis/purge_text.hpp"

namespace larder::server {
using namespace std::chrono_literals;
namespace {

using Repeats = store::PlannedPurge::Repeats;

constexpr std::string_view header = "larder planned 1\n";
constexpr std::size_t bytes_max = 8 * 1024 * 1024;
// A purge is made soon after it was due. A kill in between must not lose it.
constexpr Milliseconds kept_after = 30s;
constexpr std::int64_t round_once_ms = 100;
constexpr std::int64_t round_repeated_ms = 1000;
constexpr std::int64_t round_ahead_ms = 1000;

std::int64_t round_up(std::int64_t value, std::int64_t step) {
    return (value + step - 1) / step * step;
}

// Takes the decimal up to the next blank from `line`.
std::optional<std::int64_t> take_time(std::string_view& line) {
    constexpr std::uint64_t latest = 1'000'000'000'000'000;
    const std::size_t end = line.find(' ');
    if (end == std::string_view::npos) return std::nullopt;
    const std::optional<std::uint64_t> time = parse_decimal(line.substr(0, end));
    if (!time || *time > latest) return std::nullopt;
    line.remove_prefix(end + 1);
    return static_cast<std::int64_t>(*time);
}

}  // namespace

std::string planned_line(const PlannedItem& planned, WallTime wall, SteadyTime steady) {
    const bool repeats = planned.repeats == Repeats::yes;
    const auto left = std::chrono::ceil<Milliseconds>(planned.due - steady);
    const std::int64_t ahead = std::max<std::int64_t>(left.count(), 0);
    const std::int64_t due = std::max<std::int64_t>(wall.time_since_epoch().count() + ahead, 0);
    std::string line;
    append_decimal(line, round_up(due, repeats ? round_repeated_ms : round_once_ms));
    line.push_back(' ');
    append_decimal(line, round_up(ahead, round_ahead_ms));
    line.append(repeats ? " r " : " o ");
    redis::append_line(planned.item, line);
    line.pop_back();
    return line;
}

std::optional<PlannedItem> parse_planned_line(std::string_view line, WallTime wall,
                                              SteadyTime steady) {
    const std::optional<std::int64_t> due = take_time(line);
    const std::optional<std::int64_t> ahead = due ? take_time(line) : std::nullopt;
    if (!ahead || line.size() < 2 || (line[0] != 'o' && line[0] != 'r') || line[1] != ' ')
        return std::nullopt;
    std::optional<redis::PurgeItem> item = redis::parse_line(line.substr(2));
    if (!item) return std::nullopt;
    const std::int64_t left = std::min(*due - wall.time_since_epoch().count(), *ahead);
    return PlannedItem{std::move(*item), steady + Milliseconds(left),
                       line[0] == 'r' ? Repeats::yes : Repeats::no};
}

PlannedFile::PlannedFile(const std::string& folder)
    : file_(folder, "planned", header), thread_([this] { run(); }) {}

PlannedFile::~PlannedFile() {
    leave();
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

std::vector<store::PlannedPurge> PlannedFile::load() {
    const WallTime wall = wall_now();
    const SteadyTime steady = steady_now();
    std::map<std::pair<SteadyTime, Repeats>, std::vector<redis::PurgeItem>> found;
    const bool good = file_.read([&](std::string_view line) {
        std::optional<PlannedItem> planned = parse_planned_line(line, wall, steady);
        if (planned) found[{planned->due, planned->repeats}].push_back(std::move(planned->item));
        return planned.has_value();
    });
    if (!good) {
        const std::string became = file_.set_aside();
        spdlog::error(
            "{} is damaged: {}. It listed purges that are due later, so everything is "
            "purged",
            file_.path(), became);
        return {{redis::order_of({redis::purge_everything()}), steady, Repeats::no}};
    }
    std::vector<store::PlannedPurge> purges;
    for (const auto& [when, items] : found)
        purges.push_back({redis::order_of(items), when.first, when.second});
    return purges;
}

void PlannedFile::follow(const std::vector<store::PlannedPurge>& planned) {
    {
        const std::scoped_lock lock(mutex_);
        for (const store::PlannedPurge& purge : planned) add(purge);
        follows_ = true;
        replaces_ = true;
        ++noted_;
    }
    changed_.notify_all();
}

void PlannedFile::leave() {
    std::unique_lock lock(mutex_);
    if (follows_) {
        progressed_.wait(lock, [this] { return told_ >= noted_; });
        follows_ = false;
    }
    lines_.clear();
    fresh_.clear();
    bytes_ = 0;
}

void PlannedFile::leave_with(const std::vector<store::PlannedPurge>& planned) {
    {
        const std::scoped_lock lock(mutex_);
        if (!follows_) return;
        lines_.clear();
        bytes_ = 0;
    }
    follow(planned);
    leave();
}

bool PlannedFile::follows() const {
    const std::scoped_lock lock(mutex_);
    return follows_;
}

void PlannedFile::note(const store::PlannedPurge& purge) {
    {
        const std::scoped_lock lock(mutex_);
        add(purge);
    }
    changed_.notify_all();
}

void PlannedFile::add(const store::PlannedPurge& purge) {
    const WallTime wall = wall_now();
    const SteadyTime steady = steady_now();
    const auto put = [&](const redis::PurgeItem& item, SteadyTime due, Repeats repeats) {
        std::string line = planned_line({item, due, repeats}, wall, steady);
        const auto [at, is_new] = lines_.try_emplace(std::move(line), due + kept_after);
        if (!is_new) return;
        bytes_ += at->first.size();
        if (!follows_) return;
        StateFile::append_record(at->first, fresh_);
        ++noted_;
    };
    for (const redis::PurgeItem& item : redis::items_of(purge.order))
        put(item, purge.due, purge.repeats);
    if (bytes_ <= bytes_max) return;
    SteadyTime last = steady;
    for (const auto& [line, until] : lines_) last = std::max(last, until - kept_after);
    lines_.clear();
    bytes_ = 0;
    replaces_ = true;
    put(redis::purge_everything(), last, Repeats::no);
}

bool PlannedFile::is_behind() const {
    const std::scoped_lock lock(mutex_);
    return follows_ && written_ < noted_;
}

void PlannedFile::when_written(std::function<void()> then) {
    {
        const std::scoped_lock lock(mutex_);
        if (follows_ && written_ < noted_) {
            waiting_.emplace_back(noted_, std::move(then));
            return;
        }
    }
    then();
}

void PlannedFile::run() {
    std::unique_lock lock(mutex_);
    const auto has_work = [this] {
        return ending_ || (follows_ && (replaces_ || !fresh_.empty()));
    };
    while (!ending_) {
        if (lines_.empty())
            changed_.wait(lock, has_work);
        else
            changed_.wait_for(lock, kept_after, has_work);
        forget_old(steady_now());
        if (!follows_) continue;
        if (!replaces_ && fresh_.empty()) continue;
        const bool whole = std::exchange(replaces_, false) || !is_whole_ || file_.has_grown();
        std::string records = whole ? all_records() : std::exchange(fresh_, {});
        fresh_.clear();
        const std::uint64_t noted = noted_;
        lock.unlock();
        write(whole, records);
        tell_written(noted);
        file_.sync();
        lock.lock();
    }
}

void PlannedFile::forget_old(SteadyTime now) {
    if (now < forget_at_) return;
    forget_at_ = now + kept_after;
    const std::size_t forgotten =
        std::erase_if(lines_, [now](const auto& line) { return line.second <= now; });
    if (forgotten == 0) return;
    bytes_ = 0;
    for (const auto& [line, until] : lines_) bytes_ += line.size();
    replaces_ |= lines_.empty();
}

std::string PlannedFile::all_records() const {
    std::string records;
    for (const auto& [line, until] : lines_) StateFile::append_record(line, records);
    return records;
}

void PlannedFile::write(bool whole, const std::string& records) {
    const bool good = whole ? file_.replace(records) : file_.append(records);
    if (!good && is_whole_)
        spdlog::error(
            "cannot write {}: {}. Purges that are due later would be lost if the process were "
            "killed now",
            file_.path(), std::strerror(errno));
    is_whole_ = good;
}

void PlannedFile::tell_written(std::uint64_t position) {
    std::vector<std::function<void()>> done;
    {
        const std::scoped_lock lock(mutex_);
        written_ = position;
        const auto first_done = std::stable_partition(
            waiting_.begin(), waiting_.end(),
            [position](const auto& waiting) { return waiting.first > position; });
        for (auto waiting = first_done; waiting != waiting_.end(); ++waiting)
            done.push_back(std::move(waiting->second));
        waiting_.erase(first_done, waiting_.end());
    }
    for (const auto& then : done) then();
    {
        const std::scoped_lock lock(mutex_);
        told_ = position;
    }
    progressed_.notify_all();
}

}  // namespace larder::server
