#pragma once
#include <string_view>

namespace larder::admin {

/// The page of GET /. It is self-contained and asks /stats for the figures every two seconds.
[[nodiscard]] std::string_view admin_page();

}  // namespace larder::admin
