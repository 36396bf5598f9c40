#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/deadline.hpp"
#include "net/ready_watch.hpp"
#include "net/task.hpp"
#include "net/waiter.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace larder::net {

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

/// A text as a piece for Stream::write_all, which only reads it.
inline iovec piece(std::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

/// A connection over TCP, plain or TLS. Reads and writes are attempts on the non-blocking socket; a
/// coroutine waits for readiness only where an attempt would block. A read also learns whether it
/// left anything behind. If not, a watch is armed that reports the next input. So a request that is
/// there and an answer that fits into the socket cost two system calls, and waiting costs none. One
/// thread.
///
/// Linux says what a read left behind (TCP_INQ). That includes the peer's orderly end, but not a
/// reset that came together with the last bytes. A later write that succeeds rules such a reset
/// out, and so does an attempt to read that finds nothing.
class Stream {
public:
    /// `socket` does not block, or Asio is about to connect it, which makes it non-blocking.
    Stream(TcpSocket socket, DeadlineWheel& wheel);
    ~Stream();

    /// Speaks TLS from now on. `context` is borrowed; `server_name` empty on the server's side.
    void start_tls(ssl_ctx_st* context, bool as_server, const char* server_name);
    [[nodiscard]] Task<bool> handshake();
    [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }
    [[nodiscard]] ssl_st* tls() const { return tls_; }
    /// The protocol agreed on by ALPN (RFC 7301); empty: none.
    [[nodiscard]] std::string_view alpn() const;
    /// TLS has read and decrypted more than was asked for. The socket does not become readable for
    /// these bytes.
    [[nodiscard]] bool has_pending() const;

    [[nodiscard]] IoResult try_read(char* at, std::size_t size);
    [[nodiscard]] IoResult try_read_plain(char* at, std::size_t size);
    [[nodiscard]] IoResult try_write(const iovec* pieces, std::size_t count);

    /// Waits until a read (write) may succeed. False: the deadline passed, or the socket was
    /// closed.
    [[nodiscard]] Task<bool> readable();
    [[nodiscard]] Task<bool> writable();

    /// For a connection on which more is to come than one message: from now on reads learn what
    /// they leave behind.
    void expect_more();
    /// Nothing can be read, not even the peer's end, as of the last look for events. False where
    /// that is not known.
    [[nodiscard]] bool known_empty() const { return watch_->armed() && !maybe_reset_; }
    /// For a socket just accepted: arms the watch before the first read, since no event can have
    /// been missed.
    void watch_from_the_start() { found_empty(); }
    /// Calls `then` once, without a coroutine, when something can be read or the waits have ended
    /// (try_read shows which). Precondition: known_empty(), and nobody waits in readable().
    using Then = void (*)(void* owner);
    void when_readable(Then then, void* owner) { then_ = then, then_owner_ = owner; }

    /// Reads what there is, waiting for the first byte.
    [[nodiscard]] Task<IoResult> read_some(char* at, std::size_t size);

    /// The same below TLS, before its handshake.
    [[nodiscard]] Task<IoResult> read_plain(char* at, std::size_t size);

    /// Writes all pieces, and changes them on the way. False: the connection is lost. `stall` is
    /// how long the peer may take no byte. It is a deadline beside that of expire_at, set anew with
    /// each step and cleared after the last one.
    [[nodiscard]] Task<bool> write_all(std::span<iovec> pieces, Milliseconds stall);

    /// Ends all waits once that time has passed; see timed_out and clear_timeout.
    void expire_at(SteadyTime at);
    void never_expire() { expire_at(SteadyTime::max()); }
    [[nodiscard]] bool timed_out() const { return timed_out_; }
    /// Waits may go on after a deadline that passed or a cancel() (to send a last answer).
    void clear_timeout() { timed_out_ = cancelled_ = false; }

    /// Makes a coroutine that waits on this stream go on with an error; waits fail from then on.
    void cancel();
    void close();
    /// Closes with a reset, so that the peer cannot take what it got for complete.
    void abort();
    /// Ends our direction; the peer's may go on.
    void shutdown_write();

    /// How many bytes that were written the peer has not acknowledged yet (SIOCOUTQ of Linux).
    [[nodiscard]] std::uint64_t bytes_unacknowledged();

    [[nodiscard]] bool is_open() const { return socket_.is_open(); }
    [[nodiscard]] TcpSocket& socket() { return socket_; }

    /// Whether an idle connection is still usable: nothing unexpected was sent, and the peer has
    /// not ended it. `quiet` uses what is known already, and looks only where nothing is known.
    [[nodiscard]] bool idle_and_alive();
    [[nodiscard]] bool quiet() {
        return (watch_->armed() && !timed_out_ && !cancelled_) || idle_and_alive();
    }

private:
    static void expire(void* self);
    static void input_came(void* self, bool dropped);
    void write_by(SteadyTime at);
    void arm();
    void found_empty();

    TcpSocket socket_;
    ReadyWatch* watch_;  // ours until the destructor
    Waiter waiting_;     // for the watch
    Then then_ = nullptr;
    void* then_owner_ = nullptr;
    ssl_st* tls_ = nullptr;
    Deadline deadline_;  // the earlier one of the two below
    SteadyTime expires_ = SteadyTime::max();
    SteadyTime write_by_ = SteadyTime::max();
    bool timed_out_ = false;
    bool cancelled_ = false;
    bool reads_tell_rest_ = false;  // TCP_INQ is set
    bool maybe_reset_ =
        false;  // a reset may have come with the last bytes, or a write failed: reading tells
    bool tls_read_wants_write_ = false;
    bool tls_write_wants_read_ = false;
};

}  // namespace larder::net
