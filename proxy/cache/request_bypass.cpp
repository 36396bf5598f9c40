#include "cache/request_bypass.hpp"

#include <algorithm>
#include <array>

#include "http/claims.hpp"
#include "http/hop_by_hop.hpp"
#include "http/target_uri.hpp"
#include "http/write_methods.hpp"

// This runs on every hit: one pass over the fields, and no allocation for common requests.
namespace larder::cache {
namespace {

using http::Field;
using http::FieldId;

using http::Claim;

template <std::size_t N>
bool is_one_of(std::string_view value, const std::array<std::string_view, N>& words) {
    return std::any_of(words.begin(), words.end(),
                       [value](std::string_view word) { return iequals(value, word); });
}

// Such a field gives the scheme as a name, as a switch, as JSON (CF-Visitor), or by its presence
// (X-ARR-SSL).
bool says_same_scheme(const Field& field, const http::RequestHead& request) {
    static constexpr std::array<std::string_view, 6> secure{"https", "on",  "1",
                                                            "true",  "yes", "ssl"};
    static constexpr std::array<std::string_view, 6> plain{"http", "off", "0", "false", "no", ""};
    const bool https = http::is_https(request);
    if (is_one_of(field.value, secure)) return https;
    if (is_one_of(field.value, plain)) return !https;
    if (field.value.starts_with('{'))
        return (field.value.find("\"https\"") != std::string_view::npos) == https;
    return iequals(field.name, "x-arr-ssl") && https;
}

bool says_same_port(std::string_view value, const http::RequestHead& request) {
    const std::string_view host = request.authority;
    const std::size_t colon = host.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
    return value == (has_port ? host.substr(colon + 1) : http::is_https(request) ? "443" : "80");
}

// Whether a claim that reaches the origin can change the answer, although neither key nor variant
// depends on it.
bool changes_answer(Claim claim, const Field& field, const http::RequestHead& request) {
    switch (claim) {
        case Claim::none:
        case Claim::proxy:
            return false;
        case Claim::address:
            return field.id == FieldId::forwarded && http::is_target_uri_ambiguous(request);
        // The other fields are compared with what X-Forwarded-Proto and X-Forwarded-Host give.
        case Claim::scheme:
            if (field.id == FieldId::x_forwarded_proto)
                return http::is_target_uri_ambiguous(request);
            return !says_same_scheme(field, request);
        case Claim::host:
            if (field.id == FieldId::x_forwarded_host)
                return http::is_target_uri_ambiguous(request);
            return !iequals(field.value, request.authority);
        case Claim::port:
            return !says_same_port(field.value, request);
        case Claim::path:
            return !iequals(field.name, "x-forwarded-prefix") ||
                   (!field.value.empty() && field.value != "/");
        default:
            return true;
    }
}

// Whether a claim keeps the request out of the cache.
bool claims_too_much(const Field& field, const http::RequestHead& request,
                     std::span<const std::string> key_headers) {
    const Claim claim = http::claim_of(field);
    if (claim == Claim::none) return false;
    const bool in_key =
        std::any_of(key_headers.begin(), key_headers.end(),
                    [&](const std::string& name) { return iequals(field.name, name); });
    // The key would hold a value that the origin does not see. So this client could plant an entry
    // for a client whose value the origin does see.
    if (http::is_dropped(field, request.peer_trusted)) return in_key;
    const bool asks_otherwise = claim == Claim::path || claim == Claim::method;
    if (in_key && !asks_otherwise) return false;
    return changes_answer(claim, field, request);
}

// The origin may read the field as one that the key holds, although the key did not.
bool is_alias_of_any(const Field& field, std::span<const std::string> key_headers) {
    return std::any_of(key_headers.begin(), key_headers.end(),
                       [&](const std::string& name) { return http::is_alias(field, name); });
}

bool is_common_connection(std::string_view value) {
    return iequals(value, "keep-alive") || iequals(value, "close");
}

// A field that the client names in Connection is dropped on the way to the origin, while key and
// Vary saw it. The origin's answer would then belong to another entry.
Detail connection_bypass(const http::Fields& fields) {
    const http::ConnectionOptions options = http::parse_connection(fields);
    if (options.upgrade && fields.has(FieldId::upgrade)) return Detail::upgrade;
    const auto is_taken_away = [&](const Field& line) {
        return line.id == FieldId::other && options.names(line);
    };
    return std::any_of(fields.begin(), fields.end(), is_taken_away) ? Detail::unsafe_header
                                                                    : Detail::none;
}

}  // namespace

Detail request_bypass(const http::RequestHead& request, std::span<const std::string> key_headers) {
    const bool has_body = request.framing == http::Framing::chunked || request.content_length > 0;
    if (has_body && !http::may_ask_by_body(request.method)) return Detail::body;
    if (http::asks_to_write_by_parameter(request)) return Detail::query;
    bool odd_connection = false;
    Detail found = Detail::none;
    for (const Field& line : request.fields) {
        switch (line.id) {
            case FieldId::if_match:
            case FieldId::if_unmodified_since:
                found = Detail::pass;
                break;
            case FieldId::connection:
                odd_connection = odd_connection || !is_common_connection(line.value);
                break;
            default:
                if (http::may_claim(line) && claims_too_much(line, request, key_headers))
                    return Detail::unsafe_header;
                break;
        }
        if (is_alias_of_any(line, key_headers)) return Detail::unsafe_header;
    }
    if (odd_connection)
        if (const Detail detail = connection_bypass(request.fields); detail != Detail::none)
            return detail;
    return found;
}

}  // namespace larder::cache
