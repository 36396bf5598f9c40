#pragma once
#include <memory>
#include <string>
#include <vector>

#include "net/task.hpp"
#include "redis/journal.hpp"

namespace larder::flow {

struct Client;

/// A write under way whose purges were announced in Redis before it goes to the origin
/// (on_purge_failure: fail). While this object lives the announcement is renewed; the purge after
/// the write ends it (RedisStore::purge with the token), or else it expires.
struct Announcement {
    std::string token;
    std::vector<redis::PurgeItem> items;
};

/// on_purge_failure: fail. A write whose purges cannot be done at all instances is refused.
bool refuses_unpurged_writes(const Client& client);

/// Announces the purges of the client's write, where its configuration asks for that: the exchange
/// holds the announcement then. False: Redis cannot be asked, so the write must not reach the
/// origin.
net::Task<bool> announce_write(Client& client);

}  // namespace larder::flow
