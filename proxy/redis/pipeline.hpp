#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "redis/batch.hpp"
#include "redis/reply.hpp"

namespace larder::redis {

/// The batches of one connection, in the order in which Redis answers them. No I/O: the caller
/// writes what `take_output` gives, feeds what it reads, and says what time it is. One thread.
///
/// Everything that is submitted before `take_output` leaves in one write. A batch keeps its place
/// after its deadline: its late replies are swallowed there, so that the next batch gets its own.
class RedisPipeline {
public:
    /// A new connection begins. Nothing is under way.
    void begin();

    // ---- batches
    /// False: too many batches wait, or too many bytes.
    [[nodiscard]] bool has_room() const;
    /// A batch that has replies already is sent from the next command on: Redis refused that one.
    void submit(RedisBatchPointer batch, SteadyTime now,
                RedisCommands::Scripts scripts = RedisCommands::Scripts::by_digest);

    // ---- bytes to write
    [[nodiscard]] bool has_output() const { return output_bytes_ > 0; }
    [[nodiscard]] std::vector<std::string> take_output();
    /// What was written, for its memory.
    void reuse_output(std::vector<std::string> written);

    // ---- bytes read
    /// A batch has not been answered whole.
    [[nodiscard]] bool owes_replies() const { return !places_.empty(); }
    /// False: this is not Redis' protocol.
    [[nodiscard]] bool feed(const char* bytes, std::size_t size, SteadyTime now);
    /// A batch that has all its replies.
    struct Answer {
        RedisBatchPointer batch;  ///< null: nobody waits any more, and it was no probe
        SteadyTime sent_at{};
        bool waiting = false;  ///< it has not expired and was not given up: it is to be completed
    };
    enum class Event : std::uint8_t {
        incomplete,  ///< read more
        answered,    ///< `answer` holds a batch with its replies
        unasked,     ///< `unasked` gives a reply that no command has asked for
        broken,      ///< this is not Redis' protocol
    };
    /// What the bytes that were fed bring next. To be called until it says `incomplete`.
    [[nodiscard]] Event next(Answer& answer);
    /// Valid after `Event::unasked`.
    [[nodiscard]] const RedisReply& unasked() const { return unasked_; }

    // ---- time and failure
    struct Expired {
        std::vector<RedisBatchPointer> batches;  ///< to be completed as `timeout`
        SteadyTime next = SteadyTime::max();     ///< the next deadline
        SteadyClock::duration silence{0};        ///< how long Redis has owed an answer and sent
                                                 ///< nothing; 0 where no batch has expired
    };
    /// Takes out the batches whose deadline has come. Their places stay.
    [[nodiscard]] Expired expire(SteadyTime now);
    /// Takes out all batches that somebody waits for, but no probe. Their places stay.
    [[nodiscard]] std::vector<RedisBatchPointer> give_up();
    struct Ended {
        std::vector<RedisBatchPointer> batches;  ///< to be completed as `down`
        std::optional<std::string> refusal;      ///< the first error among the replies to the batch
                                                 ///< that was being answered
    };
    /// The connection is lost.
    [[nodiscard]] Ended end();

private:
    /// One batch that was submitted and not wholly answered.
    struct Place {
        RedisBatchPointer batch;  ///< null: the replies are swallowed
        std::size_t expected = 0;
        std::size_t received = 0;
        SteadyTime sent_at{};
        SteadyTime deadline{};
        bool waiting = true;  ///< false: the batch has expired or was given up
    };
    [[nodiscard]] static RedisBatchPointer stop_waiting(Place& place);

    std::optional<RedisReplyReader> reader_;
    std::deque<Place> places_;
    std::vector<std::string> output_;
    std::size_t output_bytes_ = 0;
    RedisReply unasked_;
    SteadyTime received_at_{};
};

}  // namespace larder::redis
