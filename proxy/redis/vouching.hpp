#pragma once
#include <memory>

#include "base/clock.hpp"
#include "redis/link.hpp"
#include "redis/portions.hpp"
#include "redis/task.hpp"
#include "redis/way.hpp"

/// Decides whether a server may be read that was restarted, that was failed over to, or that took
/// over other data. Such a server may have forgotten purges.
///
/// Each instance knows the purges of all (redis/news.hpp), and brings them to a server that it has
/// not met before. The first whose mark is in the server's data (the data is no older than that
/// instance's history) vouches for the server, once all other instances that were alive have
/// brought theirs too: one that is missing may have purged what nobody else heard of. Where nobody
/// can vouch in time, the id that all entries carry is deleted: nothing that was stored before is
/// valid any more. The name of the server that was vouched for stands in Redis, so that whoever
/// connects later can read at once.
namespace larder::redis {

class RedisShared;

/// What is known of the server, and how long it is known.
struct VouchingFacts {
    bool vouched = false;      ///< somebody has vouched for it
    bool has_entries = false;  ///< the id that all entries carry is there
    bool has_mark = false;     ///< its data is no older than this instance's history
    bool all_present = false;  ///< all other instances have brought their purges
    Milliseconds waited{0};
};

enum class Vouching : std::uint8_t {
    read,              ///< somebody has vouched
    vouch,             ///< this instance can
    purge_everything,  ///< nobody can: then everything that is there is invalid, and the server can
                       ///< be read
    wait,              ///< ask again soon
};
[[nodiscard]] Vouching decide_vouching(const VouchingFacts& facts);

/// Brings the purge history to the server of that meeting and waits until it may be read
/// (ServerEpochs::clear). A second call goes on where the first was cut short. False: a portion of
/// the history was not acknowledged, the link was lost, or leads elsewhere now.
[[nodiscard]] Task<bool> clear_server(std::shared_ptr<RedisLink> link, RedisShared& shared,
                                      ServerMeeting& meeting, PurgePace& pace);

/// Has the server's data bear this instance's mark; needs a subscriber. Does not fail: without a
/// mark it cannot vouch.
[[nodiscard]] Task<void> leave_mark(std::shared_ptr<RedisLink> link, RedisShared& shared);

/// Reads the id that all entries carry, tracked, or makes it.
[[nodiscard]] Task<void> read_everything_id(std::shared_ptr<RedisLink> link, RedisShared& shared);

/// Tells the other instances that this one lives. Does not wait.
void tell_presence(const RedisWay& way);

}  // namespace larder::redis
