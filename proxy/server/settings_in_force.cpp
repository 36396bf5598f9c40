#include "server/settings_in_force.hpp"

#include <algorithm>
#include <tuple>

#include "settings/load_settings.hpp"

namespace larder::server {
namespace {

auto fixed_parts(const settings::Redis& redis) {
    return std::tie(redis.url, redis.max_connections, redis.connect_timeout, redis.timeout,
                    redis.prefix, redis.tls.ca, redis.tls.certificate, redis.tls.key,
                    redis.tls.verify, redis.compress, redis.compress_above);
}

bool is_same_socket(const settings::Listener& a, const settings::Listener& b) {
    return a.address == b.address && a.proxy_protocol == b.proxy_protocol && a.http2 == b.http2 &&
           a.tls.has_value() == b.tls.has_value();
}

// The running listeners with the newly loaded certificates.
std::vector<settings::Listener> listeners(const std::vector<settings::Listener>& running,
                                          const std::vector<settings::Listener>& loaded) {
    std::vector<settings::Listener> out = running;
    for (settings::Listener& listener : out) {
        const auto found = std::find_if(
            loaded.begin(), loaded.end(),
            [&](const settings::Listener& other) { return other.address == listener.address; });
        if (found != loaded.end() && found->tls && listener.tls) listener.tls = found->tls;
    }
    return out;
}

std::optional<settings::Redis> redis(const std::optional<settings::Redis>& running,
                                     const std::optional<settings::Redis>& loaded) {
    std::optional<settings::Redis> out = running;
    if (out && loaded) out->on_purge_failure = loaded->on_purge_failure;
    return out;
}

}  // namespace

settings::Settings settings_in_force(const settings::Settings& running, settings::Settings loaded,
                                     std::vector<std::string>& waiting) {
    const auto note = [&waiting](bool changed, const char* key) {
        if (changed) waiting.emplace_back(key);
    };
    note(!std::equal(running.listen.begin(), running.listen.end(), loaded.listen.begin(),
                     loaded.listen.end(), is_same_socket),
         "listen");
    note(running.admin.address != loaded.admin.address, "admin");
    note(running.threads != loaded.threads, "threads");
    note(running.memory_bytes != loaded.memory_bytes, "memory");
    note(running.state != loaded.state, "state");
    const bool same_redis = running.redis && loaded.redis
                                ? fixed_parts(*running.redis) == fixed_parts(*loaded.redis)
                                : running.redis.has_value() == loaded.redis.has_value();
    note(!same_redis, "redis");
    loaded.listen = listeners(running.listen, loaded.listen);
    loaded.admin.address = running.admin.address;
    loaded.threads = running.threads;
    loaded.memory_bytes = running.memory_bytes;
    loaded.state = running.state;
    loaded.redis = redis(running.redis, loaded.redis);
    settings::fit_default_max_object(loaded);
    return loaded;
}

}  // namespace larder::server
