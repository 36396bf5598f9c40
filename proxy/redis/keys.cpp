#include "redis/keys.hpp"

#include <array>
#include <cstdint>
#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hex.hpp"

namespace larder::redis {
namespace {

std::mt19937_64 seeded() {
    std::random_device device;
    std::array<unsigned, 8> words;
    for (unsigned& word : words) word = device();
    std::seed_seq sequence(words.begin(), words.end());
    return std::mt19937_64(sequence);
}

}  // namespace

RedisKeys::RedisKeys(std::string prefix)
    : prefix_(std::move(prefix)),
      own_(prefix_ + "larder:"),
      clock_(own_ + "clock"),
      everything_(own_ + "all"),
      vouched_(own_ + "server"),
      news_(own_ + "news") {}

std::string RedisKeys::entry(std::string_view key) const {
    return std::string(prefix_).append(key);
}

std::string RedisKeys::own(std::string_view kind, std::string_view name) const {
    std::string out;
    out.reserve(own_.size() + kind.size() + name.size());
    return out.append(own_).append(kind).append(name);
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
    if (key == everything_) return {Kind::everything, {}};
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

std::string digest_of(std::string_view text) {
    return hex_of(XXH3_64bits(text.data(), text.size()));
}

}  // namespace larder::redis
