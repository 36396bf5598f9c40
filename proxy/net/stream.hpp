#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "net/deadline.hpp"
#include "net/task.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace larder::net {

using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

/// What one attempt to read or write did.
struct IoResult {
    enum class Kind : std::uint8_t {
        done,         ///< `bytes` were moved, at least one
        would_block,  ///< nothing could be moved now
        ended,        ///< the peer has ended its direction (reads only)
        failed,       ///< the connection is lost, was reset, or its deadline passed
    };
    Kind kind = Kind::failed;
    std::size_t bytes = 0;
};

/// A connection over TCP, plain or TLS. Reads and writes are attempts on the non-blocking socket; only where one would
/// block does a coroutine wait for readiness. So a request that is there and an answer that fits cost two system calls.
/// One thread.
class Stream {
public:
    Stream(TcpSocket socket, DeadlineWheel& wheel);
    ~Stream();

    /// Speaks TLS from now on. `context` is borrowed; `server_name` empty on the server's side.
    void start_tls(ssl_ctx_st* context, bool as_server, const char* server_name);
    [[nodiscard]] Task<bool> handshake();
    [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }
    [[nodiscard]] ssl_st* tls() const { return tls_; }
    /// TLS has read and decrypted more than was asked for: no readiness of the socket will tell.
    [[nodiscard]] bool has_pending() const;

    [[nodiscard]] IoResult try_read(char* at, std::size_t size);
    [[nodiscard]] IoResult try_read_plain(char* at, std::size_t size);
    [[nodiscard]] IoResult try_write(const iovec* pieces, std::size_t count);

    /// Waits until a read (write) may succeed. False: the deadline passed, or the socket was closed.
    [[nodiscard]] Task<bool> readable();
    [[nodiscard]] Task<bool> writable();

    /// Reads what there is, waiting for the first byte.
    [[nodiscard]] Task<IoResult> read_some(char* at, std::size_t size);

    /// The same below TLS, before its handshake.
    [[nodiscard]] Task<IoResult> read_plain(char* at, std::size_t size);

    /// Writes all pieces, changing them on the way. False: the connection is lost. `stall` is how long no byte may be
    /// taken: a deadline of its own, set anew with each step and gone with the last one, beside that of expire_at.
    [[nodiscard]] Task<bool> write_all(std::span<iovec> pieces, Milliseconds stall);

    /// All waits end from then on, once; see timed_out.
    void expire_at(SteadyTime at);
    void never_expire() { expire_at(SteadyTime::max()); }
    [[nodiscard]] bool timed_out() const { return timed_out_; }
    /// Waits may go on after a deadline that passed or a cancel() (to send a last answer).
    void forgive() { timed_out_ = cancelled_ = false; }


    /// Makes a coroutine that waits on this stream go on with an error; waits fail from then on.
    void cancel();
    void close();
    /// Closes with a reset, so that the peer cannot take what it got for complete.
    void abort();
    /// Ends our direction; the peer's may go on.
    void shutdown_write();

    [[nodiscard]] bool is_open() const { return socket_.is_open(); }
    [[nodiscard]] TcpSocket& socket() { return socket_; }

    /// Whether an idle connection is still usable: nothing unexpected was sent, and the peer has not ended it.
    [[nodiscard]] bool idle_and_alive();

private:
    static void expire(void* self);
    void write_by(SteadyTime at);
    void arm();

    TcpSocket socket_;
    ssl_st* tls_ = nullptr;
    Deadline deadline_;  // the earlier one of the two below
    SteadyTime expires_ = SteadyTime::max();
    SteadyTime write_by_ = SteadyTime::max();
    bool timed_out_ = false;
    bool cancelled_ = false;
    bool tls_read_wants_write_ = false;
    bool tls_write_wants_read_ = false;
};

}  // namespace larder::net
