#pragma once
#include <atomic>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "cache/stored_response.hpp"

namespace larder::store {

/// An entry as the memory tier keeps it.
struct Kept {
    cache::Stored entry;
    std::uint32_t rules = 0;  ///< route::CompiledRoute::rules of the route that made it
    /// So many of its guards, from the first, are the key's and its rule tags'.
    std::uint32_t rule_guards = 0;
};

/// Its place in the list of MemoryShard.
using NodeHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>>;

/// All variants of one key.
struct Node : NodeHook {
    Node(std::uint64_t hash_in, std::string_view key_in) : hash(hash_in), key(key_in) {}

    std::uint64_t hash;
    std::string key;
    std::vector<Kept> variants;  ///< newest first
    Node* chain = nullptr;       ///< the next one in its bucket of NodeTable
    bool visited = false;
    std::size_t cost = 0;
};

/// What was taken out of a shard, to be freed once its mutex is free again: declare it before the
/// lock.
class Garbage {
public:
    Garbage() = default;
    ~Garbage();
    Garbage(const Garbage&) = delete;
    Garbage& operator=(const Garbage&) = delete;

    void add(Node* node) {
        node->chain = nodes_;
        nodes_ = node;
    }
    /// Without room to remember it, the entry is freed at once.
    void add(cache::Stored entry) noexcept;

private:
    Node* nodes_ = nullptr;
    std::vector<cache::Stored> entries_;
};

/// A hash table of nodes that grows one bucket after the other (linear hashing), so that no insert
/// moves all of them.
///
/// A walk by bucket numbers from 0 to size() finds every node that was there all the time, even if
/// the table grows on the way: the nodes of bucket i then stand in i and in i plus the former
/// width, and the walk comes to both if it had not come to i.
class NodeTable {
public:
    NodeTable() : buckets_(make(first_width)), width_(first_width) {}

    [[nodiscard]] Node* find(std::uint64_t hash, std::string_view key) const {
        for (Node* node = bucket_of(hash); node; node = node->chain)
            if (node->hash == hash && node->key == key) return node;
        return nullptr;
    }
    void add(Node* node);
    void remove(const Node* node);

    [[nodiscard]] std::size_t size() const { return wider_ ? 2 * width_ : width_; }
    /// The first node of a bucket; the others follow as `chain`.
    [[nodiscard]] Node* first_in(std::size_t bucket) const;

private:
    struct Free {
        void operator()(Node** buckets) const { std::free(buckets); }
    };
    using Buckets = std::unique_ptr<Node*[], Free>;
    static constexpr std::size_t first_width = 64;

    // Zero pages of the kernel: a large table costs nothing before it is used.
    static Buckets make(std::size_t width);
    [[nodiscard]] Node*& bucket_of(std::uint64_t hash) const {
        const std::size_t narrow = hash & (width_ - 1);
        return narrow < split_ ? wider_[hash & (2 * width_ - 1)] : buckets_[narrow];
    }
    void grow();

    Buckets buckets_;
    std::size_t width_;      // a power of two
    Buckets wider_;          // while it grows: twice the width, and
    std::size_t split_ = 0;  // the buckets below this one stand there
    std::size_t nodes_ = 0;
};

/// A part of the memory tier with a mutex of its own: a table of keys, and one list of the same
/// nodes in the order they came, for SIEVE. The hand walks from the oldest towards the newest,
/// spares (and unmarks) what was visited and evicts the first that was not. All calls with the
/// mutex held; sums may be read without.
struct MemoryShard {
    using List = boost::intrusive::list<Node, boost::intrusive::constant_time_size<false>>;

    mutable std::mutex mutex;
    NodeTable table;
    List nodes;                         ///< the oldest first; the shard owns them
    List::iterator hand = nodes.end();  ///< at the end: it begins with the oldest again
    std::atomic<std::size_t> bytes{0};
    std::atomic<std::size_t> entries{0};
    std::atomic<std::uint64_t> evictions{0};

    ~MemoryShard();

    Node* add(std::uint64_t hash, std::string_view key);
    /// Out of the table and the list; the caller owns it.
    void take_out(Node* node);
    /// Counts anew what the node costs after its variants have changed.
    void account(Node* node, std::size_t variants_before);
    /// The next node to evict, never `spared`; null: it is the only one.
    Node* next_victim(const Node* spared);
};

}  // namespace larder::store
