#pragma once
#include <string>
#include <vector>

#include "cache/stored_response.hpp"
#include "flow/services.hpp"

/// The names that only a response gives to purge it by: Surrogate-Key and the like, and what the
/// route's `tags` make of it.
namespace larder::flow {

struct ResponseTags {
    std::vector<std::string> names;
    bool may_be_kept = true;  ///< false: there are more, or longer ones, than are kept; the
                              ///< response must not be stored
};

/// Of a response to a request under a read route.
ResponseTags response_tags_of(const Config& config, const route::CompiledRoute& route,
                              const http::RequestHead& request, const http::ResponseHead& response);

/// Gives `entry`, which is `stale` brought up to date by a 304 or by the answer to HEAD (`newer`),
/// the response tags that it has now, without ids: the store fills those in. False: they may not be
/// kept, and `entry` must not be stored.
bool renew_response_tags(const Config& config, const route::CompiledRoute& route,
                         const http::RequestHead& request, const cache::StoredResponse& stale,
                         const http::ResponseHead& newer, cache::StoredResponse& entry);

}  // namespace larder::flow
