#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "admin/backend.hpp"

namespace larder::admin {

inline constexpr std::size_t purge_items_max = 10'000;       ///< in one order, all kinds together
inline constexpr std::size_t purge_item_bytes_max = 16'384;  ///< of one key, pattern, tag or URL

/// The order in the body of POST /purge, or a sentence that says what is wrong with it. Strict: a
/// purge that is understood half would leave entries that its sender takes for gone.
[[nodiscard]] std::variant<PurgeOrder, std::string> parse_purge_body(std::string_view body);

/// What POST /purge answers.
[[nodiscard]] JsonAnswer to_answer(const PurgeResult& result);

}  // namespace larder::admin
