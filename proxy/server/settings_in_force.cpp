#include "server/settings_in_force.hpp"

#include <tuple>

#include "settings/load_settings.hpp"

namespace larder::server {
namespace {

auto fixed_parts(const settings::Redis& redis) {
    return std::tie(redis.url, redis.max_connections, redis.connect_timeout, redis.timeout,
                    redis.prefix, redis.tls.ca, redis.tls.certificate, redis.tls.key,
                    redis.tls.verify, redis.compress, redis.compress_above);
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
    note(running.admin.address != loaded.admin.address, "admin");
    note(running.threads != loaded.threads, "threads");
    // Redis tells of changes only if there is a memory tier, which is agreed on when connecting.
    const bool memory_waits =
        running.redis && (running.memory_bytes == 0) != (loaded.memory_bytes == 0);
    note(memory_waits, "memory");
    note(running.state != loaded.state, "state");
    const bool same_redis = running.redis && loaded.redis
                                ? fixed_parts(*running.redis) == fixed_parts(*loaded.redis)
                                : running.redis.has_value() == loaded.redis.has_value();
    note(!same_redis, "redis");
    loaded.admin.address = running.admin.address;
    loaded.threads = running.threads;
    if (memory_waits) loaded.memory_bytes = running.memory_bytes;
    loaded.state = running.state;
    loaded.redis = redis(running.redis, loaded.redis);
    settings::fit_default_max_object(loaded);
    return loaded;
}

}  // namespace larder::server
