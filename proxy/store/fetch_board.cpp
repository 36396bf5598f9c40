#include "store/fetch_board.hpp"

#include "base/hash.hpp"
#include "route/pattern.hpp"

namespace larder::store {

std::size_t FetchBoard::NameHash::operator()(std::string_view text) const { return hash_of(text); }

FetchBoard::Shard& FetchBoard::shard_of(std::string_view name) {
    return shards_[hash_of(name) % shards_.size()];
}

FetchBoard::Place FetchBoard::join_or_lead(std::string_view key, std::string_view name,
                                           Guards guards) {
    Shard& shard = shard_of(name);
    const std::scoped_lock lock(shard.mutex);
    const auto found = shard.fetches.find(name);
    if (found != shard.fetches.end()) {
        const FetchPtr& fetch = found->second;
        if (generations_.valid(fetch->guards.slots, fetch->guards.sequence)) return {fetch, false};
        shard.fetches.erase(found);
    }
    // The fetch begins at this position. With an earlier one, it could come onto the board after a
    // purge by pattern has looked here, and escape that purge.
    guards.sequence = generations_.now();
    auto fetch = std::make_shared<Fetch>(std::string(key), std::string(name), std::move(guards));
    shard.fetches.emplace(fetch->name, fetch);
    return {std::move(fetch), true};
}

FetchPtr FetchBoard::find(std::string_view name) {
    Shard& shard = shard_of(name);
    const std::scoped_lock lock(shard.mutex);
    const auto found = shard.fetches.find(name);
    if (found == shard.fetches.end()) return nullptr;
    if (!generations_.valid(found->second->guards.slots, found->second->guards.sequence))
        return nullptr;
    return found->second;
}

void FetchBoard::leave(const FetchPtr& fetch) {
    Shard& shard = shard_of(fetch->name);
    const std::scoped_lock lock(shard.mutex);
    const auto found = shard.fetches.find(fetch->name);
    if (found != shard.fetches.end() && found->second == fetch) shard.fetches.erase(found);
}

void FetchBoard::close_matching(std::string_view pattern) {
    for (Shard& shard : shards_) {
        const std::scoped_lock lock(shard.mutex);
        for (const auto& [name, fetch] : shard.fetches)
            if (route::glob_match(pattern, fetch->key))
                generations_.purge(Generations::slot_of_key(fetch->key));
    }
}

}  // namespace larder::store
