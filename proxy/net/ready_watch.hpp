#pragma once
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/detail/reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/version.hpp>
#include <optional>

#include "net/task.hpp"

namespace larder::net {

using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
using AnySocket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Executor>;

/// Makes a socket of a non-blocking descriptor that nothing else refers to. Nothing where Asio
/// cannot take the descriptor, which is closed then. (With assign alone, Asio expects a copy of the
/// descriptor somewhere, and removes it from epoll itself on close.)
std::optional<TcpSocket> own_socket(Executor executor, const boost::asio::ip::tcp& protocol,
                                    int descriptor);

/// Tells when a drained socket becomes readable. It stays armed from the read that found
/// the socket empty until something arrives, whatever its owner does meanwhile: no event is lost,
/// and waiting costs no system call.
///
/// Asio registers a descriptor once, edge-triggered, but its async_wait re-arms it with epoll_ctl
/// each time, since it cannot know what its caller has read. Larder knows it, so this class is an
/// operation of Asio's own reactor that does not re-arm. It relies on Asio's details as of Boost
/// 1.81 and falls back to async_wait with any other version. One thread.
class ReadyWatch : private boost::asio::detail::reactor_op {
public:
    /// Called on the socket's thread when something has arrived, or the wait was cancelled.
    /// `dropped`: the io_context is being destroyed, nothing may run any more.
    using Came = void (*)(void* owner, bool dropped);
    [[nodiscard]] static ReadyWatch* make(Came came, void* owner) {
        return new ReadyWatch(came, owner);
    }

    /// Precondition: not armed; the socket is drained, and this thread has not looked for events
    /// since the read that found the socket empty.
    void arm(TcpSocket& socket);
    void arm(AnySocket& socket);
    [[nodiscard]] bool armed() const { return armed_; }

    /// The owner calls this instead of delete, after it has closed its socket. An armed watch
    /// belongs to the reactor until it completes.
    static void leave(ReadyWatch* watch);

private:
    ReadyWatch(Came came, void* owner)
        : reactor_op(Error(), &ReadyWatch::do_perform, &ReadyWatch::do_complete),
          came_(came),
          owner_(owner) {}
    ~ReadyWatch() = default;

    template <class Socket>
    void arm_for(Socket& socket);

    void completed(bool dropped);
    static status do_perform(reactor_op* base);
    static void do_complete(void* context, boost::asio::detail::operation* base, const Error&,
                            std::size_t);

    Came came_;
    void* owner_;                                      // null: it has left
    boost::asio::detail::reactor* reactor_ = nullptr;  // of the socket; looked up once
    bool armed_ = false;
    bool arming_ = false;
};

}  // namespace larder::net
