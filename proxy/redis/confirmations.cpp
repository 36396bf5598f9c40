#include "redis/confirmations.hpp"

#include <algorithm>
#include <iterator>

namespace larder::redis {
namespace {

/// The text up to the next blank, which is dropped with it.
std::string_view take_word(std::string_view& line) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

bool has_flag(std::string_view flags, std::string_view flag) {
    while (!flags.empty()) {
        const std::size_t end = std::min(flags.find(','), flags.size());
        if (flags.substr(0, end) == flag) return true;
        flags.remove_prefix(std::min(end + 1, flags.size()));
    }
    return false;
}

}  // namespace

// "07c3... 127.0.0.1:6381@16381,host myself,master - 0 1426238316232 2 connected 5461-10922"
std::optional<NodeWord> read_word(std::string_view nodes) {
    constexpr int fields_before_slots = 5;  // master, ping sent, pong received, epoch, link
    NodeWord word;
    while (!nodes.empty()) {
        const std::size_t end = std::min(nodes.find('\n'), nodes.size());
        std::string_view line = nodes.substr(0, end);
        nodes.remove_prefix(std::min(end + 1, nodes.size()));
        const std::string_view id = take_word(line);
        take_word(line);  // its address
        const std::string_view flags = take_word(line);
        for (int field = 0; field < fields_before_slots; ++field) take_word(line);
        const bool is_master = has_flag(flags, "master");
        if (has_flag(flags, "myself")) {
            word.myself = id;
            word.is_master = is_master;
            continue;
        }
        const bool is_reached = !has_flag(flags, "fail?") && !has_flag(flags, "fail") &&
                                !has_flag(flags, "handshake") && !has_flag(flags, "noaddr");
        if (is_master && is_reached && !line.empty()) word.masters.emplace_back(id);
    }
    if (word.myself.empty()) return std::nullopt;
    return word;
}

void Confirmations::heard(const NodeWord& word, SteadyTime asked_at) {
    // What is too old counts no more, so what is kept stays small.
    const auto is_old = [asked_at](const auto& said) {
        return said.second + word_counts_for < asked_at;
    };
    for (auto one = said_.begin(); one != said_.end();) {
        std::erase_if(one->second, is_old);
        one = one->second.empty() ? said_.erase(one) : std::next(one);
    }
    if (!word.is_master) return;
    for (const std::string& master : word.masters) {
        SteadyTime& at = said_[master][word.myself];
        at = std::max(at, asked_at);
    }
}

SteadyTime Confirmations::until(const std::string& id, int masters) const {
    const int needed = words_needed(masters);
    if (needed <= 0) return SteadyTime::max();
    const auto said = said_.find(id);
    if (said == said_.end() || said->second.size() < static_cast<std::size_t>(needed)) return {};
    std::vector<SteadyTime> times;
    for (const auto& [who, at] : said->second) times.push_back(at);
    std::sort(times.rbegin(), times.rend());
    return times[static_cast<std::size_t>(needed) - 1] + word_counts_for;
}

}  // namespace larder::redis
