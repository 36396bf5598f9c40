#include "redis/sentinel_words.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace larder::redis {
namespace {

using namespace std::chrono_literals;

// A sentinel hears of a failover from the others within about 2 s (SENTINEL_PUBLISH_PERIOD). Where
// a higher epoch was not heard of for longer than this, the sentinels were made anew.
constexpr Milliseconds longest_lag = 5s;

std::optional<RedisAddress> read_address(const RedisReply& host, const RedisReply& port) {
    if (!host.is_text() || host.text.empty()) return std::nullopt;
    const auto number = parse_decimal(port.text);
    if (!number || *number == 0 || *number > 65535) return std::nullopt;
    return RedisAddress{host.text, static_cast<std::uint16_t>(*number)};
}

/// The value that stands behind the name in SENTINEL MASTER's flat list; an empty one: it is not
/// there.
const RedisReply& value_of(const RedisReply& list, std::string_view name) {
    static const RedisReply none;
    for (std::size_t i = 0; i + 1 < list.items.size(); i += 2)
        if (list.items[i].text == name) return list.items[i + 1];
    return none;
}

}  // namespace

std::optional<SentinelWord> read_sentinel_word(const RedisReply& master,
                                               const RedisReply& address) {
    if (address.items.size() != 2) return std::nullopt;
    const auto named = read_address(address.items[0], address.items[1]);
    if (!named) return std::nullopt;
    SentinelWord word;
    word.master = *named;
    word.epoch = parse_decimal(value_of(master, "config-epoch").text).value_or(0);
    const auto others = parse_decimal(value_of(master, "num-other-sentinels").text);
    if (others) word.group = static_cast<std::size_t>(*others) + 1;
    // Once the replica is promoted, the sentinel names it already, but still leads its entry under
    // the old address until the other replicas follow.
    const auto entry = read_address(value_of(master, "ip"), value_of(master, "port"));
    const std::string& flags = value_of(master, "flags").text;
    word.is_failing_over = entry == named && flags.find("failover_in_progress") != flags.npos;
    return word;
}

void SentinelWords::heard(std::size_t sentinel, SentinelWord word, SteadyTime asked_at) {
    said_[sentinel] = {std::move(word), asked_at};
}

/// How many sentinels must be heard, so that the rest of their group is no majority. Where fewer
/// are listed than the group has, or the group is not told, half of the listed.
std::size_t SentinelWords::needed(std::uint64_t epoch) const {
    std::size_t group = 0;
    for (const Said& said : said_)
        if (said.word.epoch == epoch) group = std::max(group, said.word.group);
    const std::size_t half = (said_.size() + 1) / 2;
    return group == 0 ? half : std::min(half, (group + 1) / 2);
}

/// Whether words of that epoch, the newest that was heard of late, are to be believed.
bool SentinelWords::accepts(std::uint64_t epoch, std::size_t heard, SteadyTime now) {
    if (epoch >= epoch_) return true;
    return heard >= needed(epoch) && now - epoch_at_ > longest_lag;
}

SentinelWords::Judgement SentinelWords::judge(const RedisAddress& present,
                                              const RedisAddress& avoided, SteadyTime now) {
    std::vector<const Said*> recent;
    for (const Said& said : said_)
        if (said.asked_at != SteadyTime{} && now < said.asked_at + sentinel_counts_for)
            recent.push_back(&said);
    if (recent.empty()) return {std::nullopt, MasterDoubt::unheard};
    std::sort(recent.begin(), recent.end(),
              [](const Said* one, const Said* other) { return one->asked_at > other->asked_at; });
    std::uint64_t epoch = 0;
    for (const Said* said : recent) epoch = std::max(epoch, said->word.epoch);
    if (!accepts(epoch, recent.size(), now)) return {std::nullopt, MasterDoubt::outdated};
    const auto rank = [&](const Said* said) {
        if (said->word.epoch != epoch) return 0;
        if (said->word.master == avoided) return 1;
        return said->word.master == present ? 3 : 2;
    };
    const Said* const best = *std::max_element(
        recent.begin(), recent.end(),
        [&](const Said* one, const Said* other) { return rank(one) < rank(other); });
    epoch_ = epoch;
    epoch_at_ = best->asked_at;
    const RedisAddress& master = best->word.master;
    const bool is_leaving = std::any_of(recent.begin(), recent.end(), [&](const Said* said) {
        return said->word.is_failing_over && said->word.master == master;
    });
    if (is_leaving) return {master, MasterDoubt::failing_over};
    const std::size_t count = needed(epoch);
    if (recent.size() < count) return {master, MasterDoubt::few};
    const SteadyTime oldest = std::min(best->asked_at, recent[count - 1]->asked_at);
    return {master, MasterDoubt::none, oldest + sentinel_counts_for};
}

}  // namespace larder::redis
