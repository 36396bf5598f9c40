#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "route/route_table.hpp"

namespace larder::redis {

/// The names of everything larder keeps in Redis. Every name begins with `redis.prefix`, so that an
/// ACL of `~prefix*` is enough. The bookkeeping of an entry shares its key's hash slot, so that one
/// command may touch both in a cluster.
class RedisKeys {
public:
    explicit RedisKeys(std::string prefix);

    [[nodiscard]] const std::string& prefix() const { return prefix_; }

    [[nodiscard]] std::string entry(std::string_view key) const;
    /// The key's generation: a fill stores only under the guard its fetch began with.
    [[nodiscard]] std::string guard(std::string_view key) const { return braced("lease:", key); }
    /// The lock that makes one fetch of many. `part`: what of the key is fetched (host, variant):
    /// requests for other parts do not queue behind each other.
    [[nodiscard]] std::string lock(std::string_view key, std::string_view part) const {
        return braced("lock:", key).append(part);
    }
    /// The id that entries carry whose key extends this one with an appended query.
    [[nodiscard]] std::string extension(std::string_view bare_key) const {
        return braced("ext:", bare_key);
    }
    /// The id of a rule tag: of a pattern's, or of an extension's (route::extension_tag).
    [[nodiscard]] std::string tag(std::string_view name) const {
        const std::string_view extended = route::extended_key(name);
        return extended.empty() ? own("tag:", name) : extension(extended);
    }
    [[nodiscard]] std::string response_tag(std::string_view name) const {
        return own("rtag:", name);
    }
    [[nodiscard]] const std::string& clock() const { return clock_; }
    /// The keys filled under a tag's or extension's id.
    [[nodiscard]] std::string index(std::string_view id) const { return own("index:", id); }

    /// The id that every entry carries: deleting it purges everything in one step.
    [[nodiscard]] const std::string& everything() const { return everything_; }
    /// Names the server (its identity) that an instance with a full purge history has vouched for.
    [[nodiscard]] const std::string& vouched() const { return vouched_; }
    /// Set by an instance when it began to hear of all purges: data that holds it is no older than
    /// that instance's history.
    [[nodiscard]] std::string mark(std::string_view name) const { return own("joined:", name); }
    /// The instances that have brought their purges to this server.
    [[nodiscard]] std::string present(std::string_view server) const {
        return own("present:", server);
    }
    /// Tells one server from another where the user may not run INFO.
    [[nodiscard]] std::string nonce(std::string_view instance) const {
        return own("nonce:", instance);
    }
    /// The channel on which instances tell each other of purges, and that they live.
    [[nodiscard]] const std::string& news() const { return news_; }

    /// What a key that Redis names is.
    enum class Kind : unsigned char { entry, tag, extension, response_tag, everything, other };
    struct Named {
        Kind kind = Kind::other;
        std::string_view name;  ///< without prefix; views into the key
    };
    [[nodiscard]] Named name_of(std::string_view redis_key) const;

private:
    [[nodiscard]] std::string own(std::string_view kind, std::string_view name) const;
    [[nodiscard]] std::string braced(std::string_view kind, std::string_view key) const;

    std::string prefix_;
    std::string own_;  ///< the prefix and "larder:"
    std::string clock_;
    std::string everything_;
    std::string vouched_;
    std::string news_;
};

/// A glob for SCAN MATCH: `literal`, then `pattern`, in which only '*' keeps its meaning.
std::string escape_glob(std::string_view literal, std::string_view pattern);

/// 16 hexadecimal digits that nobody had before.
std::string random_id();

/// 16 hexadecimal digits that are the same for the same text, in every process.
std::string digest_of(std::string_view text);

}  // namespace larder::redis
