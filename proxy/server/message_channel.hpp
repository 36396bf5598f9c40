#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.hpp"

namespace larder::server {

/// Messages between two processes over a stream socket: a length of four bytes, a letter for the
/// kind, the body. The channel has its own thread, so that neither a busy worker nor a slow peer
/// blocks other threads.
class MessageChannel {
public:
    static constexpr std::size_t body_bytes_max = 8 * 1024 * 1024;
    static constexpr std::size_t backlog_bytes_max = 256 * 1024 * 1024;
    static constexpr Milliseconds interval{200};

    /// Called on the channel's thread.
    class Handler {
    public:
        virtual ~Handler() = default;
        virtual void on_message(char kind, std::string_view body) = 0;
        /// All messages that have come were handed out.
        virtual void on_pause() {}
        /// At the start, and then every `interval`.
        virtual void on_interval() {}
        /// The peer has ended, or a message broke the rules. No call follows.
        virtual void on_end() = 0;
    };

    /// Takes the descriptor. `handler` must outlive the channel.
    MessageChannel(int descriptor, Handler& handler);
    /// As close().
    ~MessageChannel();
    MessageChannel(const MessageChannel&) = delete;
    MessageChannel& operator=(const MessageChannel&) = delete;

    void start();

    /// Any thread; does not wait. Dropped if the channel has ended. A body or a backlog that is too
    /// large ends the channel.
    void send(char kind, std::string_view body);
    /// Waits until all sent messages have left this process. False: they have not at `until`.
    bool flush(SteadyTime until);
    /// Waits for the end of the channel. Whether all messages that the peer has sent were handed
    /// out. False also if the channel has not ended at `until`.
    bool hear_all(SteadyTime until);
    /// Ends the channel; the peer sees the end. Not on the channel's thread.
    void close();
    /// Ends the channel from any thread, without waiting; on_end follows.
    void end();

private:
    void run();
    bool read_some();
    bool write_some();
    bool hand_out();
    void wake() const;

    int descriptor_;
    int wake_;
    Handler& handler_;
    std::thread thread_;
    std::string input_;  // only on the thread
    std::mutex mutex_;   // guards all below
    std::condition_variable progressed_;
    std::string output_;
    std::size_t output_done_ = 0;
    bool ended_ = false;
    bool heard_all_ = false;  // the peer has ended, and its last message was handed out
};

}  // namespace larder::server
