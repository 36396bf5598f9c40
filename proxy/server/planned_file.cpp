#include "server/planned_file.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "redis/purge_text.hpp"

namespace larder::server {
using namespace std::chrono_literals;
namespace {

using Repeats = store::PlannedPurge::Repeats;

constexpr std::string_view header = "larder planned 1\n";
constexpr std::string_view rules_begin = "rules ";
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

PlannedFile::PlannedFile(const std::string& folder, std::function<std::string()> reach)
    : reach_(std::move(reach)),
      writer_({folder, "planned", header, StateWriter::Tells::when_written,
               "Purges that are due later", [this] { return all_records(); },
               [this] { forget_old(steady_now()); }}) {}

PlannedFile::~PlannedFile() { leave(); }

std::vector<store::PlannedPurge> PlannedFile::load() {
    const StateFile& file = writer_.file();
    const WallTime wall = wall_now();
    const SteadyTime steady = steady_now();
    std::map<std::pair<SteadyTime, Repeats>, std::vector<redis::PurgeItem>> found;
    std::string rules;
    const bool good = file.read([&](std::string_view line) {
        if (line.starts_with(rules_begin)) {
            rules = line.substr(rules_begin.size());
            return true;
        }
        std::optional<PlannedItem> planned = parse_planned_line(line, wall, steady);
        if (planned) found[{planned->due, planned->repeats}].push_back(std::move(planned->item));
        return planned.has_value();
    });
    if (!good) {
        const std::string became = file.set_aside();
        spdlog::error(
            "{} is damaged: {}. It listed purges that are due later, so everything is "
            "purged",
            file.path(), became);
        return {{redis::order_of({redis::purge_everything()}), steady, Repeats::no}};
    }
    // By other rules these names are of other entries.
    const bool same_rules = !reach_ || rules == reach_();
    std::vector<store::PlannedPurge> purges;
    for (const auto& [when, items] : found)
        purges.push_back(
            {same_rules ? redis::order_of(items) : redis::order_of({redis::purge_everything()}),
             when.first, when.second});
    return purges;
}

void PlannedFile::follow(const std::vector<store::PlannedPurge>& planned) {
    const std::scoped_lock lock(mutex_);
    for (const store::PlannedPurge& purge : planned) add(purge);
    writer_.start();
}

void PlannedFile::leave() {
    writer_.stop();
    forget_all();
}

bool PlannedFile::leave_with(const std::vector<store::PlannedPurge>& planned, SteadyTime until) {
    forget_all();
    follow(planned);
    const bool is_kept = writer_.is_kept(until);
    leave();
    return is_kept;
}

void PlannedFile::note(const store::PlannedPurge& purge) {
    const std::scoped_lock lock(mutex_);
    add(purge);
}

void PlannedFile::add(const store::PlannedPurge& purge) {
    const WallTime wall = wall_now();
    const SteadyTime steady = steady_now();
    for (const redis::PurgeItem& item : redis::items_of(purge.order))
        put(planned_line({item, purge.due, purge.repeats}, wall, steady), purge.due + kept_after);
    if (bytes_ <= bytes_max) return;
    SteadyTime last = steady + kept_after;
    for (const auto& [line, until] : lines_) last = std::max(last, until);
    lines_.clear();
    bytes_ = 0;
    put(planned_line({redis::purge_everything(), last - kept_after, Repeats::no}, wall, steady),
        last);
    writer_.renew();
}

void PlannedFile::put(std::string line, SteadyTime until) {
    const auto [at, is_new] = lines_.try_emplace(std::move(line), until);
    if (!is_new) return;
    bytes_ += at->first.size();
    std::string record;
    StateFile::append_record(at->first, record);
    writer_.append(record);
}

void PlannedFile::forget_old(SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    if (now < forget_at_) return;
    forget_at_ = now + kept_after;
    const std::size_t forgotten =
        std::erase_if(lines_, [now](const auto& line) { return line.second <= now; });
    if (forgotten == 0) return;
    bytes_ = 0;
    for (const auto& [line, until] : lines_) bytes_ += line.size();
    if (lines_.empty()) writer_.renew();
}

void PlannedFile::forget_all() {
    const std::scoped_lock lock(mutex_);
    lines_.clear();
    bytes_ = 0;
}

std::string PlannedFile::all_records() const {
    const std::scoped_lock lock(mutex_);
    std::string records;
    if (reach_) StateFile::append_record(std::string(rules_begin) + reach_(), records);
    for (const auto& [line, until] : lines_) StateFile::append_record(line, records);
    return records;
}

}  // namespace larder::server
