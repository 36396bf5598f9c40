#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings/addresses.hpp"

namespace larder::settings {

/// An origin server's URL taken apart.
struct OriginUrl {
    bool tls = false;
    HostPort server;
};

/// "http://host[:port]" or "https://host[:port]". Nothing, and why in `fault`, for anything else:
/// an origin has no path, query or user, for requests reach it as they came.
std::optional<OriginUrl> parse_origin_url(std::string_view text, std::string& fault);

/// "http://host:port", the port always written.
std::string origin_url_text(const OriginUrl& url);

/// Where and how a Redis is reached, from its URL.
struct RedisUrl {
    enum class Kind { single, unix_socket, sentinel, cluster };
    Kind kind = Kind::single;
    bool tls = false;  ///< rediss://
    std::vector<HostPort>
        servers;           ///< one of a single Redis; the sentinels; the cluster's first nodes
    std::string socket;    ///< a Unix socket's path
    std::string master;    ///< the name that the sentinels know
    std::string user;      ///< percent-decoded; empty: the default user
    std::string password;  ///< percent-decoded; empty: no authentication
    int database = 0;
};

/// The URL forms of the contract: redis://[user:password@]host:port/db, rediss://,
/// unix:///path?db=0, redis-sentinel://h1:26379,h2:26379/mymaster/0,
/// redis-cluster://h1:7000,h2:7001. Nothing, and why in `fault` (never with the password), for
/// anything else. A cluster's is read, but not supported yet: set_redis refuses it.
std::optional<RedisUrl> parse_redis_url(std::string_view text, std::string& fault);

/// The URL with `***` where its password stood.
std::string mask_password(std::string_view url);

}  // namespace larder::settings
