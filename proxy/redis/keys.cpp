#include "redis/keys.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>

#include "base/checksum.hpp"
#include "base/hex.hpp"

namespace larder::redis {
namespace {

// Each id is one key. The slots of a group may belong to two nodes, and then its entries need both:
// small groups make that a matter of few entries.
constexpr int id_groups = 1024;
constexpr int slots_of_id = slots_all / id_groups;

std::mt19937_64 seeded() {
    std::random_device device;
    std::array<unsigned, 8> words;
    for (unsigned& word : words) word = device();
    std::seed_seq sequence(words.begin(), words.end());
    return std::mt19937_64(sequence);
}

}  // namespace

RedisKeys::RedisKeys(std::string prefix, Slots slots, int database)
    : prefix_(std::move(prefix)),
      own_(prefix_ + "larder:"),
      clock_(own_ + "clock"),
      names_(slots == Slots::of_cluster ? std::make_shared<const SlotNames>() : nullptr),
      news_(own_ + "news" + (database != 0 ? ":" + std::to_string(database) : std::string())) {
    if (!names_) everything_.push_back(own_ + "all");
    for (int group = 0; names_ && group < id_groups; ++group)
        everything_.push_back(own_ + "all:" + names_->of(group * slots_of_id));
}

const std::string& RedisKeys::everything(std::string_view entry_key) const {
    if (!names_) return everything_.front();
    return everything_[slot_of(entry_key) / slots_of_id];
}

std::vector<int> RedisKeys::slots_of(const PurgeItem& item) const {
    switch (item.kind) {
        case PurgeItem::Kind::key:
            return {slot_of(entry(item.name))};
        case PurgeItem::Kind::pattern:
            return {slot_of(tag(item.name))};
        case PurgeItem::Kind::response_tag:
            return {slot_of(response_tag(item.name)), slot_of(clock_)};
        case PurgeItem::Kind::scan:
        case PurgeItem::Kind::everything:
            break;
    }
    return {};
}

SlotGroups RedisKeys::touched_by(const PurgeItem& item) const {
    const std::vector<int> slots = slots_of(item);
    // What a response tag purges is found by its mark; the clock is only its measure.
    return slots.empty() ? all_groups : bit_of_group(group_of_slot(slots.front()));
}

std::string RedisKeys::entry(std::string_view key) const {
    std::string out;
    out.reserve(prefix_.size() + key.size());
    out.append(prefix_).append(key);
    return out;
}

std::string RedisKeys::own(std::string_view kind, std::string_view name) const {
    std::string out;
    out.reserve(own_.size() + kind.size() + name.size());
    out.append(own_).append(kind).append(name);
    return out;
}

std::string RedisKeys::braced(std::string_view kind, std::string_view key) const {
    const bool has_its_own = prefix_.find('{') != prefix_.npos || key.find('{') != key.npos;
    std::string name;
    name.reserve(own_.size() + kind.size() + prefix_.size() + key.size() + 2);
    name.append(own_).append(kind);
    if (!has_its_own) name.push_back('{');
    name.append(prefix_).append(key);
    if (!has_its_own) name.push_back('}');
    return name;
}

RedisKeys::Named RedisKeys::name_of(std::string_view key) const {
    if (!key.starts_with(prefix_)) return {};
    if (!key.starts_with(own_)) return {Kind::entry, key.substr(prefix_.size())};
    const std::string_view own_name = key.substr(own_.size());
    if (own_name == "all" || own_name.starts_with("all:{")) return {Kind::everything, {}};
    struct Space {
        std::string_view start;
        Kind kind;
    };
    constexpr std::array<Space, 3> spaces{
        {{"tag:", Kind::tag}, {"rtag:", Kind::response_tag}, {"ext:", Kind::extension}}};
    key.remove_prefix(own_.size());
    for (const Space& space : spaces) {
        if (!key.starts_with(space.start)) continue;
        std::string_view name = key.substr(space.start.size());
        if (space.kind != Kind::extension) return {space.kind, name};
        if (name.starts_with('{') && name.ends_with('}')) name = name.substr(1, name.size() - 2);
        if (!name.starts_with(prefix_)) return {};
        return {space.kind, name.substr(prefix_.size())};
    }
    return {};
}

std::string escape_glob(std::string_view literal, std::string_view pattern) {
    std::string out;
    const auto add = [&out](std::string_view text, std::string_view special) {
        for (const char c : text) {
            if (special.find(c) != special.npos) out.push_back('\\');
            out.push_back(c);
        }
    };
    add(literal, "*[]?\\");
    add(pattern, "[]?\\");
    return out;
}

std::string random_id() {
    thread_local std::mt19937_64 random = seeded();
    return hex_of(random());
}

std::string digest_of(std::string_view text) { return hex_of(checksum_of(text)); }

}  // namespace larder::redis
