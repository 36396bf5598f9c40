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

namespace {

NodeKind kind_of(const RedisUrl& url) {
    if (url.kind == RedisUrl::Kind::cluster) return NodeKind::of_cluster;
    return url.kind == RedisUrl::Kind::sentinel ? NodeKind::of_sentinels : NodeKind::single;
}

}  // namespace

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
      fleet_(kind_of(config_.url), config_.links, journal_, trust_, maintenance_waker_) {
    if (!config_.is_cluster && !config_.url.addresses.empty())
        node().address().set(config_.url.addresses.front());
}

void RedisShared::sweep_later(std::string id) {
    constexpr Milliseconds all_noted_after = 2 * notes_gathered_for;
    static_cast<void>(sweeps_.add(std::move(id), steady_now() + all_noted_after));
}

}  // namespace larder::redis
