#include "admin/explain_query.hpp"
#include "admin/purge_body.hpp"
#include "fuzz/fuzz.hpp"

namespace larder::fuzz {

// What the admin's address takes: the body of POST /purge, the query of GET /explain.
void admin_input(std::string_view input) {
    const auto purge = admin::parse_purge_body(input);
    if (const auto* why = std::get_if<std::string>(&purge))
        require(!why->empty(), "a refusal says why");
    const auto question = admin::parse_explain_query(input);
    if (const auto* why = std::get_if<std::string>(&question))
        require(!why->empty(), "a refusal says why");
}

}  // namespace larder::fuzz
