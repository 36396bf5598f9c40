#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "admin/backend.hpp"

namespace larder::admin {

/// The question in the query of GET /explain: `url`, `method` (default GET), and any number of
/// `header=Name: value`. Or a sentence that says what is wrong.
[[nodiscard]] std::variant<ExplainQuestion, std::string> parse_explain_query(
    std::string_view query);

}  // namespace larder::admin
