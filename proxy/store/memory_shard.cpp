#include "store/memory_shard.hpp"

#include <new>
#include <utility>

namespace larder::store {
namespace {

// Two would do: the table doubles while as many nodes are added as it has buckets.
constexpr int buckets_split_at_once = 4;
// So many visited nodes are spared in a row. Where all were visited, the hand would otherwise go
// round the whole list under the lock before it evicts one.
constexpr int spared_max = 64;
// What GuardCounts needs for one rule tag.
constexpr std::size_t guard_count_bytes = 48;

std::size_t cost_of(const Node& node) {
    std::size_t bytes = sizeof(Node) + node.key.capacity() + 2 * sizeof(void*) +
                        node.variants.capacity() * sizeof(Kept);
    for (const Kept& kept : node.variants) {
        bytes += kept.entry->cost();
        if (kept.rule_guards > 1) bytes += (kept.rule_guards - 1) * guard_count_bytes;
    }
    return bytes;
}

}  // namespace

Garbage::~Garbage() {
    while (nodes_) delete std::exchange(nodes_, nodes_->chain);
}

void Garbage::add(cache::Stored entry) noexcept {
    try {
        entries_.push_back(std::move(entry));
    } catch (const std::bad_alloc&) {
    }
}

NodeTable::Buckets NodeTable::make(std::size_t width) {
    void* buckets = std::calloc(width, sizeof(Node*));
    if (!buckets) throw std::bad_alloc{};
    return Buckets(static_cast<Node**>(buckets));
}

void NodeTable::add(Node* node) {
    if (nodes_ >= width_) grow();
    Node*& bucket = bucket_of(node->hash);
    node->chain = bucket;
    bucket = node;
    ++nodes_;
}

void NodeTable::remove(const Node* node) {
    Node** link = &bucket_of(node->hash);
    while (*link != node) link = &(*link)->chain;
    *link = node->chain;
    --nodes_;
}

Node* NodeTable::first_in(std::size_t bucket) const {
    if (bucket < split_ || bucket >= width_) return wider_[bucket];
    return buckets_[bucket];
}

void NodeTable::grow() {
    if (!wider_) wider_ = make(2 * width_);
    for (int i = 0; i < buckets_split_at_once && split_ < width_; ++i) {
        Node* node = buckets_[split_];
        while (node) {
            Node* following = node->chain;
            Node*& bucket = wider_[node->hash & (2 * width_ - 1)];
            node->chain = bucket;
            bucket = node;
            node = following;
        }
        ++split_;
    }
    if (split_ < width_) return;
    buckets_ = std::move(wider_);
    width_ *= 2;
    split_ = 0;
}

MemoryShard::~MemoryShard() {
    nodes.clear_and_dispose([](Node* node) { delete node; });
}

Node* MemoryShard::add(std::uint64_t hash, std::string_view key) {
    auto node = std::make_unique<Node>(hash, key);
    table.add(node.get());
    nodes.push_back(*node);
    return node.release();
}

void MemoryShard::take_out(Node* node) {
    table.remove(node);
    const List::iterator place = List::s_iterator_to(*node);
    if (hand == place) ++hand;
    nodes.erase(place);
    bytes -= node->cost;
    entries -= node->variants.size();
}

void MemoryShard::account(Node* node, std::size_t variants_before) {
    const std::size_t cost = cost_of(*node);
    bytes += cost - node->cost;
    entries += node->variants.size() - variants_before;
    node->cost = cost;
}

Node* MemoryShard::next_victim(const Node* spared) {
    int visited = 0;
    for (int steps = 0; steps < 2 * spared_max; ++steps) {
        if (hand == nodes.end()) hand = nodes.begin();
        if (hand == nodes.end()) return nullptr;
        Node* node = &*hand++;
        if (node == spared) {
            if (&nodes.front() == &nodes.back()) return nullptr;
            continue;
        }
        if (!node->visited || ++visited > spared_max) return node;
        node->visited = false;
    }
    return nullptr;
}

}  // namespace larder::store
