#include "store/memory_store.hpp"

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "cache/decisions.hpp"
#include "route/pattern.hpp"

// A shard is a hash table of keys, chained, and one list of the same nodes in the order they came, for SIEVE: the hand
// walks from the oldest towards the newest, spares (and unmarks) what was visited and evicts the first that was not.
namespace larder::store {
namespace {

// Enough shards that threads seldom meet, few enough that each can hold the largest objects.
std::size_t shards_for(std::size_t bytes) {
    std::size_t shards = 1;
    while (shards < 64 && bytes / (shards * 2) >= 32u * 1024 * 1024) shards *= 2;
    return shards;
}

constexpr std::size_t variants_max = 64;

struct Node {
    std::uint64_t hash;
    std::string key;
    std::vector<cache::Stored> variants;  // newest first
    Node* chain = nullptr;
    Node* newer = nullptr;
    Node* older = nullptr;
    bool visited = false;
    std::size_t cost = 0;
};

std::size_t cost_of(const Node& node) {
    std::size_t bytes = sizeof(Node) + node.key.capacity() + 2 * sizeof(void*) + node.variants.capacity() * sizeof(void*);
    for (const cache::Stored& entry : node.variants) bytes += entry->cost();
    return bytes;
}

// The variant text of a request under a list of selecting fields, built once for neighbours that share the list; where the
// response does not vary it is the host's alone, which mostly is the one of the request before.
class VariantOf {
public:
    VariantOf(const http::RequestHead& request, bool with_host) : request_(request), with_host_(with_host) {}

    const std::string& under(const std::vector<std::string>& vary) {
        if (vary.empty()) return of_host();
        if (!built_ || *built_ != vary) {
            cache::build_variant(request_, vary, with_host_, text_);
            built_ = &vary;
        }
        return text_;
    }

private:
    const std::string& of_host() {
        if (!with_host_) return nothing_;
        if (request_.host != host_) {
            cache::build_variant(request_, {}, true, host_text_);
            host_ = request_.host;
        }
        return host_text_;
    }

    static inline const std::string nothing_;
    static inline thread_local std::string host_;
    static inline thread_local std::string host_text_ = [] {
        std::string text;
        cache::build_variant(http::RequestHead{}, {}, true, text);
        return text;
    }();
    static thread_local std::string text_;
    const http::RequestHead& request_;
    bool with_host_;
    const std::vector<std::string>* built_ = nullptr;
};

thread_local std::string VariantOf::text_;

}  // namespace

struct MemoryStore::Shard {
    mutable std::mutex mutex;
    std::vector<Node*> buckets = std::vector<Node*>(64);
    Node* newest = nullptr;
    Node* oldest = nullptr;
    Node* hand = nullptr;
    std::size_t nodes = 0;
    std::atomic<std::size_t> bytes{0};
    std::atomic<std::size_t> entries{0};
    std::atomic<std::uint64_t> evictions{0};

    ~Shard() { clear(); }

    [[nodiscard]] Node* find(std::uint64_t hash, std::string_view key) const {
        for (Node* node = buckets[hash & (buckets.size() - 1)]; node; node = node->chain)
            if (node->hash == hash && node->key == key) return node;
        return nullptr;
    }

    Node* add(std::uint64_t hash, std::string_view key) {
        if (nodes >= buckets.size()) grow();
        Node* node = new Node{hash, std::string(key), {}, nullptr, nullptr, nullptr, false, 0};
        Node*& bucket = buckets[hash & (buckets.size() - 1)];
        node->chain = bucket;
        bucket = node;
        node->older = newest;
        if (newest) newest->newer = node;
        newest = node;
        if (!oldest) oldest = node;
        ++nodes;
        return node;
    }

    void grow() {
        std::vector<Node*> wider(buckets.size() * 2);
        for (Node* node : buckets) {
            while (node) {
                Node* following = node->chain;
                Node*& bucket = wider[node->hash & (wider.size() - 1)];
                node->chain = bucket;
                bucket = node;
                node = following;
            }
        }
        buckets.swap(wider);
    }

    void drop(Node* node) {
        Node** link = &buckets[node->hash & (buckets.size() - 1)];
        while (*link != node) link = &(*link)->chain;
        *link = node->chain;
        if (hand == node) hand = node->newer;
        (node->newer ? node->newer->older : newest) = node->older;
        (node->older ? node->older->newer : oldest) = node->newer;
        bytes -= node->cost;
        entries -= node->variants.size();
        --nodes;
        delete node;
    }

    void account(Node* node, std::size_t variants_before) {
        const std::size_t cost = cost_of(*node);
        bytes += cost - node->cost;
        entries += node->variants.size() - variants_before;
        node->cost = cost;
    }

    void evict_down_to(std::size_t bytes_max, const Node* spared) {
        while (bytes > bytes_max && nodes > 1) {
            if (!hand) hand = oldest;
            Node* node = hand;
            hand = node->newer;
            if (node == spared) continue;
            if (node->visited) {
                node->visited = false;
                continue;
            }
            evictions += node->variants.size();
            drop(node);
        }
    }

