#include "net/ready_watch.hpp"

#include <boost/asio/detail/reactive_socket_service.hpp>

namespace larder::net {
namespace {

#if BOOST_VERSION == 108100
// The socket's part of the reactor, which basic_socket keeps protected.
struct Access : TcpSocket {
    static auto& implementation(TcpSocket& socket) { return (socket.*(&Access::impl_)).get_implementation(); }
};
#endif

}  // namespace

void ReadyWatch::arm(TcpSocket& socket, [[maybe_unused]] bool drained) {
    ec_ = Error();
    asked_ = false;
#if BOOST_VERSION == 108100
    asked_ = drained;
    auto& reactor = boost::asio::use_service<boost::asio::detail::reactor>(socket.get_executor().context());
    auto& implementation = Access::implementation(socket);
    reactor.start_op(boost::asio::detail::reactor::read_op, implementation.socket_, implementation.reactor_data_, this, true, drained);
#else
    socket.async_wait(TcpSocket::wait_read, [this](Error error) { ready_(owner_, !error); });
#endif
}

boost::asio::detail::reactor_op::status ReadyWatch::do_perform(reactor_op* base) {
    auto& watch = *static_cast<ReadyWatch*>(base);
    if (!watch.asked_) return done;
    watch.asked_ = false;
    return not_done;
}

void ReadyWatch::do_complete(void* owner, boost::asio::detail::operation* base, const Error&, std::size_t) {
    auto& watch = *static_cast<ReadyWatch*>(static_cast<reactor_op*>(base));
    if (!owner) return;  // the io_context is going away
    const bool ok = !watch.ec_;
    watch.ready_(watch.owner_, ok);
}

}  // namespace larder::net
