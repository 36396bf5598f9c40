#include "origin/pool.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <spdlog/spdlog.h>

namespace larder::origin {
namespace {

using boost::asio::ip::tcp;
using Resolver = boost::asio::ip::basic_resolver<tcp, net::Executor>;

constexpr std::size_t idle_max = 256;
constexpr std::chrono::seconds idle_age_max{55};
constexpr std::chrono::seconds resolved_age_max{5};
constexpr std::chrono::seconds look_every{2};
constexpr Milliseconds look_often{30};  // where workers share max_connections
constexpr Milliseconds ask_again{10};   // for what other workers gave back, of which nobody tells

}  // namespace

const char* to_text(OriginError error) {
    switch (error) {
        case OriginError::none: return "none";
        case OriginError::unavailable: return "unavailable";
        case OriginError::unresolved: return "unresolved";
        case OriginError::unreachable: return "unreachable";
        case OriginError::connect_timeout: return "connect-timeout";
        case OriginError::tls: return "tls";
        case OriginError::untrusted: return "untrusted";
        case OriginError::lost: return "lost";
        case OriginError::malformed: return "malformed";
        case OriginError::timeout: return "timeout";
        case OriginError::truncated: return "truncated";
    }
    return "none";
}

OriginConnection::OriginConnection(net::TcpSocket socket, net::DeadlineWheel& wheel, net::BufferPool& buffers,
                                   std::shared_ptr<Upstream> upstream_in, Server& server_in, Pool& pool)
    : stream(std::move(socket), wheel), in(buffers), upstream(std::move(upstream_in)), server(server_in), pool_(pool) {
    server.connections.fetch_add(1, std::memory_order_relaxed);
}

OriginConnection::~OriginConnection() {
    stream.close();
    server.connections.fetch_sub(1, std::memory_order_relaxed);
    pool_.place_came_free(server);
}

Pool::Pool(boost::asio::io_context& context, net::DeadlineWheel& wheel, net::BufferPool& buffers)
    : context_(context), wheel_(wheel), buffers_(buffers), look_(wheel, &Pool::look_after_idle, this) {}

Pool::~Pool() = default;

/// A request that waits for its turn; on its coroutine's frame. Who leaves the line lets the next one look.
class Pool::InLine {
public:
    InLine(Pool& pool, Server& server_in)
        : server(server_in), wake(pool.context_.get_executor()), pool_(pool), waiting_(server_in.waiting), place_(pool.line_.insert(pool.line_.end(), this)) {}
    ~InLine() {
        pool_.line_.erase(place_);
        pool_.place_came_free(server);
    }
    InLine(const InLine&) = delete;
    InLine& operator=(const InLine&) = delete;

