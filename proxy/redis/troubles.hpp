#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "redis/refusal.hpp"

namespace larder::redis {

/// The things that larder does with Redis. Each works or fails on its own.
enum class RedisWork : std::uint8_t {
    use,  ///< to be used at all
    read,
    store,
    purge,
    identity,      ///< to know which server it is
    tracking,      ///< to be told of changes
    subscription,  ///< to hear of changes and of the other instances' purges
    news,          ///< to tell the other instances
    sentinels,
    other,  ///< nothing that has an end of its own: never in the log
    count_
};
std::string_view to_word(RedisWork work);

/// One refusal or failure.
struct RedisTrouble {
    RedisWork work = RedisWork::other;
    RedisError reason = RedisError::reply;
    std::string text;     ///< what Redis or the system said
    std::string command;  ///< may be empty
    std::string remedy;
    SteadyTime since{};  ///< when it began
    SteadyTime last{};   ///< when it was seen last
};

/// What does not work at present. Each change, in either direction, is one line for the log. If it
/// changes all the time, only few lines are written. Time is an argument. One thread, or a mutex
/// around it.
class RedisTroubles {
public:
    struct Line {
        bool good = false;
        bool grave = false;  ///< Redis cannot be used, or purges are owed
        std::string text;
    };
    /// `trouble.since` and `last` are set here.
    std::optional<Line> failed(RedisTrouble trouble, SteadyTime now);
    std::optional<Line> works(RedisWork work, SteadyTime now);

    /// The one that was seen last, over or not.
    [[nodiscard]] const std::optional<RedisTrouble>& last() const { return last_; }
    [[nodiscard]] std::vector<RedisTrouble> present() const;

private:
    struct State {
        std::optional<RedisTrouble> trouble;
        bool said = false;  ///< its line was written
        double lines = 0;   ///< that may be written
        SteadyTime refilled{};
        bool filled_once = false;
    };
    [[nodiscard]] static bool may_say(State& state, SteadyTime now);

    std::array<State, static_cast<std::size_t>(RedisWork::count_)> states_;
    std::optional<RedisTrouble> last_;
};

}  // namespace larder::redis
