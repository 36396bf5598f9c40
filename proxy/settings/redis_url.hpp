#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/host_port.hpp"

namespace larder::settings {

/// Where a Redis is and how to log in: `redis.url` taken apart.
struct RedisUrl {
    enum class Kind : std::uint8_t {
        tcp,          ///< redis://[user:password@]host:port/db
        tls,          ///< rediss://, otherwise the same
        unix_socket,  ///< unix:///path?db=0
        sentinel,     ///< redis-sentinel://h1:26379,h2:26379/mymaster/0
        cluster,      ///< redis-cluster://h1:7000,h2:7001, or rediss-cluster://
    };
    std::string text;  ///< as written, with the password: not for logs
    Kind kind = Kind::tcp;
    bool secure = false;              ///< rediss:// or rediss-cluster://
    std::vector<HostPort> addresses;  ///< one; all sentinels of a sentinel URL, or the nodes of a
                                      ///< cluster to begin with; none for a socket
    std::string path;                 ///< of the socket
    std::string master;               ///< the name that the sentinels know
    std::string user;                 ///< percent-decoded; empty: the default user
    std::string password;             ///< percent-decoded; empty: no AUTH
    int database = 0;

    /// The URL as written, with `***` in the password's place.
    [[nodiscard]] std::string masked() const;
    /// No URL was read.
    [[nodiscard]] bool empty() const { return text.empty(); }
    bool operator==(const RedisUrl&) const = default;
};

/// Reads a URL of one of the kinds above. For anything else: nothing, and `fault` says why, without
/// the password. A user without a colon is the password, as redis-cli reads it.
std::optional<RedisUrl> parse_redis_url(std::string_view text, std::string& fault);

}  // namespace larder::settings
