#pragma once
#include <boost/asio/detail/reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#include <boost/version.hpp>

#include "net/stream.hpp"

namespace larder::net {

/// One wait for a socket to become readable, part of its owner and used again and again: no allocation, no coroutine
/// frame while a connection idles, and no system call where the socket is known to be drained.
///
/// Asio registers a descriptor once, edge-triggered, but its async_wait re-arms it with epoll_ctl each time, since it cannot
/// know what its caller has read. This is an operation of Asio's own reactor that uses what larder does know. It relies on
/// Asio's details as of Boost 1.81 and falls back to async_wait with any other version. One thread.
class ReadyWatch : private boost::asio::detail::reactor_op {
public:
    using Ready = void (*)(void* owner, bool ok);

    /// `ready` is called on the socket's thread; not `ok`: cancelled, closed.
    ReadyWatch(Ready ready, void* owner)
        : reactor_op(Error(), &ReadyWatch::do_perform, &ReadyWatch::do_complete), ready_(ready), owner_(owner) {}

    /// Waits once. `drained`: since the last read came back short or empty this thread has not looked for events, so whatever
    /// arrives makes a new one.
    void arm(TcpSocket& socket, bool drained);

private:
    static status do_perform(reactor_op* base);
    static void do_complete(void* owner, boost::asio::detail::operation* base, const Error&, std::size_t);

    Ready ready_;
    void* owner_;
    bool asked_ = false;  // the reactor's first, speculative question is still to come
};

}  // namespace larder::net
