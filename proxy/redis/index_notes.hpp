#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace larder::redis {

/// How long the notes of fills are gathered.
inline constexpr Milliseconds notes_gathered_for = std::chrono::milliseconds(50);

/// The keys that fills are to note in the indexes of their ids (RedisKeys::index), gathered for a
/// moment: a tag that many fills carry costs Redis one command for all of them. An index is for the
/// sweep only: what is lost here stays in Redis, invalid, until it expires. One thread.
class IndexNotes {
public:
    struct Of {
        std::vector<std::string> keys;  ///< as they stand in Redis
        Milliseconds lives{0};          ///< the longest of their entries
    };

    /// True: there was none, so that somebody must come for them.
    bool add(std::string_view id, std::string key, Milliseconds lives) {
        const bool first = of_ids_.empty();
        Of& of = of_ids_[std::string(id)];
        of.keys.push_back(std::move(key));
        of.lives = std::max(of.lives, lives);
        return first;
    }
    /// All of them, by id; none is left.
    [[nodiscard]] std::unordered_map<std::string, Of> take() { return std::exchange(of_ids_, {}); }

private:
    std::unordered_map<std::string, Of> of_ids_;
};

}  // namespace larder::redis
