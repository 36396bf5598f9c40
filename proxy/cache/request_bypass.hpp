#pragma once
#include <span>
#include <string>

#include "cache/outcome.hpp"
#include "http/message.hpp"

namespace larder::cache {

/// Whether a read request stays out of the cache altogether, and why. `none`: it does not.
/// * `upgrade`: the request asks for another protocol.
/// * `body`: a read request with a body.
/// * `unsafe_header`: a field claims another method, path or user than the request has, or, from a
///   trusted peer, another scheme, host, port or prefix than the origin is told in
///   X-Forwarded-Proto and X-Forwarded-Host (http/claims.hpp); or Connection removes a field that
///   the key or Vary may depend on.
/// * `pass`: If-Match or If-Unmodified-Since, which only the origin can judge.
///
/// `key_headers`: lower-case names of the fields that the route's key holds. Authorization and
/// Cookie do not decide here: see `personal`.
Detail request_bypass(const http::RequestHead& request,
                      std::span<const std::string> key_headers = {});

}  // namespace larder::cache
