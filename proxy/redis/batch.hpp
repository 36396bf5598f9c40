#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "redis/command.hpp"
#include "redis/reply.hpp"
#include "redis/troubles.hpp"

namespace larder::redis {

/// Commands that go out together, and their replies. The caller and the connection share it. Until
/// the wait is over only the connection changes it.
struct RedisBatch {
    enum class Status : std::uint8_t {
        ok,       ///< all replies are there (each may be an error of its own)
        down,     ///< not sent, or the connection was lost: Redis may have run the commands or not
        timeout,  ///< no answer by the deadline: Redis may have run the commands or not
    };
    /// What the connection must be for the batch to be sent.
    enum class Needs : std::uint8_t {
        usable_link,  ///< proved to answer in time
        connection,   ///< connected, maybe stalled
        transport,    ///< only for the handshake, which is not over yet
    };
    RedisCommands commands;
    SteadyTime deadline{};
    std::uint64_t epoch = 0;  ///< not 0: the batch fails as down on any other server than this one
    Needs needs = Needs::usable_link;
    bool scripts_whole = false;   ///< not by their digests, which the server may not know
    bool script_unknown = false;  ///< the server has refused a digest of this batch

    // In a cluster only (redis/route_batch.hpp).
    bool trusted = false;  ///< the replies must be right: of nodes that may be read, of slots that
                           ///< no purge is owed to
    int epoch_slot = -1;   ///< the slot whose node `epoch` is of
    std::size_t optional_from = SIZE_MAX;  ///< commands from there on may fail alone: nil
    bool probe = false;  ///< the link's own question: is the server alive, and still the same?
    std::size_t bytes_expected = 0;     ///< of a large value, in either direction (RedisBulk)
    RedisWork work = RedisWork::other;  ///< what does not work if the server refuses a command
    Status status = Status::down;
    std::vector<RedisReply> replies;

    /// Resumes the coroutine that waits, on its own executor.
    struct Completion {
        virtual ~Completion() = default;
        virtual void run() = 0;
    };
    std::unique_ptr<Completion> completion;  ///< null: nobody waits
};
using RedisBatchPointer = std::shared_ptr<RedisBatch>;

/// Ends the wait for the batch. The completion may run code of the caller at once.
inline void complete(RedisBatchPointer batch, RedisBatch::Status status) {
    batch->status = status;
    const std::unique_ptr<RedisBatch::Completion> completion = std::move(batch->completion);
    if (completion) completion->run();
}

}  // namespace larder::redis
