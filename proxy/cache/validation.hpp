#pragma once
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "cache/outcome.hpp"
#include "cache/stored_response.hpp"
#include "http/message.hpp"
#include "settings/settings.hpp"

namespace larder::cache {

/// The validators to send to the origin for a stored response: If-None-Match and/or
/// If-Modified-Since lines with CRLF.
std::string conditional_fields(const StoredResponse& stored);

/// The stored response, updated by a 304 (RFC 9111, 4.3.4 and 3.2). The fields of the 304 replace
/// the stored ones, except the excluded ones (Content-Length, Content-Encoding, Content-Range,
/// Transfer-Encoding, hop-by-hop fields and those that no-cache or private name). The freshness is
/// worked out anew. `variant`, tags and ids are taken over. The caller builds the variant anew
/// where `vary` differs from the stored one, and works out the response tags. Null where the 304
/// does not belong to the stored response (another strong ETag, or the stored response has no
/// validator to ask the origin with; `reason` is none), or where the result may no longer be stored
/// (`reason` says why).
std::unique_ptr<Draft> freshen(const StoredResponse& stored, const http::RequestHead& request,
                               const http::ResponseHead& not_modified, const settings::Route& rule,
                               Detail personal_reason, WallTime requested_at, WallTime received_at,
                               Detail& reason);

/// The same for a 200 that answered HEAD (RFC 9111, 4.3.5). Its fields update the stored ones where
/// its ETag or its Last-Modified is the stored one, and none of ETag, Last-Modified,
/// Content-Encoding and Content-Length contradicts; else null with reason none. Without a validator
/// in both, nothing tells whether the body is still the same.
std::unique_ptr<Draft> freshen_from_head(const StoredResponse& stored,
                                         const http::RequestHead& request,
                                         const http::ResponseHead& response,
                                         const settings::Route& rule, Detail personal_reason,
                                         WallTime requested_at, WallTime received_at,
                                         Detail& reason);

}  // namespace larder::cache