    void clear() {
        while (oldest) drop(oldest);
        hand = nullptr;
    }
};

MemoryStore::MemoryStore(std::size_t bytes, Generations& generations)
    : generations_(generations),
      shard_count_(shards_for(bytes)),
      shard_bytes_max_(bytes / shard_count_),
      shards_(std::make_unique<Shard[]>(shard_count_)) {}

MemoryStore::~MemoryStore() = default;

MemoryStore::Shard& MemoryStore::shard_of(std::uint64_t hash) const { return shards_[(hash >> 58) & (shard_count_ - 1)]; }

MemoryHit MemoryStore::find(std::string_view key, const http::RequestHead& request, bool with_host, SteadyTime now) const {
    if (now.time_since_epoch().count() >= trusted_until_.load(std::memory_order_acquire)) return {};
    const std::uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    VariantOf variant(request, with_host);
    const std::scoped_lock lock(shard.mutex);
    Node* node = shard.find(hash, key);
    if (!node) return {};
    bool other = false;
    for (const cache::Stored& entry : node->variants) {
        if (!is_current(*entry)) continue;
        if (entry->variant != variant.under(entry->vary)) {
            other |= !entry->vary.empty();
            continue;
        }
        if (!node->visited) node->visited = true;
        return {entry, generations_.soft_purged(entry->guards, entry->sequence), false};
    }
    return {nullptr, false, other};
}

std::vector<std::string> MemoryStore::variants(std::string_view key, SteadyTime now) const {
    std::vector<std::string> out;
    if (now.time_since_epoch().count() >= trusted_until_.load(std::memory_order_acquire)) return out;
    const std::uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    const std::scoped_lock lock(shard.mutex);
    const Node* node = shard.find(hash, key);
    if (!node) return out;
    for (const cache::Stored& entry : node->variants)
        if (is_current(*entry)) out.push_back(entry->variant);
    return out;
}

bool MemoryStore::insert(std::string_view key, cache::Stored entry) {
    if (entry->cost() + key.size() + sizeof(Node) > shard_bytes_max_ / 2) return false;
    const std::uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    const std::scoped_lock lock(shard.mutex);
    if (!is_current(*entry) || !generations_.may_store(entry->sequence)) return false;
    Node* node = shard.find(hash, key);
    if (!node) node = shard.add(hash, key);
    auto& variants = node->variants;
    const std::size_t before = variants.size();
    std::erase_if(variants, [&](const cache::Stored& old) { return old->variant == entry->variant && old->vary == entry->vary; });
    if (variants.size() >= variants_max) variants.pop_back();
    variants.insert(variants.begin(), std::move(entry));
    shard.account(node, before);
    shard.evict_down_to(shard_bytes_max_, node);
    return true;
}

bool MemoryStore::remove(std::string_view key) {
    const std::uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    const std::scoped_lock lock(shard.mutex);
    Node* node = shard.find(hash, key);
    if (!node) return false;
    shard.drop(node);
    return true;
}

std::size_t MemoryStore::remove_matching(std::string_view pattern) {
    std::size_t removed = 0;
    for (std::size_t i = 0; i < shard_count_; ++i) {
        Shard& shard = shards_[i];
        const std::scoped_lock lock(shard.mutex);
        for (Node* node = shard.oldest; node;) {
            Node* following = node->newer;
            if (glob_matches(pattern, node->key)) {
                generations_.purge(Generations::slot_of_key(node->key));
                shard.drop(node);
                ++removed;
            }
            node = following;
        }
    }
    return removed;
}

void MemoryStore::purge_matching_softly(std::string_view pattern) {
    for (std::size_t i = 0; i < shard_count_; ++i) {
        const std::scoped_lock lock(shards_[i].mutex);
        for (Node* node = shards_[i].oldest; node; node = node->newer)
            if (glob_matches(pattern, node->key)) generations_.purge_soft(Generations::slot_of_key(node->key));
    }
}

void MemoryStore::clear() {
    for (std::size_t i = 0; i < shard_count_; ++i) {
        const std::scoped_lock lock(shards_[i].mutex);
        shards_[i].clear();
    }
}

void MemoryStore::trust_until(SteadyTime until) {
    set_trust(until.time_since_epoch().count());
}

void MemoryStore::set_trust(std::int64_t until) {
    std::int64_t seen = trusted_until_.load(std::memory_order_relaxed);
    while (seen != retired && !trusted_until_.compare_exchange_weak(seen, until, std::memory_order_acq_rel)) {
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
    forgotten_.store(generations_.advance(), std::memory_order_release);
    clear();
}

bool MemoryStore::is_current(const cache::StoredResponse& entry) const {
    return entry.sequence >= forgotten_.load(std::memory_order_acquire) && generations_.unchanged(entry.guards, entry.sequence);
}

std::size_t MemoryStore::bytes() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < shard_count_; ++i) sum += shards_[i].bytes;
    return sum;
}

std::size_t MemoryStore::entries() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < shard_count_; ++i) sum += shards_[i].entries;
    return sum;
}

std::uint64_t MemoryStore::evictions() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < shard_count_; ++i) sum += shards_[i].evictions;
    return sum;
}

bool glob_matches(std::string_view pattern, std::string_view text) { return route::glob_match(pattern, text); }

}  // namespace larder::store
