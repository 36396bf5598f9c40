#include "redis/url.hpp"

#include <array>
#include <utility>

#include "base/percent.hpp"
#include "base/text.hpp"

namespace larder::redis {
namespace {

using Kind = RedisUrl::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 5> schemes{
    {{"redis://", Kind::tcp},
     {"rediss://", Kind::tls},
     {"unix://", Kind::unix_socket},
     {"redis-sentinel://", Kind::sentinel},
     {"redis-cluster://", Kind::cluster}}};

bool read_user(std::string_view text, RedisUrl& url) {
    const std::size_t colon = text.find(':');
    // Without a colon it is a password, as other clients read redis://secret@host.
    const auto user =
        percent_decoded(colon == text.npos ? std::string_view{} : text.substr(0, colon));
    const auto password = percent_decoded(colon == text.npos ? text : text.substr(colon + 1));
    if (!user || !password) return false;
    url.user = *user;
    url.password = *password;
    return true;
}

bool read_database(std::string_view text, RedisUrl& url) {
    if (text.empty()) return true;
    const auto number = parse_decimal(text);
    if (!number || *number > 1'000'000) return false;
    url.database = static_cast<unsigned>(*number);
    return true;
}

std::optional<RedisAddress> read_address(std::string_view text, std::uint16_t default_port) {
    RedisAddress address;
    address.port = default_port;
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == text.npos) return std::nullopt;
        address.host = text.substr(1, end - 1);
        port = text.substr(end + 1);
    } else {
        const std::size_t colon = text.find(':');
        address.host = text.substr(0, colon);
        port = colon == text.npos ? std::string_view{} : text.substr(colon);
    }
    if (address.host.empty()) return std::nullopt;
    if (port.empty()) return address;
    const auto number = port.front() == ':' ? parse_decimal(port.substr(1)) : std::nullopt;
    if (!number || *number == 0 || *number > 65535) return std::nullopt;
    address.port = static_cast<std::uint16_t>(*number);
    return address;
}

bool read_addresses(std::string_view text, RedisUrl& url) {
    const bool several = url.kind == Kind::sentinel || url.kind == Kind::cluster;
    const std::uint16_t port = url.kind == Kind::sentinel ? 26379 : 6379;
    while (true) {
        const std::size_t comma = several ? text.find(',') : text.npos;
        auto address = read_address(text.substr(0, comma), port);
        if (!address) return false;
        url.addresses.push_back(std::move(*address));
        if (comma == text.npos) return true;
        text.remove_prefix(comma + 1);
    }
}

/// "db=0&other=1": the last db counts, as in other clients.
bool read_query(std::string_view query, RedisUrl& url) {
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view item = query.substr(0, end);
        if (item.starts_with("db=") && !read_database(item.substr(3), url)) return false;
        query = end == query.npos ? std::string_view{} : query.substr(end + 1);
    }
    return true;
}

bool read_path(std::string_view path, RedisUrl& url) {
    if (url.kind != Kind::sentinel) return read_database(path, url);
    const std::size_t slash = path.find('/');
    url.master = path.substr(0, slash);
    return !url.master.empty() &&
           (slash == path.npos || read_database(path.substr(slash + 1), url));
}

}  // namespace

std::optional<RedisUrl> parse_redis_url(std::string_view text) {
    RedisUrl url;
    bool known = false;
    for (const auto& [scheme, kind] : schemes) {
        if (!iequals(text.substr(0, scheme.size()), scheme)) continue;  // RFC 3986, 3.1
        url.kind = kind;
        text.remove_prefix(scheme.size());
        known = true;
        break;
    }
    if (!known) return std::nullopt;
    const std::size_t at = text.substr(0, text.find('/')).rfind('@');
    if (at != text.npos) {
        if (!read_user(text.substr(0, at), url)) return std::nullopt;
        text.remove_prefix(at + 1);
    }
    const std::size_t question = text.find('?');
    if (question != text.npos) {
        if (!read_query(text.substr(question + 1), url)) return std::nullopt;
        text = text.substr(0, question);
    }
    if (url.kind == Kind::unix_socket) {
        const auto path = percent_decoded(text);
        // sockaddr_un holds 108 bytes, the closing zero included
        if (!path || !path->starts_with('/') || path->size() >= 108) return std::nullopt;
        url.path = *path;
        return url;
    }
    const std::size_t slash = text.find('/');
    if (!read_addresses(text.substr(0, slash), url)) return std::nullopt;
    if (url.kind == Kind::sentinel && slash == text.npos) return std::nullopt;
    if (slash != text.npos && !read_path(text.substr(slash + 1), url)) return std::nullopt;
    return url;
}

}  // namespace larder::redis
