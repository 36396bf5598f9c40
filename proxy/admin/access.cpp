#include "admin/access.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <string>

#include "base/equal_in_constant_time.hpp"
#include "base/text.hpp"

namespace larder::admin {
namespace {

namespace http = boost::beast::http;

std::string_view value_of(const http::fields& fields, http::field name) {
    const auto found = fields.find(name);
    if (found == fields.end()) return {};
    return {found->value().data(), found->value().size()};
}

std::string_view value_of(const http::fields& fields, std::string_view name) {
    const auto found = fields.find({name.data(), name.size()});
    if (found == fields.end()) return {};
    return {found->value().data(), found->value().size()};
}

std::string_view bearer_of(const http::fields& fields) {
    constexpr std::string_view scheme = "Bearer ";
    if (fields.count(http::field::authorization) != 1) return {};
    const std::string_view value = value_of(fields, http::field::authorization);
    if (value.size() < scheme.size() || !iequals(value.substr(0, scheme.size()), scheme)) return {};
    return trim_ows(value.substr(scheme.size()));
}

/// Empty: the request shows none. A configured token is never empty.
std::string_view shown_token(const http::fields& fields, TokenField field) {
    std::string_view shown;
    if (field == TokenField::fastly) shown = value_of(fields, "Fastly-Key");
    if (field == TokenField::cloudflare) shown = value_of(fields, "X-Auth-Key");
    return shown.empty() ? bearer_of(fields) : shown;
}

/// The host without its port and, for IPv6, without its brackets.
std::string_view bare_host(std::string_view host) {
    if (host.starts_with('[')) {
        const std::size_t end = host.find(']');
        return end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
    }
    return host.substr(0, host.find(':'));
}

}  // namespace

std::optional<Visitor> identify(const http::fields& fields, TokenField field,
                                const settings::Admin& admin) {
    constexpr settings::AdminRights everything{true, true, true};
    if (!admin.needs_token()) return Visitor{"", everything};
    const std::string_view shown = shown_token(fields, field);
    std::optional<Visitor> visitor;
    if (!admin.token.empty() && equal_in_constant_time(shown, admin.token))
        visitor = Visitor{"", everything};
    for (const settings::AdminToken& known : admin.tokens) {
        const bool equal = equal_in_constant_time(shown, known.token);
        if (equal && !visitor) visitor = Visitor{known.name, known.may};
    }
    return visitor;
}

bool is_from_browser(const http::fields& fields) {
    constexpr std::array shown{http::field::origin, http::field::referer,
                               http::field::accept_language};
    return value_of(fields, http::field::user_agent).starts_with("Mozilla/") ||
           !value_of(fields, "Sec-Fetch-Site").empty() ||
           std::any_of(shown.begin(), shown.end(),
                       [&](http::field name) { return fields.count(name) > 0; });
}

bool has_local_host(const http::fields& fields) {
    const auto hosts = fields.count(http::field::host);
    if (hosts == 0) return true;
    if (hosts > 1) return false;
    const std::string host = to_lower_copy(bare_host(value_of(fields, http::field::host)));
    if (host == "localhost" || host.ends_with(".localhost")) return true;
    boost::system::error_code error;
    boost::asio::ip::make_address(host, error);
    return !error;
}

bool is_cross_site(const http::fields& fields) {
    const std::string_view site = value_of(fields, "Sec-Fetch-Site");
    if (!site.empty() && site != "same-origin" && site != "none") return true;
    const std::string_view origin = value_of(fields, http::field::origin);
    if (origin.empty()) return false;
    const std::size_t scheme_end = origin.find("://");
    if (scheme_end == std::string_view::npos) return true;  // "null" among others
    return !iequals(origin.substr(scheme_end + 3), value_of(fields, http::field::host));
}

}  // namespace larder::admin
