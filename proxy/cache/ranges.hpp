#pragma once
#include <cstdint>
#include <string_view>

#include "cache/response_facts.hpp"
#include "http/message.hpp"

namespace larder::cache {

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;  ///< inclusive
};

enum class RangeVerdict : std::uint8_t {
    whole,          ///< no usable Range (or If-Range does not match): send the 200
    partial,        ///< one range: 206
    unsatisfiable,  ///< 416 with Content-Range: bytes */size
};

struct RangeDecision {
    RangeVerdict verdict = RangeVerdict::whole;
    ByteRange range;
};

/// Which part of a 200 the request asks for (RFC 9110, 14). Only the Range of a GET counts. Several
/// ranges are joined where they overlap or touch; else the whole is served.
RangeDecision decide_range(const http::RequestHead& request, std::string_view etag,
                           std::string_view last_modified, std::uint64_t size);

/// The same for a response of any status and length: all but a 200 of known length is served whole.
/// A date in If-Range only counts where Last-Modified is a strong validator, a second or more
/// before Date (RFC 9110, 8.8.2.2).
RangeDecision decide_range(const http::RequestHead& request, const ResponseFacts& response);

}  // namespace larder::cache
