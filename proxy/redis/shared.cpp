#include "redis/shared.hpp"

#include <array>
#include <utility>

namespace larder::redis {

std::string_view to_word(RedisOperation operation) {
    constexpr std::array<std::string_view, static_cast<std::size_t>(RedisOperation::count_)> words{
        "find", "lease", "fill", "purge", "wait"};
    return words[static_cast<std::size_t>(operation)];
}

RedisShared::RedisShared(settings::Redis settings, int workers, store::Generations& generations,
                         store::MemoryStore* memory)
    : config_(std::move(settings), workers),
      generations_(generations),
      memory_(memory),
      instance_(random_id()),
      node_(config_.links, journal_, memory, maintenance_waker_) {
    if (!config_.url.addresses.empty()) node_.address().set(config_.url.addresses.front());
}

void RedisShared::sweep_later(std::string id) {
    if (sweeps_.add(std::move(id))) wake_maintenance();
}

}  // namespace larder::redis
