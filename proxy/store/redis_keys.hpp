#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace larder::store {

/// The names of everything larder keeps in Redis. The bookkeeping of an entry shares its key's hash slot, so that one
/// command may touch both in a cluster. All of it is inside `redis.prefix`'s name space.
class RedisKeys {
public:
    explicit RedisKeys(std::string prefix);

    [[nodiscard]] const std::string& prefix() const { return prefix_; }

    [[nodiscard]] std::string entry(std::string_view key) const;
    [[nodiscard]] std::string guard(std::string_view key) const { return braced("larder:lease:", key); }
    /// `host`: the host part of the variant; requests for other hosts do not queue behind each other.
    [[nodiscard]] std::string lock(std::string_view key, std::string_view host) const { return braced("larder:lock:", key).append(host); }
    /// The id that entries carry whose key extends this one with an appended query.
    [[nodiscard]] std::string extension(std::string_view bare_key) const { return braced("larder:ext:", bare_key); }
    [[nodiscard]] std::string tag(std::string_view pattern) const;
    [[nodiscard]] std::string response_tag(std::string_view name) const;
    [[nodiscard]] const std::string& clock() const { return clock_; }
    /// The keys filled under a tag's or extension's id.
    [[nodiscard]] static std::string index(std::string_view id) { return std::string("larder:index:").append(id); }

    /// What a key that Redis names is.
    enum class Kind : unsigned char { entry, tag, extension, response_tag, other };
    struct Named {
        Kind kind = Kind::other;
        std::string_view name;  ///< without prefix; views into the key
    };
    [[nodiscard]] Named name_of(std::string_view redis_key) const;

private:
    [[nodiscard]] std::string braced(std::string_view kind, std::string_view key) const;

    std::string prefix_;
    std::string clock_;
};

/// A glob for SCAN MATCH: `literal`, then `pattern`, in which only '*' keeps its meaning.
std::string escape_glob(std::string_view literal, std::string_view pattern);

/// 16 hexadecimal digits that nobody had before.
std::string random_id();

}  // namespace larder::store
