#include "flow/outcome_fields.hpp"

#include "base/text.hpp"

namespace larder::flow {
namespace {

constexpr std::string_view forward_tokens[] = {"",       "uri-miss", "vary-miss", "stale",
                                               "bypass", "method",   "request"};

// RFC 8941, 3.3.3: a string holds printable ASCII with '"' and '\' escaped.
void append_string(std::string& out, std::string_view text) {
    out += '"';
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c >= ' ' && c < 0x7f) out += c;
    }
    out += '"';
}

}  // namespace

void append_outcome(std::string& out, const Outcome& outcome, const settings::Headers& headers,
                    std::string_view key) {
    if (outcome.age >= 0) {
        out += "Age: ";
        append_decimal(out, outcome.age);
        out += "\r\n";
    }
    if (headers.x_cache) {
        out += "X-Cache: ";
        out += cache::to_word(outcome.x_cache);
        out += "\r\n";
    }
    if (!headers.cache_status) return;
    out += "Cache-Status: larder; ";
    if (outcome.forward == Forward::none) {
        out += "hit; ttl=";
        append_decimal(out, outcome.ttl);
    } else {
        out += "fwd=";
        out += forward_tokens[static_cast<std::size_t>(outcome.forward)];
        const bool by_cache = outcome.forward == Forward::uri_miss ||
                              outcome.forward == Forward::vary_miss ||
                              outcome.forward == Forward::stale;
        if (outcome.forward_status != 0 && by_cache) {
            out += "; fwd-status=";
            append_decimal(out, outcome.forward_status);
        }
        if (outcome.stored) out += "; stored";
        if (outcome.collapsed) out += "; collapsed";
    }
    if (outcome.detail != cache::Detail::none) {
        out += "; detail=";
        out += cache::to_token(outcome.detail);
    }
    if (headers.cache_key && !key.empty()) {
        out += "; key=";
        append_string(out, key);
    }
    out += "\r\n";
}

}  // namespace larder::flow
