#pragma once
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "net/buffer.hpp"
#include "net/event.hpp"
#include "net/stream.hpp"
#include "origin/counted.hpp"
#include "origin/upstream.hpp"

namespace larder::origin {

/// Why an exchange with the origin failed.
enum class OriginError : std::uint8_t {
    none,
    unavailable,   ///< no server is up, or all its connections are taken
    unresolved,    ///< the server's name has no address
    unreachable,   ///< could not connect
    connect_timeout,
    tls,           ///< the handshake failed
    untrusted,     ///< the certificate is not trusted, or for another name
    lost,          ///< the connection ended before the head of the response
    malformed,     ///< the response cannot be framed with certainty
    timeout,       ///< no byte within response_timeout or idle_timeout
    truncated,     ///< the connection ended inside the body
};

/// "unreachable", ...: the metrics' `reason`.
const char* to_text(OriginError error);

class Pool;

/// A connection to one server. Counts itself in the server's figures, and tells its pool when it goes. One thread.
class OriginConnection {
public:
    OriginConnection(net::TcpSocket socket, net::DeadlineWheel& wheel, net::BufferPool& buffers, std::shared_ptr<Upstream> upstream_in,
                     Server& server_in, Pool& pool);
    ~OriginConnection();
    OriginConnection(const OriginConnection&) = delete;
    OriginConnection& operator=(const OriginConnection&) = delete;

    net::Stream stream;
    net::Buffer in;
    std::shared_ptr<Upstream> upstream;
    Server& server;
    bool reused = false;
    SteadyTime idle_since{};

private:
    Pool& pool_;
};

using ConnectionPtr = std::unique_ptr<OriginConnection>;

struct Acquired {
    ConnectionPtr connection;  ///< null: see error
    OriginError error = OriginError::none;
    Server* server = nullptr;  ///< which was tried; null: none was there
};

/// One worker's connections to the origin: idle ones are kept for reuse, the newest first.
class Pool {
public:
    Pool(boost::asio::io_context& context, net::DeadlineWheel& wheel, net::BufferPool& buffers);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// Which kept connections will do.
    enum class Kept : std::uint8_t {
        none,      ///< none: one has just turned out stale
        believed,  ///< those whose end was not heard of; the request can be repeated
        proved,    ///< those that are looked at once more, so that hardly a moment is left in which the server may end them
    };
    /// A connection to the server that `upstream` picks.
    [[nodiscard]] net::Task<Acquired> acquire(std::shared_ptr<Upstream> upstream, Kept kept, const Server* avoid);

    /// A new connection to that server, whatever the limits and its state.
    [[nodiscard]] net::Task<Acquired> connect(std::shared_ptr<Upstream> upstream, Server* server, SteadyTime give_up);

    /// Takes a connection back whose last exchange ended well.
    void release(ConnectionPtr connection);

    /// A connection to the server has gone: the first who waits for its place may look.
    void place_came_free(const Server& server);

    /// Forgets the idle connections (on reload and at the end).
    void clear();

private:
    struct Resolved {
        std::vector<boost::asio::ip::tcp::endpoint> endpoints;
        SteadyTime at{};
    };

    ConnectionPtr take_idle(Server& server, bool proved);
    static void look_after_idle(void* self);
    void plan_next_look();
    [[nodiscard]] net::Task<bool> resolve(Server* server, Resolved* into);
    /// Room for one more connection, or one that has become idle meanwhile.
    struct Room {
        bool there = false;
        Counted reserved;  ///< in server.connections, until the connection counts itself
        ConnectionPtr kept;
    };
    [[nodiscard]] net::Task<Room> wait_for_room(std::shared_ptr<Upstream> upstream, Server* server);
    /// One in the line of those who wait for a connection to a server that has max_connections.
    class InLine;
    [[nodiscard]] InLine* first_in_line(const Server& server) const;
    [[nodiscard]] bool hand_over(ConnectionPtr& connection);

    boost::asio::io_context& context_;
    net::DeadlineWheel& wheel_;
    net::BufferPool& buffers_;
    std::list<InLine*> line_;  // who came first is first
    net::Deadline look_;  ///< when idle connections are looked after: ended, too old, or wanted by another worker
    std::vector<ConnectionPtr> idle_;
    std::unordered_map<std::string, Resolved> resolved_;
};

}  // namespace larder::origin
