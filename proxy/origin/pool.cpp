#include "origin/pool.hpp"

namespace larder::origin {
namespace {

constexpr std::size_t idle_max = 256;
constexpr std::size_t known_max = 256;
constexpr std::chrono::seconds idle_age_max{55};
// For so long nothing is expected on a connection that was just used: a last look is saved.
constexpr Milliseconds believed_for{1};
constexpr std::chrono::seconds look_every{2};
constexpr Milliseconds look_often{30};  // where workers share max_connections
constexpr Milliseconds ask_again{10};   // other workers do not report the places they give back

}  // namespace

Pool::Pool(boost::asio::io_context& context, net::DeadlineWheel& wheel, net::BufferPool& buffers)
    : context_(context),
      wheel_(wheel),
      buffers_(buffers),
      look_(wheel, &Pool::look_after_idle, this) {}

Pool::~Pool() = default;

/// A request that waits for its turn. It lives on the frame of its coroutine. A request that leaves
/// the line wakes the first one that still waits.
class Pool::InLine {
public:
    InLine(Pool& pool, Address& address_in)
        : address(address_in),
          wake(pool.context_.get_executor()),
          pool_(pool),
          waiting_(address_in.waiting),
          place_(pool.line_.insert(pool.line_.end(), this)) {}
    ~InLine() {
        pool_.line_.erase(place_);
        pool_.place_came_free(address);
    }
    InLine(const InLine&) = delete;
    InLine& operator=(const InLine&) = delete;

