#include "store/memory_shard.hpp"

#include <new>
#include <utility>

#include "base/hash.hpp"

namespace larder::store {
namespace {

// A bucket costs eight bytes: two keys share one before the table grows.
constexpr std::size_t keys_of_bucket = 2;
// One would do: the table doubles while twice as many keys are added as it has buckets.
constexpr int buckets_split_at_once = 4;
// So many visited nodes are spared in a row. Where all were visited, the hand would otherwise go
// round the whole list under the lock before it evicts one.
constexpr int spared_max = 64;
// What GuardCounts needs for one rule tag.
constexpr std::size_t guard_count_bytes = 48;

std::size_t cost_of(const StoredResponse& entry) {
    std::size_t bytes = entry.cost() + 2 * sizeof(void*);  // and its part of the table
    if (entry.rule_guards > 1) bytes += (entry.rule_guards - 1u) * guard_count_bytes;
    return bytes;
}

}  // namespace

Garbage::~Garbage() {
    while (entries_) intrusive_ptr_release(std::exchange(entries_, entries_->chain));
}

EntryTable::Buckets EntryTable::make(std::size_t width) {
    void* buckets = std::calloc(width, sizeof(StoredResponse*));
    if (!buckets) throw std::bad_alloc{};
    return Buckets(static_cast<StoredResponse**>(buckets));
}

void EntryTable::add(std::uint64_t hash, StoredResponse* entry) {
    if (keys_ >= keys_of_bucket * width_) grow();
    StoredResponse*& bucket = bucket_of(hash);
    entry->chain = bucket;
    bucket = entry;
    ++keys_;
}

StoredResponse*& EntryTable::link_to(std::uint64_t hash, const StoredResponse* entry) const {
    StoredResponse** link = &bucket_of(hash);
    while (*link != entry) link = &(*link)->chain;
    return *link;
}

void EntryTable::add_before(std::uint64_t hash, const StoredResponse* other,
                            StoredResponse* entry) {
    StoredResponse*& link = link_to(hash, other);
    entry->chain = link;
    link = entry;
}

void EntryTable::replace(std::uint64_t hash, const StoredResponse* old, StoredResponse* by) {
    by->chain = old->chain;
    link_to(hash, old) = by;
}

void EntryTable::remove(std::uint64_t hash, const StoredResponse* entry, bool last) {
    link_to(hash, entry) = entry->chain;
    if (last) --keys_;
}

StoredResponse* EntryTable::first_in(std::size_t bucket) const {
    if (bucket < split_ || bucket >= width_) return wider_[bucket];
    return buckets_[bucket];
}

void EntryTable::grow() {
    if (!wider_) wider_ = make(2 * width_);
    for (int i = 0; i < buckets_split_at_once && split_ < width_; ++i) {
        StoredResponse* newest = buckets_[split_];
        while (newest) {
            StoredResponse* following = next_key(*newest);
            StoredResponse* oldest = newest;
            while (StoredResponse* older = next_variant(*oldest)) oldest = older;
            StoredResponse*& bucket = wider_[hash_of(newest->key()) & (2 * width_ - 1)];
            oldest->chain = bucket;
            bucket = newest;
            newest = following;
        }
        ++split_;
    }
    if (split_ < width_) return;
    buckets_ = std::move(wider_);
    width_ *= 2;
    split_ = 0;
}

MemoryShard::~MemoryShard() {
    keys.clear();
    // By buckets: an entry is read no more once the one in front of it is gone.
    for (std::size_t bucket = 0; bucket < table.size(); ++bucket) {
        StoredResponse* entry = table.first_in(bucket);
        while (entry) intrusive_ptr_release(std::exchange(entry, entry->chain));
    }
}

void MemoryShard::add(std::uint64_t hash, StoredResponse* newest, StoredResponse* entry) {
    if (newest) {
        table.add_before(hash, newest, entry);
        take_place(newest, entry);
        newest->is_older_variant = true;
    } else {
        table.add(hash, entry);
        keys.push_back(*entry);
    }
    bytes += cost_of(*entry);
    ++entries;
}

void MemoryShard::replace(std::uint64_t hash, StoredResponse* old, StoredResponse* by) {
    by->rules = old->rules;
    by->rule_guards = old->rule_guards;
    by->is_older_variant = old->is_older_variant;
    table.replace(hash, old, by);
    if (!old->is_older_variant) take_place(old, by);
    bytes += cost_of(*by) - cost_of(*old);
}

void MemoryShard::take_out(std::uint64_t hash, StoredResponse* entry) {
    StoredResponse* older = next_variant(*entry);
    table.remove(hash, entry, !older && !entry->is_older_variant);
    if (!entry->is_older_variant && older) {
        older->is_older_variant = false;
        take_place(entry, older);
    } else if (!entry->is_older_variant) {
        leave_list(entry);
    }
    bytes -= cost_of(*entry);
    --entries;
}

// In the list.
void MemoryShard::take_place(StoredResponse* old, StoredResponse* by) {
    by->visited = old->visited;
    const List::iterator place = keys.insert(List::s_iterator_to(*old), *by);
    if (hand == List::s_iterator_to(*old)) hand = place;
    keys.erase(List::s_iterator_to(*old));
}

void MemoryShard::leave_list(StoredResponse* entry) {
    const List::iterator place = List::s_iterator_to(*entry);
    if (hand == place) ++hand;
    keys.erase(place);
}

StoredResponse* MemoryShard::next_victim(const StoredResponse* spared) {
    int visited = 0;
    for (int steps = 0; steps < 2 * spared_max; ++steps) {
        if (hand == keys.end()) hand = keys.begin();
        if (hand == keys.end()) return nullptr;
        StoredResponse* newest = &*hand++;
        if (newest == spared) {
            if (&keys.front() == &keys.back()) return nullptr;
            continue;
        }
        if (!newest->visited || ++visited > spared_max) return newest;
        newest->visited = false;
    }
    return nullptr;
}

}  // namespace larder::store
