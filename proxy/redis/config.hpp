#pragma once
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "redis/keys.hpp"
#include "redis/url.hpp"
#include "settings/settings.hpp"

namespace larder::redis {

/// Where Redis is and how it is used, worked out once from the settings. It never changes.
struct RedisConfig {
    /// `workers`: how many RedisStores there will be. Throws std::runtime_error where the URL or a
    /// TLS file cannot be used.
    RedisConfig(larder::settings::Redis settings_in, int workers);
    RedisConfig(const RedisConfig&) = delete;
    RedisConfig& operator=(const RedisConfig&) = delete;

    const larder::settings::Redis settings;
    const RedisUrl& url;                                            ///< of `settings`
    const std::shared_ptr<boost::asio::ssl::context> tls;           ///< null: without TLS
    const std::shared_ptr<boost::asio::ssl::context> sentinel_tls;  ///< null: without TLS
    const bool is_cluster;
    const RedisKeys keys;
    const std::string server_text;  ///< where Redis is, for the log: without user and password

    // redis.max_connections decides how many connections there are.
    const int connections_max;
    const bool has_subscriber;
    const bool has_bulk;  ///< a connection for large values
    const int links;      ///< worker i uses link i % links; in a cluster the most for each master
};

}  // namespace larder::redis
