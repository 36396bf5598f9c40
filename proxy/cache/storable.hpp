#pragma once
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "cache/outcome.hpp"
#include "cache/stored_response.hpp"
#include "http/message.hpp"
#include "settings/settings.hpp"

namespace larder::cache {

struct StoreDecision {
    Detail reason = Detail::none;  ///< none: store it
    Freshness freshness;
    std::vector<std::string>
        vary;  ///< lower-case names, sorted, without duplicates; empty under ignore: [vary];
               ///< accept-encoding is among them where the response has a content coding
    std::vector<std::string> omit;  ///< lower-case names of fields not to be stored (private="..",
                                    ///< no-cache="..", and X-Request-Id)
};

/// Whether a response may be stored (RFC 9111, 3). The head of the final response decides: to a GET
/// or HEAD, or to a QUERY or POST under a read route. `requested_at` and `received_at` as in RFC
/// 9111, 4.2.3. `personal_reason` is what `personal` said of the request. Only the body or the
/// store knows of `too_large`, `truncated` and `purged_during_fetch`, so these are never the reason
/// here.
StoreDecision decide_storable(const http::RequestHead& request, const http::ResponseHead& response,
                              const settings::Route& rule, Detail personal_reason,
                              WallTime requested_at, WallTime received_at);

}  // namespace larder::cache
