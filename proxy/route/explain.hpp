#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "route/offline_request.hpp"
#include "route/route_table.hpp"

namespace larder::route {

/// What the configuration alone says about a request: no cache, no origin is asked.
struct Explanation {
    std::string request;                   ///< "GET /articles/42"
    std::string host;                      ///< empty: none given
    const CompiledRoute* route = nullptr;  ///< null: no route takes it
    std::string why;                       ///< a sentence: which route and why, or why none
    bool readable = false;                 ///< a read route took it; key, tags and lifetime are set
    bool bypass = false;                   ///< `query: bypass` sends it straight through
    bool needless_encoding = false;  ///< the same because of how a parameter's name is written
    bool unusable_body = false;      ///< the same because of its body (KeyInfo::unusable_body)
    std::string key;
    std::vector<std::string> tags;
    std::vector<std::string>
        response_tags;  ///< as written: their values are known only with the response
    std::vector<std::string>
        lifetime;         ///< the rules in force, in the order they apply, a sentence each
    bool unsafe = false;  ///< it purges `purges` once the origin has answered it
    PurgeSet purges;      ///< {json:} counts as not found
};

Explanation explain(const RouteTable& table, const http::RequestHead& request);

/// "60s", or "1500ms" where it is not whole seconds.
std::string lifetime_text(std::chrono::milliseconds value);

/// Several lines, each ended by a newline.
std::string to_text(const Explanation& explanation);

}  // namespace larder::route
