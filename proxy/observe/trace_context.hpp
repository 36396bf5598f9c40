#pragma once
#include <string_view>

namespace larder::observe {

/// What a request says of the trace that it belongs to (W3C Trace Context, 3.2). Views into the
/// field's value; empty: nothing valid.
struct TraceContext {
    std::string_view trace_id;  ///< 32 lower-case hex digits
    std::string_view span_id;   ///< 16, of the caller's span
};

/// Reads the value of a `traceparent` field. Versions that are not known yet are read as version
/// 00, as the specification asks.
[[nodiscard]] TraceContext parse_traceparent(std::string_view value);

}  // namespace larder::observe
