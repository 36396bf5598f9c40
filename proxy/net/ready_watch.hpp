#pragma once
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/detail/reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/version.hpp>
#include <optional>

#include "net/task.hpp"

namespace larder::net {

using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

/// Makes a socket of a non-blocking descriptor that nothing else refers to. Nothing where Asio
/// cannot take the descriptor, which is closed then. (With assign alone, Asio expects a copy of the
/// descriptor somewhere, and removes it from epoll itself on close.)
std::optional<TcpSocket> own_socket(Executor executor, const boost::asio::ip::tcp& protocol,
                                    int descriptor);

class Stream;

/// Tells a stream when its drained socket becomes readable. It stays armed from the read that found
/// the socket empty until something arrives, whatever its owner does meanwhile: no event is lost,
/// and waiting costs no system call.
///
/// Asio registers a descriptor once, edge-triggered, but its async_wait re-arms it with epoll_ctl
/// each time, since it cannot know what its caller has read. Larder knows it, so this class is an
/// operation of Asio's own reactor that does not re-arm. It relies on Asio's details as of Boost
/// 1.81 and falls back to async_wait with any other version. One thread.
class ReadyWatch : private boost::asio::detail::reactor_op {
public:
    /// Calls Stream::input_came on the socket's thread when something has arrived, or the wait was
    /// cancelled.
    [[nodiscard]] static ReadyWatch* make(Stream& owner) { return new ReadyWatch(owner); }

    /// Precondition: not armed; the socket is drained, and this thread has not looked for events
    /// since the read that found the socket empty.
    void arm(TcpSocket& socket);
    [[nodiscard]] bool armed() const { return armed_; }

    /// The owner calls this instead of delete, after it has closed its socket. An armed watch
    /// belongs to the reactor until it completes.
    static void leave(ReadyWatch* watch);

private:
    explicit ReadyWatch(Stream& owner)
        : reactor_op(Error(), &ReadyWatch::do_perform, &ReadyWatch::do_complete), owner_(&owner) {}
    ~ReadyWatch() = default;

    void completed(bool dropped);
    static status do_perform(reactor_op* base);
    static void do_complete(void* context, boost::asio::detail::operation* base, const Error&,
                            std::size_t);

    Stream* owner_;                                    // null: it has left
    boost::asio::detail::reactor* reactor_ = nullptr;  // of the socket; looked up once
    bool armed_ = false;
    bool arming_ = false;
};

}  // namespace larder::net
