#include "net/stream.hpp"

#include <linux/sockios.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/read_rest.hpp"

namespace larder::net {
namespace {

constexpr IoResult would_block{IoResult::Kind::would_block, 0};
constexpr IoResult ended{IoResult::Kind::ended, 0};
constexpr IoResult failed{IoResult::Kind::failed, 0};

IoResult moved(std::size_t bytes) { return {IoResult::Kind::done, bytes}; }

}  // namespace

Stream::Stream(TcpSocket socket, DeadlineWheel& wheel)
    : socket_(std::move(socket)),
      watch_(ReadyWatch::make(&Stream::input_came, this)),
      deadline_(wheel, &Stream::expire, this) {}

Stream::~Stream() {
    close();
    ReadyWatch::leave(watch_);
    if (tls_) SSL_free(tls_);
}

void Stream::expect_more() {
    if (reads_tell_rest_) return;
    reads_tell_rest_ = make_reads_tell_rest(socket_.native_handle());
}

void Stream::found_empty() {
    maybe_reset_ = false;
    if (!watch_->armed()) watch_->arm(socket_);
}

void Stream::input_came(void* self, bool dropped) {
    auto& stream = *static_cast<Stream*>(self);
    if (stream.waiting_.waits()) {
        stream.waiting_.wake(dropped);
    } else if (stream.then_ && !dropped) {
        const Then then = std::exchange(stream.then_, nullptr);
        then(stream.then_owner_);
    }
}

void Stream::expire(void* self) {
    auto& stream = *static_cast<Stream*>(self);
    stream.timed_out_ = true;
    stream.expires_ = stream.write_by_ = SteadyTime::max();
    Error ignored;
    stream.socket_.cancel(ignored);
}

void Stream::expire_at(SteadyTime at) {
    expires_ = at;
    arm();
}

void Stream::write_by(SteadyTime at) {
    write_by_ = at;
    arm();
}

void Stream::arm() {
    const SteadyTime at = std::min(expires_, write_by_);
    if (at == SteadyTime::max()) {
        deadline_.clear();
    } else {
        deadline_.set(at);
    }
}

bool Stream::has_pending() const { return tls_ && SSL_pending(tls_) > 0; }

void Stream::start_tls(ssl_ctx_st* context, bool as_server, const char* server_name) {
    tls_ = SSL_new(context);
    SSL_set_fd(tls_, socket_.native_handle());
    SSL_set_mode(tls_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                           SSL_MODE_RELEASE_BUFFERS);
    if (as_server) {
        SSL_set_accept_state(tls_);
    } else {
        SSL_set_connect_state(tls_);
        if (server_name && *server_name) {
            // An IP address is no server name (RFC 6066, 3): OpenSSL looks for it among the
            // certificate's addresses.
            if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_), server_name) == 1) return;
            ERR_clear_error();
            // The macro of the same purpose casts in the old style.
            SSL_ctrl(tls_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     const_cast<char*>(server_name));
            SSL_set1_host(tls_, server_name);
        }
    }
}