    Server& server;
    net::Event wake;
    ConnectionPtr given;  ///< by somebody of this worker who needs it no longer

private:
    Pool& pool_;
    Counted waiting_;
    std::list<InLine*>::iterator place_;
};

Pool::InLine* Pool::first_in_line(const Server& server) const {
    for (InLine* waiter : line_)
        if (&waiter->server == &server) return waiter;
    return nullptr;
}

void Pool::place_came_free(const Server& server) {
    InLine* first = first_in_line(server);
    if (first) first->wake.notify();
}

// Gives the connection to the first who waits for one and has none. True: somebody took it.
bool Pool::hand_over(ConnectionPtr& connection) {
    for (InLine* waiter : line_) {
        if (&waiter->server != &connection->server || waiter->given) continue;
        waiter->given = std::move(connection);
        waiter->wake.notify();
        return true;
    }
    return false;
}

ConnectionPtr Pool::take_idle(Server& server, bool proved) {
    const SteadyTime now = steady_now();
    for (std::size_t i = idle_.size(); i-- > 0;) {
        if (&idle_[i]->server != &server) continue;
        ConnectionPtr connection = std::move(idle_[i]);
        idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
        if (now - connection->idle_since < idle_age_max && (proved ? connection->stream.idle_and_alive() : connection->stream.quiet())) return connection;
    }
    return nullptr;
}

namespace {

// A place among the connections of all workers, where there is one.
Counted reserve(Server& server, int most) {
    int open = server.connections.load(std::memory_order_relaxed);
    while (open < most)
        if (server.connections.compare_exchange_weak(open, open + 1, std::memory_order_relaxed)) return Counted::adopt(server.connections);
    return {};
}

}  // namespace

net::Task<Acquired> Pool::acquire(std::shared_ptr<Upstream> upstream, Kept kept, const Server* avoid) {
    Server* server = upstream->pick(avoid, steady_now());
    if (!server) co_return Acquired{nullptr, OriginError::unavailable, nullptr};
    if (kept != Kept::none && !first_in_line(*server)) {
        ConnectionPtr idle = take_idle(*server, kept == Kept::proved);
        if (idle) {
            idle->reused = true;
            idle->stream.never_expire();
            co_return Acquired{std::move(idle), OriginError::none, server};
        }
    }
    Room room = co_await wait_for_room(upstream, server);
    if (!room.there) co_return Acquired{nullptr, OriginError::unavailable, server};
    if (room.kept && kept != Kept::none) {
        room.kept->reused = true;
        room.kept->stream.never_expire();
        co_return Acquired{std::move(room.kept), OriginError::none, server};
    }
    if (room.kept) {
        // Its place is ours while another connection is made in its stead.
        room.reserved = Counted(server->connections);
        room.kept.reset();
    }
    Acquired connected = co_await connect(upstream, server, steady_now() + upstream->settings().connect_timeout);
    room.reserved.end();
    if (!connected.connection) upstream->note_failure(*server, steady_now());
    co_return connected;
}

net::Task<Pool::Room> Pool::wait_for_room(std::shared_ptr<Upstream> upstream, Server* server) {
    const int most = upstream->settings().max_connections;
    Room room;
    room.there = true;
    if (most <= 0) co_return room;
    if (!first_in_line(*server)) room.reserved = reserve(*server, most);
    if (room.reserved.counts()) co_return room;
    const SteadyTime give_up = steady_now() + upstream->settings().connect_timeout;
    InLine place(*this, *server);
    while (true) {
        room.kept = std::move(place.given);
        if (room.kept && !room.kept->stream.idle_and_alive()) room.kept.reset();
        if (room.kept) co_return room;
        const bool first = first_in_line(*server) == &place;
        if (first) {
            room.reserved = reserve(*server, most);
            if (room.reserved.counts()) co_return room;
            room.kept = take_idle(*server, true);
            if (room.kept) co_return room;
        }
        const SteadyTime now = steady_now();
        room.there = now < give_up;
        if (!room.there) co_return room;
        // Only the first one looks again by itself.
        const SteadyTime wake_at = first ? std::min(give_up, now + ask_again) : give_up;
        room.there = co_await place.wake.wait_until(wake_at);
        if (!room.there) co_return room;
    }
}

net::Task<bool> Pool::resolve(Server* server, Resolved* into) {
    Resolved& known = resolved_[server->host + ' ' + server->port];
    if (known.endpoints.empty() || steady_now() - known.at > resolved_age_max) {
        boost::system::error_code not_numeric;
        const auto address = boost::asio::ip::make_address(server->host, not_numeric);
        if (!not_numeric) {
            known.endpoints = {tcp::endpoint(address, static_cast<std::uint16_t>(std::stoi(server->port)))};
        } else {
            known.at = steady_now();  // who comes meanwhile takes the last answer instead of asking too
            Resolver resolver(context_.get_executor());
            const std::string host = server->host;
            const std::string port = server->port;
            const auto [error, results] = co_await resolver.async_resolve(host, port, net::as_result);
            // An answer that fails leaves the last good one in force.
            Resolved& entry = resolved_[server->host + ' ' + server->port];
            if (!error) entry.endpoints.assign(results.begin(), results.end());
        }
    }
    Resolved& entry = resolved_[server->host + ' ' + server->port];
    entry.at = steady_now();
    *into = entry;
    co_return !into->endpoints.empty();
}

net::Task<Acquired> Pool::connect(std::shared_ptr<Upstream> upstream, Server* server, SteadyTime give_up) {
    Resolved resolved;
    const bool found = co_await resolve(server, &resolved);
    if (!found) co_return Acquired{nullptr, OriginError::unresolved, server};
    OriginError last = OriginError::unreachable;
    for (const tcp::endpoint& endpoint : resolved.endpoints) {
        net::TcpSocket socket(context_.get_executor());
        boost::system::error_code opened;
        socket.open(endpoint.protocol(), opened);
        if (opened) continue;
        auto connection = std::make_unique<OriginConnection>(std::move(socket), wheel_, buffers_, upstream, *server, *this);
        connection->stream.expire_at(give_up);
        const auto [error] = co_await connection->stream.socket().async_connect(endpoint, net::as_result);
        if (connection->stream.timed_out()) co_return Acquired{nullptr, OriginError::connect_timeout, server};
        if (error) continue;
        boost::system::error_code ignored;
        connection->stream.socket().set_option(tcp::no_delay(true), ignored);
        if (server->tls) {
            connection->stream.start_tls(upstream->tls_context(), false, server->server_name.c_str());
            const bool shaken = co_await connection->stream.handshake();
            if (!shaken) {
                const long verdict = SSL_get_verify_result(connection->stream.tls());
                last = connection->stream.timed_out() ? OriginError::connect_timeout : verdict != X509_V_OK ? OriginError::untrusted : OriginError::tls;
                if (last == OriginError::untrusted) spdlog::warn("the certificate of {} is not trusted: {}", server->url, X509_verify_cert_error_string(verdict));
                continue;
            }
        }
        connection->stream.never_expire();
        connection->stream.expect_more();
        co_return Acquired{std::move(connection), OriginError::none, server};
    }
    co_return Acquired{nullptr, last, server};
}

void Pool::release(ConnectionPtr connection) {
    if (wheel_.stopped() || !connection->in.empty() || idle_.size() >= idle_max || !connection->stream.is_open()) return;
    connection->in.release();
    connection->stream.never_expire();
    connection->idle_since = steady_now();
    if (hand_over(connection)) return;
    idle_.push_back(std::move(connection));
    if (idle_.size() == 1 || idle_.back()->upstream->settings().max_connections > 0) plan_next_look();
}

void Pool::plan_next_look() {
    if (idle_.empty() || wheel_.stopped()) return;
    const bool limited = idle_.back()->upstream->settings().max_connections > 0;
    look_.set(steady_now() + (limited ? look_often : Milliseconds(look_every)));
}

// An origin's idle timeout would else leave its half of each connection with us until the next request; and what one worker
// keeps idle counts against max_connections of all.
void Pool::look_after_idle(void* self) {
    Pool& pool = *static_cast<Pool*>(self);
    const SteadyTime now = steady_now();
    bool gave = false;  // one at a time: who waits may be served by another's
    std::erase_if(pool.idle_, [now, &gave](const ConnectionPtr& connection) {
        Server& server = connection->server;
        const int most = connection->upstream->settings().max_connections;
        const bool wanted = !gave && most > 0 && server.waiting.load(std::memory_order_relaxed) > 0 && server.connections.load(std::memory_order_relaxed) >= most;
        gave = gave || wanted;
        return wanted || now - connection->idle_since >= idle_age_max || !connection->stream.quiet();
    });
    pool.plan_next_look();
}

void Pool::clear() { idle_.clear(); }

}  // namespace larder::origin
