#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cache/outcome.hpp"
#include "settings/settings.hpp"

namespace larder::flow {

/// `fwd` of RFC 9211; none: a hit.
enum class Forward : std::uint8_t { none, uri_miss, vary_miss, stale, bypass, method, request };

/// What larder did with a request: the source of X-Cache and Cache-Status, of the log and of the
/// metrics.
struct Outcome {
    cache::XCache x_cache = cache::XCache::bypass;
    Forward forward = Forward::bypass;
    int forward_status = 0;  ///< the origin's status; 0: none
    bool stored = false;
    bool collapsed = false;
    cache::Detail detail = cache::Detail::none;
    std::int64_t ttl = 0;   ///< of a hit, negative where stale
    std::int64_t age = -1;  ///< sent as Age; negative: not from the cache
};

/// Appends Age, X-Cache and larder's own Cache-Status line as the configuration wants them. `key`
/// empty: not shown.
void append_outcome(std::string& out, const Outcome& outcome, const settings::Headers& headers,
                    std::string_view key);

}  // namespace larder::flow
