#include "flow/pass_through.hpp"
#include "net/detached.hpp"

namespace larder::flow {
namespace {

constexpr std::chrono::minutes tunnel_idle{10};

struct Direction {
    net::Stream& from;
    net::Buffer& in;
    net::Stream& to;
    std::uint64_t bytes = 0;
    bool done = false;
};

// One direction: its end is passed on, so the other may go on.
net::Task<void> copy(Direction& way) {
    while (true) {
        if (way.in.empty()) {
            const net::Buffer::Room room = way.in.room(4096);
            way.from.expire_at(steady_now() + tunnel_idle);
            const net::IoResult got = co_await way.from.read_some(room.at, room.size);
            if (got.kind != net::IoResult::Kind::done) break;
            way.in.append_done(got.bytes);
            // One that only listens is not idle.
            way.to.expire_at(steady_now() + tunnel_idle);
        }
        const std::string_view data = way.in.view();
        iovec piece{const_cast<char*>(data.data()), data.size()};
        const std::span<iovec> pieces(&piece, 1);
        const bool sent = co_await way.to.write_all(pieces, Milliseconds(30'000));
        if (!sent) {
            way.from.cancel();
            break;
        }
        way.bytes += data.size();
        way.in.consume(data.size());
    }
    way.to.shutdown_write();
    way.done = true;
}

// The way that runs beside the other, and its end, which the other waits for since it owns both
// streams.
struct WayBeside {
    Direction way;
    net::Event ended;
};

struct TellEnd {
    WayBeside& beside;
    ~TellEnd() {
        if (!beside.way.done) {  // an exception: the other way is to end as well
            beside.way.from.cancel();
            beside.way.to.cancel();
        }
        beside.way.done = true;
        beside.ended.notify();
    }
};

net::Task<void> copy_and_tell(std::shared_ptr<WayBeside> beside) {
    const TellEnd tell{*beside};
    co_await copy(beside->way);
}

// Waits for the way beside. Its reading ends with the client, with a stop, or when nothing came for
// a moment: an origin that has ended hears nobody for long.
net::Task<void> join(Client& client, std::shared_ptr<WayBeside> beside) {
    if (beside->way.done) co_return;
    client.stream.expire_at(steady_now() + Milliseconds(5'000));
    while (!beside->way.done) {
        const bool told = co_await beside->ended.wait();
        static_cast<void>(told);
    }
}

}  // namespace

net::Task<void> run_tunnel(Client& client, net::Stream& origin, net::Buffer& origin_in) {
    const net::Executor executor = client.services.executor();
    const std::shared_ptr<WayBeside> up(new WayBeside{
        {client.stream, client.in, origin}, net::Event(executor, net::Event::OnStop::goes_on)});
    net::start_detached(executor, copy_and_tell(up), "a tunnel");
    Direction down{origin, origin_in, client.stream};
    std::exception_ptr failure;
    try {
        co_await copy(down);
    } catch (...) {
        failure = std::current_exception();
    }
    client.exchange().bytes_out += down.bytes;
    co_await join(client, up);
    client.exchange().bytes_in += up->way.bytes;
    if (failure) std::rethrow_exception(failure);
}

}  // namespace larder::flow
