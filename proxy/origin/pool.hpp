#pragma once
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "net/event.hpp"
#include "origin/connection.hpp"
#include "origin/counted.hpp"

namespace larder::origin {

/// A server that could not be connected to, for the metrics.
struct FailedConnect {
    const Server* server = nullptr;
    OriginError error = OriginError::none;
};

struct Acquired {
    ConnectionPtr connection;  ///< null: see error
    OriginError error = OriginError::none;
    std::vector<FailedConnect> failures;  ///< on the way to the connection, or in vain
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
        none,      ///< none, because a kept connection has just turned out stale
        believed,  ///< those that are not known to have ended, if they were just used, and those
                   ///< that a last look finds alive; the request can be repeated
        proved,    ///< those that a last look finds alive, so that hardly a moment is left in which
                   ///< the server may end them
    };
    /// A connection to the address that `upstream` picks, or to another one where that one cannot
    /// be reached in time.
    [[nodiscard]] net::Task<Acquired> acquire(std::shared_ptr<Upstream> upstream, Kept kept);

    /// A new connection to that address, whatever the limits and its state.
    [[nodiscard]] net::Task<Acquired> connect(std::shared_ptr<Upstream> upstream,
                                              std::shared_ptr<Address> address, SteadyTime give_up);

    /// Takes a connection back whose last exchange ended well.
    void release(ConnectionPtr connection);

    /// A connection to the address has gone: wakes the first request that waits for a place there.
    void place_came_free(const Address& address);

    /// Forgets the idle connections (on reload and at the end).
    void clear();

private:
    /// The addresses of an Upstream, as they were last seen.
    struct Known {
        std::shared_ptr<Upstream> upstream;
        std::uint64_t version = 0;
        std::shared_ptr<const Addresses> addresses;
    };
    const Addresses& addresses_of(const std::shared_ptr<Upstream>& upstream);
    [[nodiscard]] net::Task<bool> wait_for_first_answers(std::shared_ptr<Upstream> upstream);

    ConnectionPtr take_idle(const Address& address, bool proved);
    static void look_after_idle(void* self);
    void plan_next_look();

    /// Room for one more connection, or one that has become idle meanwhile.
    struct Room {
        bool there = false;
        Counted reserved;  ///< in address.connections, until the connection counts itself
        ConnectionPtr kept;
    };
    [[nodiscard]] net::Task<Room> wait_for_room(std::shared_ptr<Upstream> upstream,
                                                std::shared_ptr<Address> address);
    /// A request in line for a connection to an address that has reached max_connections.
    class InLine;
    [[nodiscard]] InLine* first_in_line(const Address& address) const;
    [[nodiscard]] bool hand_over(ConnectionPtr& connection);

    /// The attempts for one connection.
    struct Race;
    [[nodiscard]] net::Task<Acquired> connect_first(std::shared_ptr<Upstream> upstream,
                                                    std::shared_ptr<Address> address,
                                                    Counted reserved, Kept kept);
    [[nodiscard]] net::Task<Acquired> run_race(std::shared_ptr<Race> race);
    [[nodiscard]] std::shared_ptr<Race> make_race(std::shared_ptr<Upstream> upstream,
                                                  const Address& first, Kept kept);
    [[nodiscard]] net::Task<void> run_attempt(std::shared_ptr<Race> race, std::size_t which);
    void begin_attempt(const std::shared_ptr<Race>& race, std::size_t which);
    [[nodiscard]] net::Task<Acquired> open(std::shared_ptr<Upstream> upstream,
                                           std::shared_ptr<Address> address, SteadyTime give_up);
    [[nodiscard]] net::Task<Acquired> open_unix(std::shared_ptr<Upstream> upstream,
                                                std::shared_ptr<Address> address,
                                                SteadyTime give_up);
    [[nodiscard]] net::Task<OriginError> shake_hands(OriginConnection& connection);

    boost::asio::io_context& context_;
    net::DeadlineWheel& wheel_;
    net::BufferPool& buffers_;
    std::vector<Known> known_;  // of each Upstream in use; few
    std::list<InLine*> line_;   // in the order of their arrival
    net::Deadline look_;  ///< when to close idle connections that have ended, are too old, or are
                          ///< wanted by another worker
    std::vector<ConnectionPtr> idle_;
};

}  // namespace larder::origin
