#include <algorithm>

#include "cache/decisions.hpp"
#include "http/cache_control.hpp"
#include "http/hop_by_hop.hpp"
#include "http/lists.hpp"

/// What a request alone decides. All of it runs on every hit: one pass over the fields each, no allocation for the
/// requests that are common.
namespace larder::cache {
namespace {

using http::Field;
using http::FieldId;

/// Method and URL overrides that have no FieldId of their own, those with underscores among them: CGI-like interfaces
/// cannot tell X_Original_URL from X-Original-URL.
bool is_override(std::string_view name) {
    if (name.size() < 13 || name.size() > 22 || to_lower(name.front()) != 'x') return false;
    std::string plain = to_lower_copy(name);
    std::replace(plain.begin(), plain.end(), '_', '-');
    return plain == "x-http-method" || plain == "x-method-override" || plain == "x-http-method-override" || plain == "x-original-url" ||
           plain == "x-rewrite-url";
}

bool is_common_connection(std::string_view value) { return iequals(value, "keep-alive") || iequals(value, "close"); }

/// A client that names a field in Connection has it dropped on the way to the origin, while key and Vary saw it: what the
/// origin answers then belongs to another entry.
Detail connection_bypass(const http::Fields& fields) {
    const http::ConnectionOptions options = http::parse_connection(fields);
    if (options.upgrade && fields.has(FieldId::upgrade)) return Detail::upgrade;
    const auto is_taken_away = [&](const Field& line) { return line.id == FieldId::other && options.names(line); };
    return std::any_of(fields.begin(), fields.end(), is_taken_away) ? Detail::unsafe_header : Detail::none;
}

/// Whether every cookie of the request is one that the key holds, each once: of a repeated one the origin may read the
/// other. What is not plainly `name=value` an origin may read as it likes: the key does not hold it.
class CookieCoverage {
public:
    explicit CookieCoverage(const KeyCoverage& coverage) : covered_(coverage.cookies) {}

    bool covers(std::string_view line) {
        while (!line.empty()) {
            const std::size_t end = std::min(line.find(';'), line.size());
            const std::string_view cookie = trim_ows(line.substr(0, end));
            line.remove_prefix(std::min(end + 1, line.size()));
            const std::size_t equals = cookie.find('=');
            if (!cookie.empty() && (equals == std::string_view::npos || !covers_name(cookie.substr(0, equals)))) return false;
        }
        return true;
    }

private:
    bool covers_name(std::string_view name) {
        if (!covered_) return false;
        const auto found = std::find(covered_->begin(), covered_->end(), name);
        const auto index = static_cast<std::size_t>(found - covered_->begin());
        if (found == covered_->end() || index >= 64 || (seen_ >> index & 1) != 0) return false;
        seen_ |= std::uint64_t{1} << index;
        return true;
    }

    const std::vector<std::string>* covered_;
    std::uint64_t seen_ = 0;
};

}  // namespace

Detail request_bypass(const http::RequestHead& request) {
    if (request.framing == http::Framing::chunked || request.content_length > 0) return Detail::body;
    bool odd_connection = false;
    Detail found = Detail::none;
    for (const Field& line : request.fields) {
        switch (line.id) {
            case FieldId::x_http_method_override:
            case FieldId::x_original_url:
            case FieldId::x_rewrite_url: return Detail::unsafe_header;
            case FieldId::other:
                if (is_override(line.name)) return Detail::unsafe_header;
                break;
            case FieldId::if_match:
            case FieldId::if_unmodified_since: found = Detail::pass; break;
            case FieldId::connection: odd_connection = odd_connection || !is_common_connection(line.value); break;
            default: break;
        }
    }
    if (odd_connection)
        if (const Detail detail = connection_bypass(request.fields); detail != Detail::none) return detail;
    return found;
}

Detail personal(const http::RequestHead& request, const settings::Route& rule, const KeyCoverage& coverage) {
    const bool checks_authorization = !rule.ignore.authorization && !coverage.has_authorization;
    const bool checks_cookies = !rule.ignore.cookie && !coverage.has_cookie_header;
    CookieCoverage cookies(coverage);
    Detail found = Detail::none;
    for (const Field& line : request.fields) {
        if (line.id == FieldId::authorization && checks_authorization) return Detail::authorization;
        if (line.id == FieldId::cookie && checks_cookies && found == Detail::none && !cookies.covers(line.value))
            found = Detail::cookie;
    }
    return found;
}

RequestDirectives request_directives(const http::RequestHead& request, const settings::Route& rule) {
    RequestDirectives out;
    bool has_cache_control = false;
    bool pragma_no_cache = false;
    for (const Field& line : request.fields) {
        if (line.id == FieldId::cache_control) has_cache_control = true;
        if (line.id == FieldId::pragma) pragma_no_cache = pragma_no_cache || http::has_member(line.value, "no-cache");
    }
    if (!has_cache_control) {
        out.no_cache = pragma_no_cache && rule.honour_client_no_cache;
        return out;
    }
    const http::CacheControl control = http::parse_cache_control(request.fields);
    out.only_if_cached = control.only_if_cached;
    if (!rule.honour_client_no_cache) return out;
    out.no_cache = control.no_cache;
    out.no_store = control.no_store;
    out.max_age = control.max_age;
    out.min_fresh = control.min_fresh;
    out.max_stale = control.max_stale;
    return out;
}

}  // namespace larder::cache
