#include "redis/config.hpp"

#include <algorithm>

#include "redis/transport.hpp"

namespace larder::redis {
namespace {

std::string text_of(const RedisUrl& url) {
    std::string text = url.kind == RedisUrl::Kind::unix_socket ? url.path : std::string();
    if (url.kind == RedisUrl::Kind::cluster) text = "the cluster of ";
    if (url.kind == RedisUrl::Kind::sentinel) text = "master " + url.master + " of sentinels ";
    for (const RedisAddress& address : url.addresses) {
        if (&address != &url.addresses.front()) text.push_back(',');
        text.append(address.host).append(":").append(std::to_string(address.port));
    }
    return text;
}

}  // namespace

RedisConfig::RedisConfig(larder::settings::Redis settings_in, int workers)
    : settings(std::move(settings_in)),
      url(settings.url),
      tls(make_redis_tls(url, settings.tls)),
      sentinel_tls(make_sentinel_tls(url, settings)),
      is_cluster(url.kind == RedisUrl::Kind::cluster),
      keys(settings.prefix, is_cluster ? RedisKeys::Slots::of_cluster : RedisKeys::Slots::one,
           url.database),
      server_text(text_of(url)),
      connections_max(settings.max_connections > 0 ? settings.max_connections
                                                   : std::max(10, workers + 2)),
      has_subscriber(connections_max > 1),
      has_bulk(connections_max > 2),
      links(is_cluster ? std::max(workers, 1)
                       : std::clamp(connections_max - (has_subscriber ? 1 : 0) - (has_bulk ? 1 : 0),
                                    1, std::max(workers, 1))) {}

}  // namespace larder::redis
