#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "redis/journal.hpp"

/// What instances tell each other over RedisKeys::news (PUBLISH): that they live, and every purge
/// they make. So each instance knows the purges of all, and can bring them to a server that has
/// forgotten them.
namespace larder::redis {

struct News {
    enum class Kind : char {
        here = 'h',     ///< the sender lives; sent every second
        bye = 'b',      ///< the sender ends and owes nothing
        purges = 'p',   ///< the sender has purged `items`
        planned = 'l',  ///< the sender will purge `items` in `keep`
    };
    Kind kind = Kind::here;
    std::string sender;              ///< the instance's id
    Milliseconds keep{0};            ///< how long `items` are to be remembered
    std::vector<PurgeItem> items{};  ///< of `purges` and `planned`
};

/// With this begins what a script tells of a lock that has ended; the lock's name follows
/// (redis/scripts.hpp). Instances that do not know of it take it for no news.
inline constexpr std::string_view lock_news = "f larder 0\n";

[[nodiscard]] std::string encode_news(const News& news);
/// Nothing where the text is not a message of this form (another version's, or a stranger's).
[[nodiscard]] std::optional<News> decode_news(std::string_view text);

}  // namespace larder::redis
