#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redis/reply.hpp"
#include "redis/task.hpp"
#include "redis/way.hpp"

/// The stream of purges (redis.purge_stream): what writes past larder asks for its purges there.
/// One consumer group for all instances, so that each entry is done by one.
namespace larder::redis {

class RedisShared;

struct StreamEntry {
    std::string id;
    std::vector<std::pair<std::string, std::string>> fields;
};

/// What an entry asks for.
struct StreamPurge {
    std::vector<std::string> keys;
    std::vector<std::string> patterns;
    std::vector<std::string> tags;
    std::vector<std::string> urls;
    bool soft = false;
};
/// Nothing where the entry makes no sense: `fault` says why. Pure.
[[nodiscard]] std::optional<StreamPurge> read_purge(const StreamEntry& entry, std::string& fault);
/// The entries in a list of [id, [name, value, ...]]. Those that were deleted meanwhile have no
/// fields. Pure.
[[nodiscard]] std::vector<StreamEntry> read_entries(const RedisReply& list);
/// Whether the first id of a stream ("1526569495631-0") is later than the other. Pure.
[[nodiscard]] bool is_later(const std::string& id, const std::string& than);

/// One instance's part in the stream. On one thread; it holds no connection.
class PurgeStream {
public:
    explicit PurgeStream(RedisShared& shared);

    /// How reading went.
    enum class Read : std::uint8_t {
        entries,  ///< they are to be done
        nothing,  ///< there is none
        failed,   ///< Redis did not answer, or refused
    };
    /// Gets the next entries that are to be done here: new ones, or ones that their instance has
    /// left for long.
    [[nodiscard]] Task<Read> read(std::vector<StreamEntry>& entries);
    /// Acknowledges these entries, which are done, and removes the entries that are done.
    [[nodiscard]] Task<void> done(std::vector<std::string> ids);
    /// Allows reads of Redis (RedisShared::stream_is_done) once all entries that the stream held
    /// when its server was met are done, by this instance or another. Call it when `read` found
    /// nothing.
    [[nodiscard]] Task<void> settle();

private:
    [[nodiscard]] RedisBatchPointer new_batch() const;
    [[nodiscard]] Task<bool> run(RedisBatchPointer batch);
    [[nodiscard]] Task<bool> begin();
    [[nodiscard]] Task<void> trim();
    [[nodiscard]] std::uint64_t epoch() const;

    RedisShared& shared_;
    const std::string key_;
    std::uint64_t begun_epoch_ = 0;  ///< the server on which the group is known to be there
    std::string last_waited_for_;    ///< the last entry that must be done before reads
    bool waits_ = false;             ///< `last_waited_for_` is known
    std::string delivered_ = "0-0";  ///< the last entry that came here
    SteadyTime claimed_at_{};
};

}  // namespace larder::redis
