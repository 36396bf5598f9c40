#include "settings/urls.hpp"

#include <algorithm>

#include "base/percent.hpp"
#include "base/text.hpp"

namespace larder::settings {
namespace {

constexpr std::string_view redis_forms =
    "expected redis://[user:password@]host:port/db, rediss://..., unix:///path?db=0 "
    "or redis-sentinel://host:26379,.../master/db";

constexpr std::uint64_t database_max = 1'000'000;
constexpr std::size_t socket_path_max =
    107;  // sockaddr_un holds 108 bytes, the closing zero included

/// Takes what stands before `mark`, and the mark itself; all of the text where there is no mark.
std::string_view take_until(std::string_view& text, char mark) {
    const std::size_t end = std::min(text.find(mark), text.size());
    const std::string_view head = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return head;
}

bool take_scheme(std::string_view& text, std::string_view scheme) {
    if (text.size() < scheme.size() || !iequals(text.substr(0, scheme.size()), scheme))
        return false;
    text.remove_prefix(scheme.size());
    return true;
}

bool read_user(std::string_view& text, RedisUrl& url, std::string& fault) {
    const std::size_t end = text.substr(0, text.find('/')).rfind('@');
    if (end == std::string_view::npos) return true;
    std::string_view password = text.substr(0, end);
    text.remove_prefix(end + 1);
    const bool has_password = password.find(':') != std::string_view::npos;
    const auto user = percent_decoded(take_until(password, ':'));
    const auto secret = percent_decoded(password);
    if (!user || !secret) {
        fault = "a percent sign in the user or password must be written %25";
    } else if (!has_password) {
        fault = "a user without a password; a password alone is written redis://:PASSWORD@host";
    } else {
        url.user = *user;
        url.password = *secret;
    }
    return fault.empty();
}

bool read_database(std::string_view text, RedisUrl& url, std::string& fault) {
    if (text.empty()) return true;
    const auto number = parse_decimal(text);
    if (!number || *number > database_max) {
        fault = "expected the number of a database, such as 0, at the end of the URL";
    } else if (*number != 0 && url.kind == RedisUrl::Kind::cluster) {
        fault = "a Redis Cluster has database 0 only";
    } else {
        url.database = static_cast<int>(*number);
    }
    return fault.empty();
}

bool read_servers(std::string_view text, std::uint16_t default_port, RedisUrl& url,
                  std::string& fault) {
    if (text.empty() || text.ends_with(',')) fault = "expected host:port after the scheme";
    while (!text.empty() && fault.empty()) {
        const auto server = parse_authority(take_until(text, ','), default_port);
        if (!server) fault = "expected host:port after the scheme";
        if (server) url.servers.push_back(*server);
    }
    if (fault.empty() && url.kind == RedisUrl::Kind::single && url.servers.size() > 1)
        fault = "several servers need redis-sentinel://";
    return fault.empty();
}

/// unix://[user:password@]/path?db=0
void read_unix(std::string_view text, RedisUrl& url, std::string& fault) {
    if (!read_user(text, url, fault)) return;
    const auto path = percent_decoded(take_until(text, '?'));
    if (!path || !path->starts_with('/') || path->find('\0') != std::string::npos) {
        fault = "expected unix:///path/of/the/socket?db=0";
    } else if (path->size() > socket_path_max) {
        fault = "the path of a socket has at most 107 bytes";
    } else if (!text.empty() && !text.starts_with("db=")) {
        fault = "expected nothing but ?db=NUMBER after the socket's path";
    } else {
        url.socket = *path;
        read_database(text.empty() ? text : text.substr(3), url, fault);
    }
}

void read_network(std::string_view text, RedisUrl& url, std::string& fault) {
    if (!read_user(text, url, fault)) return;
    const bool sentinel = url.kind == RedisUrl::Kind::sentinel;
    if (!read_servers(take_until(text, '/'), sentinel ? 26379 : 6379, url, fault)) return;
    if (sentinel) {
        url.master = take_until(text, '/');
        // Sentinel itself allows letters, digits and ".-_" only.
        if (!is_host_name(url.master))
            fault = "expected the master's name, as in redis-sentinel://host:26379/mymaster/0";
    }
    if (fault.empty()) read_database(text, url, fault);
}

}  // namespace

std::optional<OriginUrl> parse_origin_url(std::string_view text, std::string& fault) {
    OriginUrl url;
    url.tls = take_scheme(text, "https://");
    if (!url.tls && !take_scheme(text, "http://")) {
        fault = "expected http://host:port or https://host:port";
        return std::nullopt;
    }
    if (text.ends_with('/')) text.remove_suffix(1);
    if (text.find('@') != std::string_view::npos) {
        fault = "an origin's URL takes no user or password";
    } else if (text.find_first_of("/?#") != std::string_view::npos) {
        fault = "an origin's URL ends with its port; requests keep their own path";
    } else if (const auto server = parse_authority(text, url.tls ? 443 : 80)) {
        url.server = *server;
        return url;
    } else {
        fault = "expected host:port, with a port of 1 to 65535, after the scheme";
    }
    return std::nullopt;
}

std::string origin_url_text(const OriginUrl& url) {
    return (url.tls ? "https://" : "http://") + address_text(url.server);
}

std::optional<RedisUrl> parse_redis_url(std::string_view text, std::string& fault) {
    using Kind = RedisUrl::Kind;
    RedisUrl url;
    if (take_scheme(text, "unix://")) {
        url.kind = Kind::unix_socket;
        read_unix(text, url, fault);
    } else if (take_scheme(text, "redis://")) {
        read_network(text, url, fault);
    } else if (take_scheme(text, "rediss://")) {
        url.tls = true;
        read_network(text, url, fault);
    } else if (take_scheme(text, "redis-sentinel://")) {
        url.kind = Kind::sentinel;
        read_network(text, url, fault);
    } else if (take_scheme(text, "redis-cluster://")) {
        url.kind = Kind::cluster;
        read_network(text, url, fault);
    } else {
        fault = redis_forms;
    }
    if (!fault.empty()) return std::nullopt;
    return url;
}

std::string mask_password(std::string_view url) {
    const std::size_t scheme = url.find("://");
    const std::size_t start = scheme == std::string_view::npos ? 0 : scheme + 3;
    const std::size_t end = url.rfind('@');
    const std::size_t colon = url.find(':', start);
    if (end == std::string_view::npos || end < start || colon >= end) return std::string(url);
    return std::string(url.substr(0, colon + 1)) + "***" + std::string(url.substr(end));
}

}  // namespace larder::settings