std::string_view Stream::alpn() const {
    if (!tls_) return {};
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(tls_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

Task<bool> Stream::handshake() {
    while (true) {
        ERR_clear_error();
        const int result = SSL_do_handshake(tls_);
        if (result == 1) co_return true;
        const int why = SSL_get_error(tls_, result);
        bool go_on = false;
        if (why == SSL_ERROR_WANT_READ) {
            found_empty();
            go_on = co_await readable();
        } else if (why == SSL_ERROR_WANT_WRITE) {
            go_on = co_await writable();
        }
        if (!go_on) co_return false;
    }
}

// OpenSSL knows the descriptor by its number. Once the socket is closed, that number may belong to
// another connection.
IoResult Stream::try_read(char* at, std::size_t size) {
    if (timed_out_ || cancelled_ || !socket_.is_open()) return failed;
    if (!tls_) return try_read_plain(at, size);
    tls_read_wants_write_ = false;
    ERR_clear_error();
    std::size_t got = 0;
    if (SSL_read_ex(tls_, at, size, &got) == 1) return moved(got);
    switch (SSL_get_error(tls_, 0)) {
        case SSL_ERROR_WANT_READ:
            found_empty();
            return would_block;  // OpenSSL says so only after an attempt that found nothing
        case SSL_ERROR_WANT_WRITE:
            tls_read_wants_write_ = true;
            return would_block;
        case SSL_ERROR_ZERO_RETURN:
            return ended;
        default:
            return failed;
    }
}

IoResult Stream::try_read_plain(char* at, std::size_t size) {
    if (timed_out_ || cancelled_ || !socket_.is_open()) return failed;
    bool is_drained = false;
    const ssize_t got =
        read_and_tell_rest(socket_.native_handle(), at, size, reads_tell_rest_, is_drained);
    if (is_drained) found_empty();
    if (got > 0) maybe_reset_ = true;
    if (got > 0) return moved(static_cast<std::size_t>(got));
    if (got == 0) return ended;
    return is_drained ? would_block : failed;
}

IoResult Stream::try_write(const iovec* pieces, std::size_t count) {
    if (timed_out_ || cancelled_ || !socket_.is_open()) return failed;
    if (!tls_) {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(pieces);
        message.msg_iovlen = std::min<std::size_t>(count, 64);
        while (true) {
            const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
            if (sent >= 0) {
                maybe_reset_ = false;
                return moved(static_cast<std::size_t>(sent));
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK) return would_block;
            if (errno == EINTR) continue;
            maybe_reset_ = true;
            return failed;
        }
    }
    while (count > 0 && pieces->iov_len == 0) ++pieces, --count;
    if (count == 0) return moved(0);
    // Small pieces are joined into one record, so that head and body do not travel apart.
    char joined[4096];
    const void* from = pieces->iov_base;
    std::size_t size = pieces->iov_len;
    if (count > 1 && size < sizeof joined) {
        std::size_t filled = 0;
        for (std::size_t i = 0; i < count && filled < sizeof joined; ++i) {
            const std::size_t part = std::min(pieces[i].iov_len, sizeof joined - filled);
            std::copy_n(static_cast<const char*>(pieces[i].iov_base), part, joined + filled);
            filled += part;
        }
        from = joined;
        size = filled;
    }
    tls_write_wants_read_ = false;
    ERR_clear_error();
    std::size_t sent = 0;
    if (SSL_write_ex(tls_, from, size, &sent) == 1) return moved(sent);
    switch (SSL_get_error(tls_, 0)) {
        case SSL_ERROR_WANT_WRITE:
            return would_block;
        case SSL_ERROR_WANT_READ:
            tls_write_wants_read_ = true;
            return would_block;
        default:
            return failed;
    }
}

Task<bool> Stream::readable() {
    if (timed_out_ || cancelled_) co_return false;
    if (has_pending()) co_return true;
    if (std::exchange(tls_read_wants_write_, false)) {
        const auto [error] = co_await socket_.async_wait(TcpSocket::wait_write, as_result);
        co_return !error && !timed_out_ && !cancelled_;
    }
    if (watch_->armed()) {
        co_await waiting_.wait();
    }
    co_return !timed_out_ && !cancelled_ && socket_.is_open();
}

Task<bool> Stream::writable() {
    if (timed_out_ || cancelled_) co_return false;
    const auto direction =
        std::exchange(tls_write_wants_read_, false) ? TcpSocket::wait_read : TcpSocket::wait_write;
    const auto [error] = co_await socket_.async_wait(direction, as_result);
    co_return !error && !timed_out_ && !cancelled_;
}

Task<IoResult> Stream::read_some(char* at, std::size_t size) {
    while (true) {
        if (!known_empty() || has_pending()) {
            const IoResult result = try_read(at, size);
            if (result.kind != IoResult::Kind::would_block) co_return result;
        }
        const bool ready = co_await readable();
        if (!ready) co_return failed;
    }
}

Task<IoResult> Stream::read_plain(char* at, std::size_t size) {
    while (true) {
        if (!known_empty()) {
            const IoResult result = try_read_plain(at, size);
            if (result.kind != IoResult::Kind::would_block) co_return result;
        }
        const bool ready = co_await readable();
        if (!ready) co_return failed;
    }
}

Task<bool> Stream::write_all(std::span<iovec> pieces, Milliseconds stall) {
    bool armed = false;
    while (true) {
        while (!pieces.empty() && pieces.front().iov_len == 0) pieces = pieces.subspan(1);
        if (pieces.empty()) co_return true;
        IoResult result = try_write(pieces.data(), pieces.size());
        if (result.kind == IoResult::Kind::would_block) {
            if (!armed) write_by(steady_now() + stall);
            armed = true;
            const bool ready = co_await writable();
            if (!ready) co_return false;
            continue;
        }
        if (armed) write_by(SteadyTime::max());
        if (result.kind != IoResult::Kind::done) co_return false;
        armed = false;
        while (result.bytes > 0) {
            iovec& piece = pieces.front();
            const std::size_t part = std::min(result.bytes, piece.iov_len);
            piece.iov_base = static_cast<char*>(piece.iov_base) + part;
            piece.iov_len -= part;
            result.bytes -= part;
            if (piece.iov_len == 0) pieces = pieces.subspan(1);
        }
    }
}

std::uint64_t Stream::bytes_unacknowledged() {
    int bytes = 0;
    ::ioctl(socket_.native_handle(), SIOCOUTQ, &bytes);
    return static_cast<std::uint64_t>(bytes);
}

void Stream::cancel() {
    cancelled_ = true;
    Error ignored;
    socket_.cancel(ignored);
}

void Stream::close() {
    if (tls_ && socket_.is_open() && SSL_is_init_finished(tls_) && !timed_out_) {
        ERR_clear_error();
        SSL_shutdown(tls_);
    }
    expires_ = write_by_ = SteadyTime::max();
    arm();
    Error ignored;
    socket_.close(ignored);
}

void Stream::abort() {
    expires_ = write_by_ = SteadyTime::max();
    arm();
    Error ignored;
    socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
}

void Stream::shutdown_write() {
    Error ignored;
    if (tls_ && socket_.is_open() && SSL_is_init_finished(tls_)) {
        ERR_clear_error();
        SSL_shutdown(tls_);
    }
    socket_.shutdown(TcpSocket::shutdown_send, ignored);
}

bool Stream::idle_and_alive() {
    char byte;
    if (timed_out_ || cancelled_) return false;
    // TLS reads session tickets and the like for itself. A byte for us that arrives before we sent
    // a request cannot be its response.
    if (tls_) return try_read(&byte, 1).kind == IoResult::Kind::would_block;
    const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace larder::net
