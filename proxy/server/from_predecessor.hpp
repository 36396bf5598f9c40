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

/// The end of a hand-over in the process that comes: see ToSuccessor. Until the predecessor has
/// said its last word, its purges are done here too. Where it ends without that word (it was
/// killed, or the channel broke), writes may have gone through it that nobody purged: everything is
/// purged then, and again after 2 s and 10 s for what the origin commits late.
class FromPredecessor final : private MessageChannel::Handler {
public:
    /// What the program does when asked to; called on the channel's thread.
    struct Calls {
        std::function<void(store::PurgeOrder, Milliseconds)> purge_later;
        std::function<void()> is_over;  ///< is_under_way() is false from now on
    };
    /// Takes the descriptor.
    FromPredecessor(int descriptor, SuccessionParts parts, Calls calls);
    /// As close().
    ~FromPredecessor() override;

    /// Takes over history and journal. Returns when that is done, or the predecessor is gone.
    void inherit();
    /// To be called before anybody is served: has the predecessor stop answering from its memory.
    /// Returns when it does, or is gone. From then on this process keeps the file of what is owed.
    void take_over();
    /// The predecessor is still there, or its end has still to be dealt with.
    [[nodiscard]] bool is_under_way() const;
    void close();

private:
    void on_message(char kind, std::string_view body) override;
    void on_pause() override;
    void on_end() override;
    void take_purge(std::string_view body);
    void adopt_marks(std::string_view lines);
    void owe(const std::vector<redis::PurgeItem>& items);
    void purge_everything();
    void keep_file();
    template <class Condition>
    bool wait_for(Milliseconds longest, Condition condition);

    const SuccessionParts parts_;
    const Calls calls_;
    std::string their_redis_;              // only on the channel's thread
    std::vector<std::string> to_confirm_;  // only on the channel's thread
    bool owes_more_ = false;               // only on the channel's thread
    mutable std::mutex mutex_;             // guards all below
    std::condition_variable changed_;
    bool has_inherited_ = false;
    bool is_silent_ = false;
    bool has_finished_ = false;
    bool has_ended_ = false;  // the channel
    bool is_over_ = false;    // and all that follows from its end
    bool closing_ = false;
    MessageChannel channel_;
};

}  // namespace larder::server
