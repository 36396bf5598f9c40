#include <algorithm>
#include <mutex>

#include "store/memory_store.hpp"

// How the memory tier takes over another budget while it serves: each step holds a shard's mutex
// for a short time, and lowers the bound by a little, so that no insert in between has to evict
// much more than its own size.
namespace larder::store {
namespace {

constexpr std::size_t bytes_at_once = 1024 * 1024;
constexpr std::size_t keys_at_once = 1000;

}  // namespace

void MemoryStore::resize(std::size_t bytes, std::size_t object_bytes) {
    // Without a budget the number of shards does not matter, and it is needed again later.
    const std::size_t count = bytes == 0
                                  ? shard_count_.load()
                                  : std::min(shard_count_.load(), shards_for(bytes, object_bytes));
    if (count < shard_count_) use_fewer_shards(count);
    const std::size_t target = bytes / count;
    do {
        const std::size_t most = shard_bytes_max_;
        shard_bytes_max_ = most > target + bytes_at_once ? most - bytes_at_once : target;
        for (std::size_t i = 0; i < count; ++i) {
            Garbage garbage;
            const std::scoped_lock lock(shards_[i].mutex);
            evict(shards_[i], nullptr, garbage);
        }
    } while (shard_bytes_max_ != target);
}

// The number is a power of two, so what a shard that is left holds stays where it is looked for.
// `insert` looks at the number again under the shard's mutex, so nothing comes into an emptied one.
void MemoryStore::use_fewer_shards(std::size_t count) {
    const std::size_t before = shard_count_.exchange(count);
    for (std::size_t i = count; i < before; ++i) {
        MemoryShard& shard = shards_[i];
        for (bool more = true; more;) {
            Garbage garbage;
            const std::scoped_lock lock(shard.mutex);
            for (std::size_t n = 0; n < keys_at_once && !shard.keys.empty(); ++n)
                shard.evictions += drop_key(shard, &shard.keys.front(), garbage);
            more = !shard.keys.empty();
        }
    }
}

}  // namespace larder::store
