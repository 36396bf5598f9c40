#include "net/ready_watch.hpp"

#include <unistd.h>

#include <boost/asio/detail/reactive_socket_service.hpp>

namespace larder::net {
namespace {

#if BOOST_VERSION == 108100
// The socket's part of the reactor, which basic_socket keeps protected.
template <class Socket>
struct Access : Socket {
    static auto& implementation(Socket& socket) {
        return (socket.*(&Access::impl_)).get_implementation();
    }
};
#endif

}  // namespace

std::optional<TcpSocket> own_socket(Executor executor, const boost::asio::ip::tcp& protocol,
                                    int descriptor) {
    std::optional<TcpSocket> socket(std::in_place, executor);
    Error error;
    socket->assign(protocol, descriptor, error);
    if (error) {
        ::close(descriptor);
        socket.reset();
        return socket;
    }
#if BOOST_VERSION == 108100
    auto& state = Access<TcpSocket>::implementation(*socket).state_;
    state = static_cast<boost::asio::detail::socket_ops::state_type>(
        state & ~boost::asio::detail::socket_ops::possible_dup);
#endif
    return socket;
}

template <class Socket>
void ReadyWatch::arm_for(Socket& socket) {
    armed_ = true;
#if BOOST_VERSION == 108100
    ec_ = Error();
    arming_ = true;
    if (!reactor_)
        reactor_ = &boost::asio::use_service<boost::asio::detail::reactor>(
            socket.get_executor().context());
    auto& implementation = Access<Socket>::implementation(socket);
    reactor_->start_op(boost::asio::detail::reactor::read_op, implementation.socket_,
                       implementation.reactor_data_, this, true, true);
    arming_ = false;
#else
    socket.async_wait(Socket::wait_read, [this](Error) { completed(false); });
#endif
}

void ReadyWatch::arm(TcpSocket& socket) { arm_for(socket); }
void ReadyWatch::arm(AnySocket& socket) { arm_for(socket); }

void ReadyWatch::leave(ReadyWatch* watch) {
    watch->owner_ = nullptr;
    if (!watch->armed_) delete watch;
}

void ReadyWatch::completed(bool dropped) {
    armed_ = false;
    if (owner_) {
        came_(owner_, dropped);
    } else {
        delete this;
    }
}

boost::asio::detail::reactor_op::status ReadyWatch::do_perform(reactor_op* base) {
    // While the watch is being armed, the reactor asks whether there is input already: there is
    // none.
    return static_cast<ReadyWatch*>(base)->arming_ ? not_done : done;
}

void ReadyWatch::do_complete(void* context, boost::asio::detail::operation* base, const Error&,
                             std::size_t) {
    auto& watch = *static_cast<ReadyWatch*>(static_cast<reactor_op*>(base));
    watch.completed(context == nullptr);
}

}  // namespace larder::net
