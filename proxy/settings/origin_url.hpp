#pragma once
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/host_port.hpp"

namespace larder::settings {

/// Where an origin server is: "http://host:port", "https://host:port" or "http+unix:///path" taken
/// apart.
struct OriginUrl {
    bool tls = false;
    HostPort server;  ///< or the path of a Unix socket

    /// The canonical text; the port is always written.
    [[nodiscard]] std::string text() const;
    auto operator<=>(const OriginUrl&) const = default;
};

/// Reads "http://host[:port]", "https://host[:port]" or "http+unix:///path". For anything else:
/// nothing, and `fault` says why. An origin has no path, query or user, since requests keep their
/// own.
std::optional<OriginUrl> parse_origin_url(std::string_view text, std::string& fault);

}  // namespace larder::settings
