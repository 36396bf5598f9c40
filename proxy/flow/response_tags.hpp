#pragma once
#include <string>
#include <vector>

#include "cache/stored_response.hpp"
#include "flow/services.hpp"

/// The purge tags that only the response names: Surrogate-Key and similar fields, and the route's
/// `tags` that use response fields.
namespace larder::flow {

struct ResponseTags {
    std::vector<std::string> names;
    bool may_be_kept = true;  ///< false: too many or too long; the response must not be stored
};

/// The tags of a response to a request under a read route.
ResponseTags response_tags_of(const Config& config, const route::CompiledRoute& route,
                              const http::RequestHead& request, const http::ResponseHead& response);

/// Sets the response tags of `draft`, which is `stale` updated by a 304 or by the answer to HEAD
/// (`newer`). The ids stay empty; the store fills them in. False: too many tags, `draft` must not
/// be stored.
bool renew_response_tags(const Config& config, const route::CompiledRoute& route,
                         const http::RequestHead& request, const cache::StoredResponse& stale,
                         const http::ResponseHead& newer, cache::Draft& draft);

}  // namespace larder::flow
