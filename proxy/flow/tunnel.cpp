#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "flow/pass_through.hpp"

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

net::Task<void> copy_and_tell(std::shared_ptr<Direction> way, std::shared_ptr<net::Event> finished) {
    co_await copy(*way);
    finished->notify();
}

}  // namespace

net::Task<void> run_tunnel(Client& client, net::Stream& origin, net::Buffer& origin_in) {
    auto up = std::make_shared<Direction>(Direction{client.stream, client.in, origin});
    auto finished = std::make_shared<net::Event>(client.use.executor());
    boost::asio::co_spawn(client.use.executor(), copy_and_tell(up, finished), boost::asio::detached);
    Direction down{origin, origin_in, client.stream};
    co_await copy(down);
    client.x().bytes_out += down.bytes;
    // The client's side may have more to say, but an origin that has ended hears nobody for long.
    if (!up->done) client.stream.expire_at(steady_now() + Milliseconds(5'000));
    while (!up->done) co_await finished->wait();
    client.x().bytes_in += up->bytes;
}

}  // namespace larder::flow
