#include "store/generations.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>
#include <string>

#include "base/hash.hpp"
#include "route/route_table.hpp"

namespace larder::store {
namespace {

constexpr std::size_t table_bytes = Generations::slot_count * sizeof(std::atomic<std::uint64_t>);

void unmap(void* table) { ::munmap(table, table_bytes); }

// Zero pages that cost nothing until a purge touches them.
std::atomic<std::uint64_t>* map_table() {
    void* table = ::mmap(nullptr, table_bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table == MAP_FAILED) throw std::bad_alloc{};
    return static_cast<std::atomic<std::uint64_t>*>(table);
}

constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t kind) {
    hash ^= kind * 0x9e3779b97f4a7c15ull;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93ull;
    return hash ^ (hash >> 29);
}

std::uint32_t number(std::string_view name, std::uint64_t kind) {
    return static_cast<std::uint32_t>(mix(hash_of(name), kind));
}

}  // namespace

Generations::Generations()
    : hard_(map_table(), unmap), soft_(map_table(), unmap), changed_(map_table(), unmap) {}

std::uint32_t Generations::slot_of_key(std::string_view key) { return number(key, 1); }
std::uint32_t Generations::slot_of_extensions(std::string_view bare_key) {
    return number(bare_key, 2);
}
std::uint32_t Generations::slot_of_tag(std::string_view tag) {
    const std::string_view extended = route::extended_key(tag);
    return extended.empty() ? number(tag, 3) : slot_of_extensions(extended);
}
std::uint32_t Generations::slot_of_response_tag(std::string_view tag) { return number(tag, 4); }

std::vector<std::uint32_t> guard_slots(std::string_view key, std::size_t bare_size,
                                       std::span<const std::string> tags) {
    std::vector<std::uint32_t> slots;
    slots.reserve(tags.size() + 2);
    slots.push_back(Generations::slot_of_key(key));
    if (bare_size < key.size())
        slots.push_back(Generations::slot_of_extensions(key.substr(0, bare_size)));
    for (const std::string& tag : tags) slots.push_back(Generations::slot_of_tag(tag));
    return slots;
}

}  // namespace larder::store
