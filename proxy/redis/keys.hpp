#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redis/journal.hpp"
#include "redis/slot_names.hpp"
#include "redis/slots.hpp"
#include "route/route_table.hpp"

namespace larder::redis {

/// The names of everything larder keeps in Redis. Every name begins with `redis.prefix`, so that an
/// ACL of `~prefix*` is enough. The bookkeeping of an entry shares its key's hash slot, so that one
/// command may touch both in a cluster.
class RedisKeys {
public:
    enum class Slots : unsigned char { one, of_cluster };
    /// `database`: PUBLISH knows none, so it is a part of the channel's name.
    explicit RedisKeys(std::string prefix, Slots slots = Slots::one, int database = 0);

    [[nodiscard]] const std::string& prefix() const { return prefix_; }

    [[nodiscard]] std::string entry(std::string_view key) const;
    /// The key's generation: a fill stores only under the guard its fetch began with.
    [[nodiscard]] std::string guard(std::string_view key) const { return braced("lease:", key); }
    /// The lock that makes one fetch of many. `part`: what of the key is fetched (host, variant):
    /// requests for other parts do not queue behind each other.
    [[nodiscard]] std::string lock(std::string_view key, std::string_view part) const {
        return braced("lock:", key).append(part);
    }
    /// Where a fill puts what the entry is to be, before its script moves it. `fill`: a name that
    /// no other fill has.
    [[nodiscard]] std::string stage(std::string_view key, std::string_view fill) const {
        return braced("stage:", key).append(fill);
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

    /// The id that every entry carries: deleting it purges everything in one step. In a cluster
    /// there is one for each group of slots, so that the entries of one node need no other node:
    /// `entry_key` is the entry's, as Redis knows it.
    [[nodiscard]] const std::string& everything(std::string_view entry_key) const;
    /// All of them.
    [[nodiscard]] const std::vector<std::string>& everything_ids() const { return everything_; }

    // What concerns one server stands there. `home`: a hash tag of a slot of this server, where it
    // is one of a cluster; else empty.

    /// Names the server (its identity) that an instance with a full purge history has vouched for.
    [[nodiscard]] std::string vouched(std::string_view home = {}) const {
        return own("server", home);
    }
    /// Set by an instance when it began to hear of all purges: data that holds it is no older than
    /// that instance's history.
    [[nodiscard]] std::string mark(std::string_view name, std::string_view home = {}) const {
        return own("joined:", home).append(name);
    }
    /// The instances that have brought their purges to this server.
    [[nodiscard]] std::string present(std::string_view server, std::string_view home = {}) const {
        return own("present:", home).append(server);
    }
    /// The hash tag of a slot.
    [[nodiscard]] std::string home_of(int slot) const {
        return names_ && slot >= 0 ? names_->of(slot) : std::string();
    }
    /// Which groups of slots a purge touches. All, where that is more than one.
    [[nodiscard]] SlotGroups touched_by(const PurgeItem& item) const;
    /// The slots whose nodes must know of the purge; empty: all nodes.
    [[nodiscard]] std::vector<int> slots_of(const PurgeItem& item) const;
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
    std::vector<std::string> everything_;
    std::shared_ptr<const SlotNames> names_;  ///< in a cluster
    std::string news_;
};

/// A glob for SCAN MATCH: `literal`, then `pattern`, in which only '*' keeps its meaning.
std::string escape_glob(std::string_view literal, std::string_view pattern);

/// 16 hexadecimal digits that nobody had before.
std::string random_id();

/// 16 hexadecimal digits that are the same for the same text, in every process.
std::string digest_of(std::string_view text);

}  // namespace larder::redis
