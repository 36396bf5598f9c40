#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "admin/backend.hpp"

namespace larder::admin {

inline constexpr std::size_t purge_items_max = 10'000;       ///< in one order, all kinds together
inline constexpr std::size_t purge_item_bytes_max = 16'384;  ///< of one key, pattern, tag or URL

/// The order in the body of POST /purge, or a sentence that says what is wrong. Strict: a
/// half-understood order would leave entries that its sender believes purged.
[[nodiscard]] std::variant<PurgeOrder, std::string> parse_purge_body(std::string_view body);

/// The answer of POST /purge.
[[nodiscard]] JsonAnswer to_answer(const PurgeResult& result);

}  // namespace larder::admin
