#include "redis/troubles.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace larder::redis {
namespace {

constexpr double lines_max = 6;
constexpr double seconds_a_line = 10;

constexpr std::array<std::string_view, static_cast<std::size_t>(RedisWork::count_)> words{
    "use",      "read",         "store", "purge",     "identity",
    "tracking", "subscription", "news",  "sentinels", "other"};

/// What it means, before the cause.
std::string_view meaning_of(RedisWork work) {
    switch (work) {
        case RedisWork::use:
            return "cannot be used, requests go to the origin meanwhile";
        case RedisWork::read:
            return "refuses reads, requests go to the origin meanwhile";
        case RedisWork::store:
            return "does not store; what is stored is still served and purged";
        case RedisWork::purge:
            return "refuses purges; nothing is served from it before they are done";
        case RedisWork::identity:
            return "does not say which server it is; when one connection is lost, all are made "
                   "anew";
        case RedisWork::tracking:
            return "does not tell of changes, so the memory tier stays off";
        case RedisWork::subscription:
            return "refuses subscriptions, so the memory tier stays off, and after a restart of "
                   "Redis all is fetched anew";
        case RedisWork::news:
            return "does not pass on to the other instances what was purged";
        case RedisWork::sentinels:
            return "not all sentinels are of use";
        case RedisWork::other:
        case RedisWork::count_:
            break;
    }
    return "has refused a command";
}

std::string_view end_of(RedisWork work) {
    switch (work) {
        case RedisWork::use:
            return "can be used again";
        case RedisWork::read:
            return "answers reads again";
        case RedisWork::store:
            return "stores again";
        case RedisWork::purge:
            return "takes purges again";
        case RedisWork::identity:
            return "says which server it is";
        case RedisWork::tracking:
            return "tells of changes";
        case RedisWork::subscription:
            return "takes subscriptions";
        case RedisWork::news:
            return "passes on what was purged";
        case RedisWork::sentinels:
            return "all sentinels that were asked have answered";
        case RedisWork::other:
        case RedisWork::count_:
            break;
    }
    return "is well";
}

std::string in_seconds(SteadyClock::duration time) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(time).count());
    return text;
}

}  // namespace

std::string_view to_word(RedisWork work) { return words[static_cast<std::size_t>(work)]; }

bool RedisTroubles::may_say(State& state, SteadyTime now) {
    if (!std::exchange(state.filled_once, true)) {
        state.lines = lines_max;
        state.refilled = now;
    }
    const double passed = std::chrono::duration<double>(now - state.refilled).count();
    state.lines = std::min(lines_max, state.lines + passed / seconds_a_line);
    state.refilled = now;
    if (state.lines < 1) return false;
    state.lines -= 1;
    return true;
}

std::optional<RedisTroubles::Line> RedisTroubles::failed(RedisTrouble trouble, SteadyTime now) {
    trouble.since = trouble.last = now;
    last_ = trouble;
    if (trouble.work == RedisWork::other) return std::nullopt;
    State& state = states_[static_cast<std::size_t>(trouble.work)];
    const bool same = state.trouble && state.trouble->reason == trouble.reason;
    if (state.trouble) trouble.since = state.trouble->since;
    state.trouble = std::move(trouble);
    if (same && state.said) return std::nullopt;
    state.said = may_say(state, now);
    if (!state.said) return std::nullopt;
    const RedisTrouble& told = *state.trouble;
    std::string text(meaning_of(told.work));
    text.append(": ").append(told.text);
    if (!told.command.empty()) text.append(" (").append(told.command).append(")");
    text.append("; ").append(told.remedy);
    const bool grave = told.work == RedisWork::use || told.work == RedisWork::purge;
    return Line{false, grave, std::move(text)};
}

std::optional<RedisTroubles::Line> RedisTroubles::works(RedisWork work, SteadyTime now) {
    State& state = states_[static_cast<std::size_t>(work)];
    if (!state.trouble) return std::nullopt;
    const RedisTrouble over = *std::exchange(state.trouble, std::nullopt);
    if (!std::exchange(state.said, false) || !may_say(state, now)) return std::nullopt;
    return Line{true, false, std::string(end_of(work)) + ", after " + in_seconds(now - over.since)};
}

std::vector<RedisTrouble> RedisTroubles::present() const {
    std::vector<RedisTrouble> out;
    for (const State& state : states_)
        if (state.trouble) out.push_back(*state.trouble);
    return out;
}

}  // namespace larder::redis
