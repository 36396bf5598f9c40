#include "settings/redis_url.hpp"

#include <algorithm>

#include "base/percent.hpp"
#include "base/text.hpp"
#include "settings/url_scheme.hpp"

namespace larder::settings {
namespace {

using Kind = RedisUrl::Kind;

constexpr std::string_view redis_forms =
    "expected redis://[user:password@]host:port/db, rediss://..., unix:///path?db=0, "
    "redis-sentinel://host:26379,.../master/db or redis-cluster://host:6379,...";

constexpr std::uint64_t database_max = 1'000'000;
// sockaddr_un holds 108 bytes, the closing zero included.
constexpr std::size_t socket_path_bytes_max = 107;

// Removes what stands before `mark` from the text, and the mark itself. Returns the part before the
// mark, or all of the text where there is no mark.
std::string_view take_until(std::string_view& text, char mark) {
    const std::size_t end = std::min(text.find(mark), text.size());
    const std::string_view head = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return head;
}

// Where "user:password@" ends in the text behind the scheme; npos where the URL has none. A '/' in
// the password must be written %2F.
std::size_t find_at_sign(std::string_view text) {
    return text.substr(0, text.find('/')).rfind('@');
}

// Where the password begins in "user:password". Without a colon, the whole text is the password, as
// redis-cli reads it.
std::size_t find_password(std::string_view userinfo) {
    const std::size_t colon = userinfo.find(':');
    return colon == std::string_view::npos ? 0 : colon + 1;
}

bool read_user(std::string_view& text, RedisUrl& url, std::string& fault) {
    const std::size_t end = find_at_sign(text);
    if (end == std::string_view::npos) return true;
    const std::string_view userinfo = text.substr(0, end);
    text.remove_prefix(end + 1);
    const std::size_t begin = find_password(userinfo);
    const auto user = percent_decoded(userinfo.substr(0, begin == 0 ? 0 : begin - 1));
    const auto password = percent_decoded(userinfo.substr(begin));
    if (!user || !password) {
        fault = "a percent sign in the user or password must be written %25";
        return false;
    }
    url.user = *user;
    url.password = *password;
    return true;
}

bool read_database(std::string_view text, RedisUrl& url, std::string& fault) {
    if (text.empty()) return true;
    const auto number = parse_decimal(text);
    if (!number || *number > database_max) {
        fault = "expected the number of a database, such as 0, at the end of the URL";
        return false;
    }
    url.database = static_cast<int>(*number);
    return true;
}

bool read_addresses(std::string_view text, RedisUrl& url, std::string& fault) {
    const std::uint16_t default_port = url.kind == Kind::sentinel ? 26379 : 6379;
    if (text.empty() || text.ends_with(',')) fault = "expected host:port after the scheme";
    while (!text.empty() && fault.empty()) {
        auto address = parse_authority(take_until(text, ','), default_port);
        if (!address) fault = "expected host:port after the scheme";
        if (address) url.addresses.push_back(*std::move(address));
    }
    const bool may_be_several = url.kind == Kind::sentinel || url.kind == Kind::cluster;
    if (fault.empty() && !may_be_several && url.addresses.size() > 1)
        fault = "several servers need redis-sentinel:// or redis-cluster://";
    return fault.empty();
}

// [user:password@]/path?db=0
void read_unix(std::string_view text, RedisUrl& url, std::string& fault) {
    if (!read_user(text, url, fault)) return;
    const auto path = percent_decoded(take_until(text, '?'));
    if (!path || !path->starts_with('/') || path->find('\0') != std::string::npos) {
        fault = "expected unix:///path/of/the/socket?db=0";
    } else if (path->size() > socket_path_bytes_max) {
        fault = "the path of a socket has at most 107 bytes";
    } else if (!text.empty() && !text.starts_with("db=")) {
        fault = "expected nothing but ?db=NUMBER after the socket's path";
    } else if (read_database(text.empty() ? text : text.substr(3), url, fault)) {
        url.path = *path;
    }
}

// [user:password@]host:port,.../master/db
void read_network(std::string_view text, RedisUrl& url, std::string& fault) {
    if (!read_user(text, url, fault)) return;
    if (!read_addresses(take_until(text, '/'), url, fault)) return;
    if (url.kind == Kind::sentinel) {
        url.master = take_until(text, '/');
        // Sentinel itself allows letters, digits and ".-_" only.
        if (!is_host_name(url.master))
            fault = "expected the master's name, as in redis-sentinel://host:26379/mymaster/0";
    }
    if (fault.empty()) read_database(text, url, fault);
    if (fault.empty() && url.kind == Kind::cluster && url.database != 0)
        fault = "a Redis Cluster has database 0 only";
}

std::optional<Kind> take_kind(std::string_view& text) {
    if (take_scheme(text, "redis://")) return Kind::tcp;
    if (take_scheme(text, "rediss://")) return Kind::tls;
    if (take_scheme(text, "redis-cluster://")) return Kind::cluster;
    if (take_scheme(text, "rediss-cluster://")) return Kind::cluster;
    if (take_scheme(text, "unix://")) return Kind::unix_socket;
    if (take_scheme(text, "redis-sentinel://")) return Kind::sentinel;
    return std::nullopt;
}

}  // namespace

std::string RedisUrl::masked() const {
    if (empty()) return text;
    const std::size_t scheme_end = text.find("://") + 3;
    const std::string_view rest = std::string_view(text).substr(scheme_end);
    const std::size_t at_sign = find_at_sign(rest);
    if (at_sign == std::string_view::npos || at_sign == 0) return text;
    const std::size_t begin = scheme_end + find_password(rest.substr(0, at_sign));
    return text.substr(0, begin) + "***" + text.substr(scheme_end + at_sign);
}

std::optional<RedisUrl> parse_redis_url(std::string_view text, std::string& fault) {
    std::string_view rest = text;
    const auto kind = take_kind(rest);
    if (!kind) {
        fault = redis_forms;
        return std::nullopt;
    }
    RedisUrl url;
    url.text = text;
    url.kind = *kind;
    std::string_view scheme = text;
    url.secure = take_scheme(scheme, "rediss://") || take_scheme(scheme, "rediss-cluster://");
    if (url.kind == Kind::unix_socket) {
        read_unix(rest, url, fault);
    } else {
        read_network(rest, url, fault);
    }
    if (!fault.empty()) return std::nullopt;
    return url;
}

}  // namespace larder::settings
