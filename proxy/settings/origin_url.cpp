#include "settings/origin_url.hpp"

#include "settings/url_scheme.hpp"

namespace larder::settings {

namespace {

std::optional<OriginUrl> parse_socket(std::string_view path, std::string& fault) {
    if (is_socket_path(path)) return OriginUrl{false, HostPort{std::string(path), 0}};
    fault =
        "expected http+unix:///path/of/socket, with an absolute path of at most 107 bytes (three "
        "slashes)";
    return std::nullopt;
}

}  // namespace

std::string OriginUrl::text() const {
    if (server.is_unix()) return "http+unix://" + server.host;
    return (tls ? "https://" : "http://") + to_text(server);
}

std::optional<OriginUrl> parse_origin_url(std::string_view text, std::string& fault) {
    if (take_scheme(text, "http+unix://")) return parse_socket(text, fault);
    const bool tls = take_scheme(text, "https://");
    if (!tls && !take_scheme(text, "http://")) {
        fault = "expected http://host:port, https://host:port or http+unix:///path";
        return std::nullopt;
    }
    if (text.ends_with('/')) text.remove_suffix(1);
    if (text.find('@') != std::string_view::npos) {
        fault = "an origin's URL takes no user or password";
    } else if (text.find_first_of("/?#") != std::string_view::npos) {
        fault = "an origin's URL ends with its port; requests keep their own path";
    } else if (auto server = parse_authority(text, tls ? 443 : 80)) {
        return OriginUrl{tls, *std::move(server)};
    } else {
        fault = "expected host:port, with a port of 1 to 65535, after the scheme";
    }
    return std::nullopt;
}

}  // namespace larder::settings
