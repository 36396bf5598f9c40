#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "admin/backend.hpp"

namespace larder::admin {

/// The question in the query of GET /explain: `url`, `method` (GET where absent), and any number of
/// `header=Name: value`; or a sentence that says what is wrong with it.
[[nodiscard]] std::variant<ExplainQuestion, std::string> parse_explain_query(
    std::string_view query);

}  // namespace larder::admin
