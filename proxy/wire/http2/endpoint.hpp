#pragma once
#include <memory>
#include <vector>

#include "http/head_parser.hpp"
#include "net/deadline.hpp"
#include "wire/connection.hpp"
#include "wire/http2/session.hpp"

namespace larder::wire::http2 {

class StreamClient;

/// larder's end of one HTTP/2 connection: moves bytes between the socket and the Session, gives the
/// requests to flow/, and ends what takes too long. The Connection owns it. Everything that was
/// answered in one go leaves with one system call. One thread.
class Endpoint final : public SessionEvents {
public:
    explicit Endpoint(Connection& connection);
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    ~Endpoint();

    /// Serves the connection from now on, beginning with the bytes in its buffer. Closes the
    /// connection in its list at the end, which destroys the Endpoint.
    void start();
    /// Lets the open streams end, and then the connection (RFC 9113, 6.8). May destroy the
    /// Endpoint.
    void begin_drain();

    // ---- for StreamClient
    [[nodiscard]] Session& session() { return session_; }
    /// Sends what the session has to send, as far as the client takes it now.
    void flush();
    /// Resets the stream and takes it from its Client.
    void drop(Stream& stream, ErrorCode code);
    /// The request's body was used up to here.
    void body_used(Stream& stream, std::size_t bytes);
    /// The client takes nothing now: resets streams that get stuck for limits.body_timeout.
    void watch_stall();
    /// How many bytes for the client wait in the connection, if it is they that wait.
    [[nodiscard]] std::uint64_t bytes_unacknowledged(const Stream& stream) const;

    // ---- SessionEvents
    void request_came(Stream& stream, RequestText::Verdict verdict, RequestText& text) override;
    void body_came(Stream& stream, std::string_view data) override;
    void body_ended(Stream& stream, std::string_view trailers) override;
    void body_taken(Stream& stream) override;
    void stream_closed(Stream& stream, bool complete) override;
    void end_acknowledged() override;

private:
    /// A step in which the Endpoint must live: only the outermost one looks, at its end, whether
    /// the connection is over. Asio may start a coroutine at once, so steps can be nested.
    class StepGuard {
    public:
        explicit StepGuard(Endpoint& endpoint) : endpoint_(endpoint) { ++endpoint_.steps_; }
        StepGuard(const StepGuard&) = delete;
        StepGuard& operator=(const StepGuard&) = delete;
        ~StepGuard() {
            if (--endpoint_.steps_ == 0) endpoint_.settle();
        }

    private:
        Endpoint& endpoint_;
    };
    class Work;
    enum class Phase : std::uint8_t {
        open,       ///< reads and writes
        finishing,  ///< the client has ended its direction: the open streams are answered yet
        lingering,  ///< everything is written; waits for the client's end
        lost,       ///< nothing can be written any more
    };
    /// What the connection's deadline is for.
    enum class Timer : std::uint8_t { preface, head, idle, none };
    struct Waiting {
        std::unique_ptr<StreamClient> client;
        http::HeadResult parsed;
    };

    static void on_readable(void* self);
    static void on_stall(void* self);
    static void on_drain_due(void* self);
    void read();
    void take_input();
    void wait_for_input();
    void take_request(Stream& stream, RequestText::Verdict verdict, RequestText& text);
    void start_waiting();
    static net::Task<void> work_on(Endpoint& endpoint, std::unique_ptr<StreamClient> client,
                                   http::HeadResult parsed);
    static net::Task<void> write_rest(Endpoint& endpoint);
    static net::Task<void> linger_and_close(Endpoint& endpoint);
    void end_work(std::unique_ptr<StreamClient> client);
    void time_out();
    void lose();
    void settle();
    void release(Stream& stream);
    void arm_timers();

    Connection& connection_;
    Session session_;
    Output output_;
    std::vector<Waiting> waiting_;  // requests that came in the present input
    net::Deadline stall_;           // looks for streams that the client does not read
    net::Deadline drain_due_;
    std::size_t streams_max_;
    std::size_t working_ = 0;  // coroutines of requests
    Phase phase_ = Phase::open;
    Timer timer_ = Timer::preface;
    std::uint64_t timer_heads_ = 0;  // Session::heads when the deadline was set
    int steps_ = 0;                  // see StepGuard
    bool watches_stall_ = false;
    bool taking_input_ = false;  // the session may not be asked to produce
    bool writing_ = false;       // write_rest runs
    bool posted_ = false;        // a read was posted
    bool draining_ = false;
    bool has_refused_new_ = false;
};

}  // namespace larder::wire::http2
