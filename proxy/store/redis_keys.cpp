#include "store/redis_keys.hpp"

#include <array>
#include <cstdint>
#include <random>

namespace larder::store {
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
    : prefix_(std::move(prefix)), clock_(prefix_.empty() ? "larder:clock" : "larder:clock:" + prefix_) {}

std::string RedisKeys::entry(std::string_view key) const { return std::string(prefix_).append(key); }

std::string RedisKeys::braced(std::string_view kind, std::string_view key) const {
    const bool has_its_own = prefix_.find('{') != prefix_.npos || key.find('{') != key.npos;
    std::string name(kind);
    name.reserve(kind.size() + prefix_.size() + key.size() + 2);
    if (!has_its_own) name.push_back('{');
    name.append(prefix_).append(key);
    if (!has_its_own) name.push_back('}');
    return name;
}

std::string RedisKeys::tag(std::string_view pattern) const { return std::string("larder:tag:").append(prefix_).append(pattern); }

std::string RedisKeys::response_tag(std::string_view name) const {
    return std::string("larder:rtag:").append(prefix_).append(name);
}

RedisKeys::Named RedisKeys::name_of(std::string_view key) const {
    struct Space {
        std::string_view start;
        Kind kind;
    };
    constexpr std::array<Space, 3> spaces{
        {{"larder:tag:", Kind::tag}, {"larder:rtag:", Kind::response_tag}, {"larder:ext:", Kind::extension}}};
    for (const Space& space : spaces) {
        if (!key.starts_with(space.start)) continue;
        std::string_view name = key.substr(space.start.size());
        if (space.kind == Kind::extension && name.starts_with('{') && name.ends_with('}')) name = name.substr(1, name.size() - 2);
        if (!name.starts_with(prefix_)) return {};
        return {space.kind, name.substr(prefix_.size())};
    }
    if (key.starts_with("larder:") || !key.starts_with(prefix_)) return {};
    return {Kind::entry, key.substr(prefix_.size())};
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
    constexpr std::string_view digits = "0123456789abcdef";
    std::uint64_t value = random();
    std::string id(16, '0');
    for (char& digit : id) {
        digit = digits[value & 15];
        value >>= 4;
    }
    return id;
}

}  // namespace larder::store
