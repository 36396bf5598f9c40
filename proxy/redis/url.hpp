#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::redis {

struct RedisAddress {
    std::string host;  ///< a name, or an IPv4 or IPv6 address without brackets
    std::uint16_t port = 6379;
};

/// Where Redis is, taken apart from `redis.url`.
struct RedisUrl {
    enum class Kind : std::uint8_t { tcp, tls, unix_socket, sentinel, cluster };
    Kind kind = Kind::tcp;
    std::string user;                     ///< empty: the default user
    std::string password;                 ///< empty: no AUTH
    std::vector<RedisAddress> addresses;  ///< one; several for sentinel and cluster
    std::string path;                     ///< the socket's, for unix_socket
    std::string master;                   ///< the service's name, for sentinel
    unsigned database = 0;
};

/// Reads redis://, rediss://, unix://, redis-sentinel:// and redis-cluster://. User and password
/// are percent-decoded. Nothing where it is none of them, or a part of it is impossible.
[[nodiscard]] std::optional<RedisUrl> parse_redis_url(std::string_view text);

}  // namespace larder::redis