    Address& address;  // the waiting coroutine holds it
    net::Event wake;
    ConnectionPtr given;  ///< by a request of this worker that needs it no longer

private:
    Pool& pool_;
    Counted waiting_;
    std::list<InLine*>::iterator place_;
};

Pool::InLine* Pool::first_in_line(const Address& address) const {
    for (InLine* waiter : line_)
        if (&waiter->address == &address) return waiter;
    return nullptr;
}

void Pool::place_came_free(const Address& address) {
    InLine* first = first_in_line(address);
    if (first) first->wake.notify();
}

// Gives the connection to the first waiting request that has none. True: a request took it.
bool Pool::hand_over(ConnectionPtr& connection) {
    for (InLine* waiter : line_) {
        if (&waiter->address != connection->address.get() || waiter->given) continue;
        waiter->given = std::move(connection);
        waiter->wake.notify();
        return true;
    }
    return false;
}

ConnectionPtr Pool::take_idle(const Address& address, bool proved) {
    const SteadyTime now = steady_now();
    for (std::size_t i = idle_.size(); i-- > 0;) {
        if (idle_[i]->address.get() != &address) continue;
        ConnectionPtr connection = std::move(idle_[i]);
        idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
        const SteadyClock::duration age = now - connection->idle_since;
        if (age >= idle_age_max) continue;
        const bool looks = proved || age >= believed_for;
        if (looks ? connection->stream.idle_and_alive() : connection->stream.quiet())
            return connection;
    }
    return nullptr;
}

namespace {

// There is no server to ask: none has an address, or none is up.
Acquired without_address(const Upstream& upstream, const Addresses& addresses) {
    Acquired nothing{nullptr, OriginError::unavailable, {}};
    if (!addresses.empty()) return nothing;
    nothing.error = OriginError::unresolved;
    for (const auto& server : upstream.servers())
        nothing.failures.push_back({server.get(), OriginError::unresolved});
    return nothing;
}

}  // namespace

const Addresses& Pool::addresses_of(const std::shared_ptr<Upstream>& upstream) {
    const std::uint64_t version = upstream->version();
    for (Known& known : known_) {
        if (known.upstream != upstream) continue;
        if (known.version != version) known = {upstream, version, upstream->addresses()};
        return *known.addresses;
    }
    // Requests of an earlier configuration may have added their Upstream again.
    if (known_.size() == known_max) known_.erase(known_.begin());
    known_.push_back({upstream, version, upstream->addresses()});
    return *known_.back().addresses;
}

// Waits only while no lookup has ended yet: later lookups go on beside the requests. False: the
// worker stops.
net::Task<bool> Pool::wait_for_first_answers(std::shared_ptr<Upstream> upstream) {
    net::Event pause(context_.get_executor());
    while (upstream->addresses()->empty() && steady_now() < upstream->first_answers_by()) {
        const bool goes_on = co_await pause.wait_until(steady_now() + ask_again);
        if (!goes_on) co_return false;
    }
    co_return true;
}

net::Task<Acquired> Pool::acquire(std::shared_ptr<Upstream> upstream, Kept kept) {
    if (addresses_of(upstream).empty()) {
        const bool goes_on = co_await wait_for_first_answers(upstream);
        if (!goes_on) co_return Acquired{nullptr, OriginError::unavailable, {}};
    }
    Address* picked = upstream->pick(addresses_of(upstream), steady_now());
    if (!picked) co_return without_address(*upstream, addresses_of(upstream));
    if (kept != Kept::none && !first_in_line(*picked)) {
        ConnectionPtr idle = take_idle(*picked, kept == Kept::proved);
        if (idle) {
            idle->reused = true;
            idle->stream.never_expire();
            co_return Acquired{std::move(idle), OriginError::none, {}};
        }
    }
    std::shared_ptr<Address> address = picked->shared_from_this();
    Room room = co_await wait_for_room(upstream, address);
    if (!room.there) co_return Acquired{nullptr, OriginError::unavailable, {}};
    if (room.kept && kept != Kept::none) {
        room.kept->reused = true;
        room.kept->stream.never_expire();
        co_return Acquired{std::move(room.kept), OriginError::none, {}};
    }
    if (room.kept) {
        // Its place stays reserved for the new connection that replaces it.
        room.reserved = Counted(address->connections);
        room.kept.reset();
    }
    Acquired connected = co_await connect_first(upstream, address, std::move(room.reserved), kept);
    co_return connected;
}

net::Task<Pool::Room> Pool::wait_for_room(std::shared_ptr<Upstream> upstream,
                                          std::shared_ptr<Address> address) {
    const int most = upstream->settings().max_connections;
    Room room;
    room.there = true;
    if (most <= 0) co_return room;
    if (!first_in_line(*address)) room.reserved = reserve_place(*address, most);
    if (room.reserved.counts()) co_return room;
    const SteadyTime give_up = steady_now() + upstream->settings().connect_timeout;
    InLine place(*this, *address);
    while (true) {
        room.kept = std::move(place.given);
        if (room.kept && !room.kept->stream.idle_and_alive()) room.kept.reset();
        if (room.kept) co_return room;
        const bool first = first_in_line(*address) == &place;
        if (first) {
            room.reserved = reserve_place(*address, most);
            if (room.reserved.counts()) co_return room;
            room.kept = take_idle(*address, true);
            if (room.kept) co_return room;
        }
        const SteadyTime now = steady_now();
        room.there = now < give_up;
        if (!room.there) co_return room;
        // Only the first in line looks again by itself.
        const SteadyTime wake_at = first ? std::min(give_up, now + ask_again) : give_up;
        room.there = co_await place.wake.wait_until(wake_at);
        if (!room.there) co_return room;
    }
}

void Pool::release(ConnectionPtr connection) {
    if (wheel_.stopped() || !connection->in.empty() || idle_.size() >= idle_max ||
        !connection->stream.is_open())
        return;
    if (connection->address->gone.load(std::memory_order_relaxed)) return;
    connection->in.release();
    connection->stream.never_expire();
    connection->idle_since = steady_now();
    if (hand_over(connection)) return;
    idle_.push_back(std::move(connection));
    if (idle_.size() == 1 || idle_.back()->upstream->settings().max_connections > 0)
        plan_next_look();
}

void Pool::plan_next_look() {
    if (idle_.empty() || wheel_.stopped()) return;
    const auto is_limited = [](const ConnectionPtr& connection) {
        return connection->upstream->settings().max_connections > 0;
    };
    const bool limited = std::any_of(idle_.rbegin(), idle_.rend(), is_limited);
    look_.set(steady_now() + (limited ? look_often : Milliseconds(look_every)));
}

// Closes idle connections that the origin has ended, which would else stay half open until the next
// request. Also gives up connections that are wanted elsewhere: the idle connections of one worker
// count against the max_connections of all.
void Pool::look_after_idle(void* self) {
    Pool& pool = *static_cast<Pool*>(self);
    const SteadyTime now = steady_now();
    bool gave = false;  // one at a time: another worker may also serve the request that waits
    std::erase_if(pool.idle_, [now, &gave](const ConnectionPtr& connection) {
        const Address& address = *connection->address;
        const int most = connection->upstream->settings().max_connections;
        const bool wanted = !gave && most > 0 &&
                            address.waiting.load(std::memory_order_relaxed) > 0 &&
                            address.connections.load(std::memory_order_relaxed) >= most;
        gave = gave || wanted;
        return wanted || address.gone.load(std::memory_order_relaxed) ||
               now - connection->idle_since >= idle_age_max || !connection->stream.quiet();
    });
    pool.plan_next_look();
}

void Pool::clear() {
    idle_.clear();
    known_.clear();
}

}  // namespace larder::origin
