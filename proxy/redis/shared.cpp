#include "redis/shared.hpp"

#include <array>
#include <utility>

#include "redis/index_notes.hpp"

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
      trust_(memory),
      instance_(random_id()),
      journal_(10'000, config_.is_cluster ? PurgeJournal::Touches([this](const PurgeItem& item) {
                   return keys().touched_by(item);
               })
                                          : nullptr),
      fleet_(config_.is_cluster, config_.links, journal_, trust_, maintenance_waker_) {
    if (!config_.is_cluster && !config_.url.addresses.empty())
        node().address().set(config_.url.addresses.front());
}

void RedisShared::sweep_later(std::string id) {
    constexpr Milliseconds all_noted_after = 2 * notes_gathered_for;
    static_cast<void>(sweeps_.add(std::move(id), steady_now() + all_noted_after));
}

}  // namespace larder::redis
