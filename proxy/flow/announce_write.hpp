#pragma once
#include <memory>
#include <string>
#include <vector>

#include "net/task.hpp"
#include "redis/journal.hpp"

namespace larder::flow {

struct Client;

/// A write whose purges were announced in Redis before the write goes to the origin
/// (on_purge_failure: fail). The announcement is renewed while this object lives. The purge after
/// the write ends it (RedisStore::purge with the token); without that purge it expires.
struct Announcement {
    std::string token;
    std::vector<redis::PurgeItem> items;
};

/// Whether a write is refused when its purges cannot reach all instances (on_purge_failure: fail).
bool refuses_unpurged_writes(const Client& client);

/// Whether the client's request is a write that has to be announced.
bool must_announce(const Client& client);

/// Announces the purges of the client's write; the exchange then holds the announcement. False:
/// Redis is not available, so the write must not reach the origin. Precondition: must_announce().
net::Task<bool> announce_write(Client& client);

}  // namespace larder::flow
