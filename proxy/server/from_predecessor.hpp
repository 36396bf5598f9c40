#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/message_channel.hpp"
#include "server/to_successor.hpp"

namespace larder::server {

/// The new process's end of a hand-over, see ToSuccessor. Until the predecessor sends `finished`,
/// this process repeats its purges. If it ends without `finished` (it was killed, or the channel
/// broke), it may have forwarded writes without purging. So everything is purged then, and again
/// after 2 s and 10 s because the origin may commit late.
class FromPredecessor final : private MessageChannel::Handler {
public:
    /// Calls into the program.
    struct Calls {
        /// On the channel's thread: is_under_way() is false from now on.
        std::function<void()> is_over;
        /// Whether the predecessor's process has not ended yet. Any thread.
        std::function<bool()> predecessor_lives;
    };
    /// Takes the descriptor.
    FromPredecessor(int descriptor, SuccessionParts parts, Calls calls);
    /// As close().
    ~FromPredecessor() override;

    /// Takes over history and journal. Returns when this is done, or the predecessor is gone.
    void inherit();
    /// Call it before the first client is served: makes the predecessor stop answering from its
    /// memory. Returns when it has stopped, is gone, or was not heard of for so long that it
    /// answers nothing from its memory any more. From then on this process keeps the file of owed
    /// purges.
    void take_over();
    /// Whether the predecessor still runs, or its end is still being handled.
    [[nodiscard]] bool is_under_way() const;
    void close();

private:
    void on_message(char kind, std::string_view body) override;
    void on_pause() override;
    void on_interval() override;
    void on_end() override;
    void heard_of_predecessor(SteadyTime sent);
    void await_silence();
    void await_its_end();
    void take_purge(std::string_view body);
    [[nodiscard]] std::vector<redis::PurgeItem> by_our_names(
        const std::vector<redis::PurgeItem>& theirs) const;
    void plan(std::string_view body, store::PlannedPurge::Repeats repeats);
    void adopt_marks(std::string_view lines);
    void owe(const std::vector<redis::PurgeItem>& items);
    void purge_everything();
    void keep_file();
    template <class Condition>
    bool wait_for(Milliseconds longest, Condition condition);

    const SuccessionParts parts_;
    const Calls calls_;
    const SteadyTime began_ = steady_now();
    std::string their_redis_;              // only on the channel's thread
    std::string their_reach_;              // only on the channel's thread
    std::vector<std::string> to_confirm_;  // only on the channel's thread
    bool owes_more_ = false;               // only on the channel's thread
    mutable std::mutex mutex_;             // guards all below
    std::condition_variable changed_;
    bool has_inherited_ = false;
    bool is_silent_ = false;
    bool has_finished_ = false;
    bool has_ended_ = false;  // the channel
    bool is_over_ = false;    // and its end was handled
    bool closing_ = false;
    MessageChannel channel_;
};

}  // namespace larder::server
