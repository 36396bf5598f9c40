#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/journal.hpp"
#include "redis/store.hpp"

/// Purges as text, for a file and for another process: one item a line, "kh articles:42" (the kind,
/// hard or soft, the name). '%', blanks and control bytes of a name are percent-encoded, so that a
/// line has no other line end in it.
namespace larder::redis {

void append_line(const PurgeItem& item, std::string& out);
/// Nothing where the line is none of these.
[[nodiscard]] std::optional<PurgeItem> parse_line(std::string_view line);

[[nodiscard]] std::string to_lines(const std::vector<PurgeItem>& items);
/// Nothing where one line is malformed or the last one has no end.
[[nodiscard]] std::optional<std::vector<PurgeItem>> parse_lines(std::string_view lines);

/// The same with the milliseconds that each is still to be remembered: "86400000 kh articles:42".
[[nodiscard]] std::string to_lines(const std::vector<PurgeHistory::Remembered>& remembered);
[[nodiscard]] std::optional<std::vector<PurgeHistory::Remembered>> parse_remembered(
    std::string_view lines);

[[nodiscard]] std::vector<PurgeItem> items_of(const store::PurgeOrder& order);
/// Items of one order are all hard, or all soft: a mixture becomes hard.
[[nodiscard]] store::PurgeOrder order_of(const std::vector<PurgeItem>& items);

}  // namespace larder::redis
