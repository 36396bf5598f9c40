#include "cache/invalidation.hpp"

#include <algorithm>

#include "cache/origin_tags.hpp"
#include "http/write_methods.hpp"

// RFC 9111, 4.4.
namespace larder::cache {
namespace {

using http::FieldId;

// The authority without the scheme's default port.
std::string_view without_default_port(std::string_view authority, std::string_view port) {
    if (authority.ends_with(port)) authority.remove_suffix(port.size());
    return authority;
}

// RFC 3986, 5.2.4, for a path that starts with '/'.
std::string remove_dot_segments(std::string_view path) {
    std::string out;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/', 1), path.size());
        const std::string_view segment = path.substr(0, end);
        path.remove_prefix(end);
        if (segment == "/." || segment == "/..") {
            if (segment == "/..") out.erase(std::min(out.rfind('/'), out.size()));
            if (path.empty()) out.push_back('/');
        } else {
            out.append(segment);
        }
    }
    return out;
}

// The origin-form of a target whose path starts with '/', or is empty.
std::string origin_form(std::string_view target) {
    const std::size_t query = std::min(target.find('?'), target.size());
    const std::string_view path = target.substr(0, query);
    return remove_dot_segments(path.empty() ? "/" : path) + std::string(target.substr(query));
}

// Splits "scheme:" off; empty where there is none.
std::string_view take_scheme(std::string_view& reference) {
    const std::size_t colon = reference.find(':');
    if (colon == std::string_view::npos || reference.find_first_of("/?") < colon) return {};
    const std::string_view scheme = reference.substr(0, colon);
    reference.remove_prefix(colon + 1);
    return scheme;
}

// RFC 3986, 5.2.2, against the request's own target. Nothing where the reference leads to another
// host. http and https count as one: a proxy before larder may have ended TLS.
std::optional<std::string> resolve(const http::RequestHead& request, std::string_view reference,
                                   std::string_view origin_host) {
    reference = reference.substr(0, reference.find('#'));
    const std::string_view scheme = take_scheme(reference);
    const bool web = iequals(scheme, "http") || iequals(scheme, "https");
    if (!scheme.empty() && (!web || !reference.starts_with("//"))) return std::nullopt;
    if (reference.starts_with("//")) {
        reference.remove_prefix(2);
        const std::size_t end = std::min(reference.find_first_of("/?"), reference.size());
        const std::string_view port = iequals(scheme, "https") ? ":443" : ":80";
        const std::string_view authority = without_default_port(reference.substr(0, end), port);
        // An origin that trusts its proxy names the host that the proxy sent.
        const bool same = iequals(authority, without_default_port(request.host, port)) ||
                          iequals(authority, without_default_port(request.authority, port)) ||
                          iequals(authority, without_default_port(origin_host, port));
        if (authority.empty() || !same) return std::nullopt;
        return origin_form(reference.substr(end));
    }
    if (reference.starts_with('/')) return origin_form(reference);
    if (reference.empty()) return std::string(request.target);
    std::string target(request.path);
    if (!reference.starts_with('?')) target.erase(std::min(target.rfind('/') + 1, target.size()));
    return origin_form(target.append(reference));
}

}  // namespace

bool invalidates(const http::RequestHead& request, int status) {
    return http::is_write(request) && ((status >= 200 && status < 400) || status >= 500);
}

std::vector<std::string> related_targets(const http::RequestHead& request,
                                         const http::ResponseHead& response,
                                         std::string_view origin_host) {
    std::vector<std::string> out;
    for (const http::Field& line : response.fields) {
        if (line.id != FieldId::location && line.id != FieldId::content_location) continue;
        auto target = resolve(request, line.value, origin_host);
        if (target) out.push_back(std::move(*target));
    }
    remove_repeats(out);
    return out;
}

}  // namespace larder::cache
