#include "store/memory_store.hpp"

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "cache/vary.hpp"

namespace larder::store {
namespace {

constexpr std::size_t variants_max = 64;
constexpr std::size_t rule_guards_max = UINT16_MAX;

// The variant text of a request under a list of selecting fields, built once for neighbours that
// share the list.
class VariantOf {
public:
    VariantOf(const http::RequestHead& request, bool with_host)
        : request_(request), with_host_(with_host) {}

    const std::string& under(const cache::NameList& vary) {
        if (vary.empty()) return cache::target_variant(request_, with_host_);
        if (built_ != vary) {
            cache::build_variant(request_, vary, with_host_, text_);
            built_ = vary;
        }
        return text_;
    }

private:
    static thread_local std::string text_;
    const http::RequestHead& request_;
    bool with_host_;
    cache::NameList built_;
};

thread_local std::string VariantOf::text_;

// What a tier may take under the key: the entry, or a copy of it.
cache::StoredResponse* takeable(std::string_view key, cache::Stored entry) {
    const bool used = entry->key() != key || entry->is_taken.exchange(true);
    if (used) {
        entry = cache::copy_of(*entry, key);
        entry->is_taken = true;
    }
    // The tier changes its place alone.
    return const_cast<cache::StoredResponse*>(entry.detach());
}

}  // namespace

// Enough shards that threads seldom meet, few enough that each can hold the largest objects.
std::size_t MemoryStore::shards_for(std::size_t bytes, std::size_t object_bytes) {
    constexpr std::size_t shard_bytes = 32u * 1024 * 1024;
    std::size_t shards = 1;
    while (shards < shards_most) {
        const std::size_t smaller = bytes / (shards * 2);
        if (smaller < shard_bytes || settings::largest_in_memory(smaller) < object_bytes) break;
        shards *= 2;
    }
    return shards;
}

MemoryStore::MemoryStore(std::size_t bytes, Generations& generations, std::size_t object_bytes)
    : generations_(generations),
      shard_count_(shards_for(bytes, object_bytes)),
      shard_bytes_max_(bytes / shard_count_),
      shards_(std::make_unique<MemoryShard[]>(shards_most)) {}

MemoryStore::~MemoryStore() = default;

MemoryShard& MemoryStore::shard_of(std::uint64_t hash) const {
    return shards_[(hash >> 58) & (shard_count_.load(std::memory_order_relaxed) - 1)];
}

MemoryHit MemoryStore::find(std::string_view key, const http::RequestHead& request, bool with_host,
                            std::uint32_t rules, SteadyTime now) const {
    if (now.time_since_epoch().count() >= trusted_until_.load(std::memory_order_acquire)) return {};
    const std::uint64_t hash = hash_of(key);
    MemoryShard& shard = shard_of(hash);
    VariantOf variant(request, with_host);
    const std::scoped_lock lock(shard.mutex);
    StoredResponse* newest = shard.table.find(hash, key);
    bool other = false;
    for (StoredResponse* entry = newest; entry; entry = next_variant(*entry)) {
        if (entry->rules != rules || !is_current(*entry)) continue;
        ScanPatterns::Verdict scanned;
        if (patterns_.any()) scanned = patterns_.judge(key, entry->sequence());
        if (scanned.purged) continue;
        const cache::NameList vary = entry->vary();
        if (entry->variant() != variant.under(vary)) {
            other |= !vary.empty();
            continue;
        }
        if (!newest->visited) newest->visited = true;
        return {
            cache::Stored(entry),
            scanned.soft_at != 0 || generations_.soft_purged(entry->guards(), entry->sequence()),
            false};
    }
    return {nullptr, false, other};
}

std::vector<std::string> MemoryStore::variants(std::string_view key, SteadyTime now) const {
    std::vector<std::string> out;
    if (now.time_since_epoch().count() >= trusted_until_.load(std::memory_order_acquire))
        return out;
    const std::uint64_t hash = hash_of(key);
    MemoryShard& shard = shard_of(hash);
    const std::scoped_lock lock(shard.mutex);
    for (const StoredResponse* entry = shard.table.find(hash, key); entry;
         entry = next_variant(*entry))
        if (may_serve(key, *entry)) out.emplace_back(entry->variant());
    return out;
}

bool MemoryStore::insert(std::string_view key, cache::Stored stored, const Provenance& made) {
    if (keeps_nothing() || is_too_large(stored->cost())) return false;
    const std::uint64_t hash = hash_of(key);
    MemoryShard& shard = shard_of(hash);
    Garbage garbage;
    StoredResponse* entry = takeable(key, std::move(stored));
    cache::Stored owner(entry, false);
    const std::scoped_lock lock(shard.mutex);
    // A resize may have come since the shard was chosen: nobody would look for the entry here.
    if (&shard != &shard_of(hash) || !may_take(*entry, made.began)) return false;
    entry->rules = made.rules;
    entry->rule_guards = static_cast<std::uint16_t>(
        std::min({made.rule_guards, entry->guards().size(), rule_guards_max}));
    shard.add(hash, shard.table.find(hash, key), entry);
    static_cast<void>(owner.detach());
    count(*entry);
    drop_replaced(shard, hash, *entry, garbage);
    evict(shard, entry, garbage);
    return true;
}

// Drops what the newest entry of a key replaces, and the oldest one where there are too many.
void MemoryStore::drop_replaced(MemoryShard& shard, std::uint64_t hash,
                                const StoredResponse& newest, Garbage& garbage) {
    std::size_t kept = 1;
    StoredResponse* older = nullptr;
    for (StoredResponse* entry = next_variant(newest); entry; entry = older) {
        older = next_variant(*entry);
        const bool same = entry->rules == newest.rules && entry->variant() == newest.variant() &&
                          entry->vary() == newest.vary();
        if (same || ++kept > variants_max) drop(shard, hash, entry, garbage);
    }
}

bool MemoryStore::replace(std::string_view key, const StoredResponse& old, cache::Stored by) {
    if (is_too_large(by->cost())) return false;
    const std::uint64_t hash = hash_of(key);
    MemoryShard& shard = shard_of(hash);
    Garbage garbage;
    StoredResponse* taken = takeable(key, std::move(by));
    cache::Stored owner(taken, false);
    const std::scoped_lock lock(shard.mutex);
    for (StoredResponse* entry = shard.table.find(hash, key); entry; entry = next_variant(*entry)) {
        if (entry != &old) continue;
        shard.replace(hash, entry, taken);
        static_cast<void>(owner.detach());
        garbage.add(entry);
        evict(shard, shard.table.find(hash, key), garbage);
        return true;
    }
    return false;
}

// What Redis stored may be noted under a later position than that of its fetch: a purge in between,
// which Redis need not know of yet, counts all the same. A soft one would be lost with it.
bool MemoryStore::may_take(const StoredResponse& entry, std::uint64_t began) const {
    if (!is_current(entry) || !generations_.valid(entry.guards(), began) ||
        !generations_.may_store(began))
        return false;
    return entry.sequence() <= began || !generations_.soft_purged(entry.guards(), began);
}

bool MemoryStore::remove(std::string_view key) {
    const std::uint64_t hash = hash_of(key);
    MemoryShard& shard = shard_of(hash);
    Garbage garbage;
    const std::scoped_lock lock(shard.mutex);
    StoredResponse* newest = shard.table.find(hash, key);
    if (!newest) return false;
    drop_key(shard, newest, garbage);
    return true;
}

void MemoryStore::purge_matching(std::string_view pattern, bool soft) {
    // In this order: what is not there yet is refused before the sweep can miss it.
    const std::uint64_t position = generations_.begin_scan();
    const bool noted = patterns_.add(pattern, soft, position);
    if (!noted) return forget();
    wake_sweeper();
}

bool MemoryStore::holds_any(const route::PurgeSet& set) const {
    const auto holds = [this](const std::string& key) {
        const std::uint64_t hash = hash_of(key);
        const MemoryShard& shard = shard_of(hash);
        const std::scoped_lock lock(shard.mutex);
        for (const StoredResponse* entry = shard.table.find(hash, key); entry;
             entry = next_variant(*entry))
            if (may_serve(key, *entry)) return true;
        return false;
    };
    for (const std::string& key : set.keys)
        if (holds(key) || counts_.any(Generations::slot_of_extensions(key))) return true;
    return std::any_of(set.patterns.begin(), set.patterns.end(),
                       [this](const std::string& pattern) {
                           return counts_.any(Generations::slot_of_tag(pattern));
                       });
}

void MemoryStore::keep_rules(std::vector<std::uint32_t> rules) {
    std::sort(rules.begin(), rules.end());
    {
        const std::scoped_lock lock(mutex_);
        rules_ = std::make_shared<const std::vector<std::uint32_t>>(std::move(rules));
    }
    wake_sweeper();
}

void MemoryStore::trust_until(SteadyTime until) { set_trust(until.time_since_epoch().count()); }

void MemoryStore::set_trust(std::int64_t until) {
    std::int64_t seen = trusted_until_.load(std::memory_order_relaxed);
    while (seen != retired &&
           !trusted_until_.compare_exchange_weak(seen, until, std::memory_order_acq_rel)) {
    }
}

void MemoryStore::distrust() {
    set_trust(0);
    forget();
}

void MemoryStore::retire() { trusted_until_.store(retired, std::memory_order_release); }

void MemoryStore::end_retirement() {
    if (!is_retired()) return;
    generations_.purge_all();
    forget();
    trusted_until_.store(0, std::memory_order_release);
}

void MemoryStore::forget() {
    const std::uint64_t position = generations_.advance();
    std::uint64_t seen = forgotten_.load(std::memory_order_relaxed);
    while (seen < position &&
           !forgotten_.compare_exchange_weak(seen, position, std::memory_order_acq_rel)) {
    }
    wake_sweeper();
}

bool MemoryStore::is_current(const StoredResponse& entry) const {
    return entry.sequence() >= forgotten_.load(std::memory_order_acquire) &&
           generations_.unchanged(entry.guards(), entry.sequence());
}

bool MemoryStore::may_serve(std::string_view key, const StoredResponse& entry) const {
    return is_current(entry) && !(patterns_.any() && patterns_.judge(key, entry.sequence()).purged);
}

// The key's own guard is the first, and needs no count: the key can be looked up.
void MemoryStore::count(const StoredResponse& entry) {
    for (std::size_t i = 1; i < entry.rule_guards; ++i)
        counts_.add(entry.guards()[i], entry.sequence());
}

void MemoryStore::uncount(const StoredResponse& entry) {
    for (std::size_t i = 1; i < entry.rule_guards; ++i)
        counts_.take(entry.guards()[i], entry.sequence());
}

void MemoryStore::drop(MemoryShard& shard, std::uint64_t hash, StoredResponse* entry,
                       Garbage& garbage) {
    uncount(*entry);
    shard.take_out(hash, entry);
    garbage.add(entry);
}

// Gives the number of its variants.
std::size_t MemoryStore::drop_key(MemoryShard& shard, StoredResponse* newest, Garbage& garbage) {
    const std::uint64_t hash = hash_of(newest->key());
    std::size_t variants = 0;
    for (StoredResponse* entry = newest; entry; ++variants) {
        StoredResponse* older = next_variant(*entry);
        drop(shard, hash, entry, garbage);
        entry = older;
    }
    return variants;
}

// `spared`: the newest variant of its key.
void MemoryStore::evict(MemoryShard& shard, const StoredResponse* spared, Garbage& garbage) {
    while (shard.bytes > shard_bytes_max_.load(std::memory_order_relaxed)) {
        StoredResponse* victim = shard.next_victim(spared);
        if (!victim) return;
        shard.evictions += drop_key(shard, victim, garbage);
    }
}

void MemoryStore::set_waker(std::function<void()> waker) {
    const std::scoped_lock lock(mutex_);
    waker_ = std::move(waker);
}

void MemoryStore::wake_sweeper() {
    const std::scoped_lock lock(mutex_);
    if (waker_) waker_();
}

std::size_t MemoryStore::bytes() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < shards_most; ++i) sum += shards_[i].bytes;
    return sum;
}

std::size_t MemoryStore::entries() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < shards_most; ++i) sum += shards_[i].entries;
    return sum;
}

std::uint64_t MemoryStore::evictions() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < shards_most; ++i) sum += shards_[i].evictions;
    return sum;
}

}  // namespace larder::store
