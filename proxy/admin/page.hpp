#pragma once
#include <string_view>

namespace larder::admin {

/// The page of GET /: self-contained, holds no figures itself, asks /stats for them every two
/// seconds.
[[nodiscard]] std::string_view admin_page();

}  // namespace larder::admin
