#include "wire/http1/tunnel.hpp"

#include <memory>

#include "net/detached.hpp"
#include "net/event.hpp"

namespace larder::wire::http1 {
namespace {

constexpr std::chrono::minutes idle_max{10};
constexpr Milliseconds write_stall_max{30'000};
constexpr Milliseconds client_end_max{5'000};

struct Direction {
    TunnelSide from;
    net::Stream& to;
    std::uint64_t bytes = 0;
    bool done = false;
};

// Copies one direction. Passes on its end, so that the other direction can go on.
net::Task<void> copy(Direction& direction) {
    net::Buffer& in = direction.from.in;
    while (true) {
        if (in.empty()) {
            const net::Buffer::Room room = in.room(4096);
            direction.from.stream.expire_at(steady_now() + idle_max);
            const net::IoResult got = co_await direction.from.stream.read_some(room.at, room.size);
            if (got.kind != net::IoResult::Kind::done) break;
            in.append_done(got.bytes);
            // A side that only receives is not idle.
            direction.to.expire_at(steady_now() + idle_max);
        }
        const std::string_view data = in.view();
        iovec piece{const_cast<char*>(data.data()), data.size()};
        const std::span<iovec> pieces(&piece, 1);
        const bool sent = co_await direction.to.write_all(pieces, write_stall_max);
        if (!sent) {
            direction.from.stream.cancel();
            break;
        }
        direction.bytes += data.size();
        in.consume(data.size());
    }
    direction.to.shutdown_write();
    direction.done = true;
}

// The direction that has its own coroutine. The other coroutine owns both streams, so it waits for
// this one.
struct OwnDirection {
    Direction direction;
    net::Event ended;
};

struct TellEnd {
    OwnDirection& own;
    ~TellEnd() {
        if (!own.direction.done) {  // an exception: end the other direction too
            own.direction.from.stream.cancel();
            own.direction.to.cancel();
        }
        own.direction.done = true;
        own.ended.notify();
    }
};

net::Task<void> copy_and_tell(std::shared_ptr<OwnDirection> own) {
    const TellEnd tell{*own};
    co_await copy(own->direction);
}

// Waits until the client has ended too. Waits only a moment for more bytes, because an origin that
// has ended does not read them.
net::Task<void> join(TunnelSide client, std::shared_ptr<OwnDirection> upward) {
    if (upward->direction.done) co_return;
    client.stream.expire_at(steady_now() + client_end_max);
    while (!upward->direction.done) {
        const bool told = co_await upward->ended.wait();
        static_cast<void>(told);
    }
}

}  // namespace

net::Task<void> copy_both_ways(net::Executor executor, TunnelSide client, TunnelSide origin,
                               flow::Exchange& exchange) {
    const std::shared_ptr<OwnDirection> upward(new OwnDirection{
        {client, origin.stream}, net::Event(executor, net::Event::OnStop::goes_on)});
    net::start_detached(executor, copy_and_tell(upward), "a tunnel");
    Direction downward{origin, client.stream};
    std::exception_ptr failure;
    try {
        co_await copy(downward);
    } catch (...) {
        failure = std::current_exception();
    }
    exchange.bytes_out += downward.bytes;
    co_await join(client, upward);
    exchange.bytes_in += upward->direction.bytes;
    if (failure) std::rethrow_exception(failure);
}

}  // namespace larder::wire::http1
