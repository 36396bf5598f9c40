#pragma once
#include <string>
#include <string_view>

namespace larder::admin {

/// The dashboard of GET /: one page with its script and style in it, which asks this server only.
/// `offers`: the paths that this server has, so that the page shows what it can ask for.
[[nodiscard]] std::string admin_page(std::string_view offers);

/// Its Content-Security-Policy: nothing runs but that script and that style, named by their hashes.
[[nodiscard]] const std::string& admin_page_policy();

}  // namespace larder::admin
