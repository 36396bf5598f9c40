#pragma once
#include <string_view>

#include "base/clock.hpp"
#include "http/message.hpp"
#include "settings/settings.hpp"

namespace larder::cache {

/// What granted a response its lifetime, in words for people: "Cache-Control: s-maxage", "ttl of
/// the route".
std::string_view lifetime_source(const http::ResponseHead& response, const settings::Route& rule,
                                 WallTime received_at);

}  // namespace larder::cache
