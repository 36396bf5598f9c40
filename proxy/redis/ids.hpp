#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "base/hex.hpp"
#include "base/text.hpp"

/// The values of tags, extension ids and response tags, taken apart.
///   tag, extension:  random[:soft]
///   response tag:    clock:random[:softclock-random], clock: the purge clock when it was made
/// An entry is valid while the part before the soft mark is the one it was filled under, and
/// soft-purged when the mark differs.
namespace larder::redis {

/// How long an id lives if nothing prolongs it. An entry that lives longer prolongs it.
inline constexpr Milliseconds id_lifetime = std::chrono::hours(24);

/// The same for an id of a rule tag or an extension that a lease makes: of keys that live briefly
/// nothing is to stay for long.
inline constexpr Milliseconds new_id_lifetime = std::chrono::minutes(10);

/// How long the bookkeeping of an entry must live, and how long it is made to where it would not.
struct BookkeepingLives {
    Milliseconds needed;
    Milliseconds prolonged;
};
inline BookkeepingLives bookkeeping_lives(Milliseconds entry) {
    constexpr Milliseconds slack = std::chrono::seconds(60);
    const Milliseconds needed = entry + slack;
    return {needed, std::max<Milliseconds>(new_id_lifetime, 2 * needed)};
}

/// The name under which an entry carries its extension id among its tags. It is empty, as no
/// pattern is.
inline constexpr std::string_view extension_name;

// The fields of an entry's hash that concern all its variants.
/// The guard. A variant names the one it was filled under, and is valid only beside that: a fill
/// writes into the hash of its guard, and moves it. After a purge the hash that it writes into is
/// another one, which has no guard.
inline constexpr std::string_view guard_field = "larder";
/// Who has filled it last: a name that no other fill has, and the indexes it is noted in.
inline constexpr std::string_view mark_field = "larder:fill";
inline constexpr std::string_view soft_field = "soft";
/// The lock that the guard carries (script::carried_part). At an entry it means nothing.
inline constexpr std::string_view lock_field = "lock";

/// The value of a guard or an id that stands for a write under way (script::hold_key): nothing may
/// be stored under it.
inline bool is_held(std::string_view id) { return id.starts_with("held:"); }

/// Of an id of 16 hexadecimal digits, as random_id makes them.
inline std::optional<std::uint64_t> parse_id(std::string_view text) {
    if (text.size() != 16) return std::nullopt;
    std::uint64_t id = 0;
    for (const char digit : text) {
        const int value = hex_value(digit);
        if (value < 0) return std::nullopt;
        id = id << 4 | static_cast<std::uint64_t>(value);
    }
    if (id == 0) return std::nullopt;
    return id;
}

/// Whether larder has made this value of a tag or an extension.
inline bool is_own_id(std::string_view id) {
    return is_held(id) || parse_id(id.substr(0, id.find(':'))).has_value();
}

inline std::string_view hard_part(std::string_view id) { return id.substr(0, id.find(':')); }

inline std::string_view hard_part_of_response_tag(std::string_view id) {
    const std::size_t first = id.find(':');
    return first == id.npos ? id : id.substr(0, id.find(':', first + 1));
}

/// The random part of a response tag, which names its index.
inline std::string_view index_part(std::string_view response_tag_id) {
    const std::string_view hard = hard_part_of_response_tag(response_tag_id);
    const std::size_t colon = hard.find(':');
    return colon == hard.npos ? hard : hard.substr(colon + 1);
}

/// The clock of the last purge, hard or soft, that a response tag's value tells of.
inline std::optional<std::uint64_t> last_purge_of(std::string_view id) {
    const auto hard = parse_decimal(id.substr(0, id.find(':')));
    const std::string_view mark = id.substr(hard_part_of_response_tag(id).size());
    if (!hard || mark.empty()) return hard;
    const auto soft = parse_decimal(mark.substr(1, mark.find('-') - 1));
    if (!soft) return std::nullopt;
    return std::max(*hard, *soft);
}

}  // namespace larder::redis
