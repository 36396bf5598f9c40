#include "server/settings_in_force.hpp"

#include <tuple>

#include "settings/load_settings.hpp"

namespace larder::server {
namespace {

auto parts(const settings::RedisTls& tls) {
    const auto& [ca, certificate, key, verify] = tls;
    return std::tie(ca, certificate, key, verify);
}

bool equal(const std::optional<settings::RedisTls>& one,
           const std::optional<settings::RedisTls>& other) {
    if (!one || !other) return one.has_value() == other.has_value();
    return parts(*one) == parts(*other);
}

/// All but on_purge_failure, which each write reads anew. The bindings name every member, so that a
/// new one cannot be forgotten here.
auto fixed_parts(const settings::Redis& redis) {
    const auto& [url, max_connections, connect_timeout, timeout, prefix, tls, sentinel_password,
                 sentinel_tls, on_purge_failure, purge_stream, compress, compress_above] = redis;
    return std::tuple_cat(std::tie(url, max_connections, connect_timeout, timeout, prefix,
                                   sentinel_password, purge_stream, compress, compress_above),
                          parts(tls));
}

bool has_same_fixed_parts(const settings::Redis& one, const settings::Redis& other) {
    return fixed_parts(one) == fixed_parts(other) && equal(one.sentinel_tls, other.sentinel_tls);
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
                                ? has_same_fixed_parts(*running.redis, *loaded.redis)
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
