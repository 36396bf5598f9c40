#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "redis/journal.hpp"

/// The messages between the two processes of a hand-over. A body is text: the first line belongs to
/// the message, further lines are purges (redis/purge_text.hpp). Both processes run on one machine,
/// perhaps in different versions: an unknown kind is skipped.
namespace larder::server::message {

// From the predecessor.
inline constexpr char hello =
    'h';  ///< the name of its Redis, and how long purges are remembered there
inline constexpr char rules =
    'n';  ///< a digest of under which names its purges find entries (RouteTable::reach)
inline constexpr char remembered = 'm';  ///< a part of the purge history
inline constexpr char owed = 'o';        ///< a part of the journal
inline constexpr char inherited = 'i';   ///< history and journal are complete
inline constexpr char purge = 'p';       ///< a purge it has just made
inline constexpr char later = 'l';       ///< a purge that is due later
inline constexpr char repeated =
    'r';  ///< as `later`, and every few seconds until then; older versions skip it
inline constexpr char silent = 's';  ///< it no longer answers from its memory tier
inline constexpr char marks =
    'k';  ///< since when its purge history is complete (redis::HistoryMarks), a line each
inline constexpr char finished = 'f';  ///< all its work is done

// From the successor.
inline constexpr char step_back =
    'b';  ///< the name of its Redis; it serves as soon as `silent` comes
inline constexpr char acknowledged = 'a';  ///< the number of a purge it has done

// From both.
inline constexpr char alive = 'v';  ///< a sign of life: when it was sent; older versions send none

struct Hello {
    std::string redis;
    Milliseconds lifetime{0};
};
[[nodiscard]] std::string to_body(const Hello& said);
[[nodiscard]] std::optional<Hello> parse_hello(std::string_view body);

struct Purge {
    std::uint64_t number = 0;
    bool delivered = false;  ///< the predecessor's Redis has acknowledged it
    std::vector<redis::PurgeItem> items;
};
[[nodiscard]] std::string to_body(const Purge& said);
[[nodiscard]] std::optional<Purge> parse_purge(std::string_view body);

struct Later {
    Milliseconds due_in{0};
    std::vector<redis::PurgeItem> items;
};
[[nodiscard]] std::string to_body(const Later& said);
[[nodiscard]] std::optional<Later> parse_later(std::string_view body);

/// Both processes read the same steady clock: it is that of the machine.
[[nodiscard]] std::string alive_body(SteadyTime sent);
/// When it was sent. `now` if that is said to be later.
[[nodiscard]] std::optional<SteadyTime> parse_alive(std::string_view body, SteadyTime now);

}  // namespace larder::server::message
