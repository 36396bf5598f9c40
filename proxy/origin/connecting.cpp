#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include "net/detached.hpp"
#include "origin/connect_order.hpp"
#include "origin/pool.hpp"

/// How a pool makes new connections. Where an origin has several addresses, one that does not
/// answer must not cost a request the whole connect_timeout: after a short delay the next one is
/// tried beside it (connect_order.hpp), and the first that is ready serves the request. An attempt
/// that is overtaken goes on until its own end, since only its end shows whether its address is
/// dead or slow. If it succeeds after all, its connection is kept idle.
namespace larder::origin {

using boost::asio::ip::tcp;

struct Pool::Race {
    struct Attempt {
        std::shared_ptr<Address> address;
        Counted reserved;  // in address->connections, until the connection counts itself
        ConnectionPtr connection;
        bool is_pending = false;
        SteadyTime began{};
    };

    Race(net::Executor executor, std::size_t count, SteadyTime give_up_in)
        : changed(executor), order(count, give_up_in), give_up(give_up_in) {}

    std::shared_ptr<Upstream> upstream;
    net::Event changed;
    ConnectRace order;
    SteadyTime give_up;
    Kept kept = Kept::none;
    std::vector<Attempt> attempts;
    std::size_t ready = SIZE_MAX;  // the attempt that has a connection
    bool decided = false;          // nobody waits for it any more
    OriginError last = OriginError::unavailable;
    std::vector<FailedConnect> failures;
};

namespace {

// The addresses in the order to try them; empty where the picked one is the only one.
std::vector<std::shared_ptr<Address>> in_order(const Addresses& addresses, const Address& first,
                                               SteadyTime now) {
    std::vector<Candidate> candidates;
    std::vector<std::shared_ptr<Address>> known;
    std::size_t index = SIZE_MAX;
    for (const auto& address : addresses) {
        if (address.get() == &first) index = known.size();
        const bool is_up = address->up.load(std::memory_order_relaxed);
        if (address.get() != &first && !is_up) continue;
        candidates.push_back(
            {address->endpoint.address().is_v6(), Upstream::usable(*address, now)});
        known.push_back(address);
    }
    std::vector<std::shared_ptr<Address>> order;
    // The picked address may no longer belong to the name.
    if (index == SIZE_MAX || known.size() < 2) return order;
    for (std::size_t i : connect_order(candidates, index)) order.push_back(known[i]);
    return order;
}

constexpr Milliseconds queue_full_pause{10};

// A descriptor, or -1 and why.
int connect_unix(const std::string& path, int& error) {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    const auto* address = reinterpret_cast<const sockaddr*>(&name);
    if (descriptor >= 0 && ::connect(descriptor, address, sizeof name) == 0) return descriptor;
    error = errno;
    if (descriptor >= 0) ::close(descriptor);
    return -1;
}

Acquired served(ConnectionPtr connection) { return {std::move(connection), OriginError::none, {}}; }

Acquired refused(const Address& address, OriginError error) {
    return {nullptr, error, {{&address.server, error}}};
}

}  // namespace

net::Task<Acquired> Pool::connect(std::shared_ptr<Upstream> upstream,
                                  std::shared_ptr<Address> address, SteadyTime give_up) {
    Acquired made = co_await open(upstream, address, give_up);
    if (!made.connection) co_return made;
    const OriginError error = co_await shake_hands(*made.connection);
    if (error != OriginError::none) co_return refused(*address, error);
    co_return made;
}

// Connects, and reports the result to the upstream.
net::Task<Acquired> Pool::open(std::shared_ptr<Upstream> upstream, std::shared_ptr<Address> address,
                               SteadyTime give_up) {
    if (address->server.is_unix) {
        Acquired made = co_await open_unix(std::move(upstream), std::move(address), give_up);
        co_return made;
    }
    net::TcpSocket socket(context_.get_executor());
    boost::system::error_code error;
    socket.open(address->endpoint.protocol(), error);
    bool timed_out = false;
    ConnectionPtr connection;
    if (!error) {
        connection = std::make_unique<OriginConnection>(std::move(socket), wheel_, buffers_,
                                                        upstream, *address, *this);
        net::Stream& stream = connection->stream;
        stream.expire_at(give_up);
        const auto [failed] =
            co_await stream.socket().async_connect(address->endpoint, net::as_result);
        error = failed;
        timed_out = stream.timed_out();
    }
    if (wheel_.stopped()) co_return Acquired{nullptr, OriginError::unavailable, {}};
    if (error || timed_out) {
        upstream->note_not_connected(*address, ConnectFailure::unreachable, steady_now());
        co_return refused(*address,
                          timed_out ? OriginError::connect_timeout : OriginError::unreachable);
    }
    upstream->note_connected(*address);
    boost::system::error_code ignored;
    connection->stream.socket().set_option(tcp::no_delay(true), ignored);
    co_return served(std::move(connection));
}

// Connecting to a Unix socket never waits: the queue of the listener has room, or it has not.
net::Task<Acquired> Pool::open_unix(std::shared_ptr<Upstream> upstream,
                                    std::shared_ptr<Address> address, SteadyTime give_up) {
    net::Event pause(context_.get_executor());
    int error = EAGAIN;
    while (true) {
        const int descriptor = connect_unix(address->server.host, error);
        if (descriptor >= 0) {
            std::optional<net::TcpSocket> socket =
                net::own_socket(context_.get_executor(), tcp::v4(), descriptor);
            if (!socket) break;
            upstream->note_connected(*address);
            co_return served(std::make_unique<OriginConnection>(
                std::move(*socket), wheel_, buffers_, upstream, *address, *this));
        }
        if (error != EAGAIN || steady_now() >= give_up) break;
        const bool goes_on = co_await pause.wait_until(steady_now() + queue_full_pause);
        if (!goes_on) co_return Acquired{nullptr, OriginError::unavailable, {}};
    }
    upstream->note_not_connected(*address, ConnectFailure::unreachable, steady_now());
    co_return refused(*address,
                      error == EAGAIN ? OriginError::connect_timeout : OriginError::unreachable);
}

net::Task<OriginError> Pool::shake_hands(OriginConnection& connection) {
    net::Stream& stream = connection.stream;
    const Server& server = connection.address->server;
    if (server.tls) {
        stream.start_tls(connection.upstream->tls_context(), false, server.server_name.c_str());
        const bool agreed = co_await stream.handshake();
        if (!agreed) {
            const long verdict = SSL_get_verify_result(stream.tls());
            connection.upstream->note_failure(*connection.address, steady_now());
            if (stream.timed_out()) co_return OriginError::connect_timeout;
            if (verdict == X509_V_OK) co_return OriginError::tls;
            spdlog::warn("the certificate of {} is not trusted: {}", server.url,
                         X509_verify_cert_error_string(verdict));
            co_return OriginError::untrusted;
        }
    }
    stream.never_expire();
    stream.expect_more();
    co_return OriginError::none;
}

std::shared_ptr<Pool::Race> Pool::make_race(std::shared_ptr<Upstream> upstream,
                                            const Address& first, Kept kept) {
    const SteadyTime now = steady_now();
    const auto order = in_order(addresses_of(upstream), first, now);
    if (order.empty()) return nullptr;
    const SteadyTime give_up = now + upstream->settings().connect_timeout;
    auto race = std::make_shared<Race>(context_.get_executor(), order.size(), give_up);
    race->upstream = std::move(upstream);
    race->kept = kept;
    race->attempts.resize(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) race->attempts[i].address = order[i];
    return race;
}

net::Task<Acquired> Pool::connect_first(std::shared_ptr<Upstream> upstream,
                                        std::shared_ptr<Address> address, Counted reserved,
                                        Kept kept) {
    const std::shared_ptr<Race> race = make_race(upstream, *address, kept);
    if (!race) {
        const SteadyTime give_up = steady_now() + upstream->settings().connect_timeout;
        Acquired made = co_await connect(upstream, address, give_up);
        co_return made;
    }
    race->attempts[0].reserved = std::move(reserved);
    Acquired won = co_await run_race(race);
    co_return won;
}

net::Task<Acquired> Pool::run_race(std::shared_ptr<Race> race) {
    Acquired result{nullptr, OriginError::unavailable, {}};
    while (race->ready == SIZE_MAX) {
        const ConnectRace::Step step = race->order.next(steady_now());
        if (step.kind == ConnectRace::Step::Kind::lost) break;
        if (step.kind == ConnectRace::Step::Kind::start) {
            begin_attempt(race, step.which);
            continue;
        }
        const bool goes_on = co_await race->changed.wait_until(step.until);
        if (!goes_on) break;
    }
    race->decided = true;
    result.failures = std::move(race->failures);
    if (race->ready == SIZE_MAX) {
        result.error = race->last;
        co_return result;
    }
    result.connection = std::move(race->attempts[race->ready].connection);
    result.error = OriginError::none;
    co_return result;
}

// The first attempt is for the picked address, whose place is reserved already. The other attempts
// must not wait for a place.
void Pool::begin_attempt(const std::shared_ptr<Race>& race, std::size_t which) {
    Race::Attempt& attempt = race->attempts[which];
    const int most = race->upstream->settings().max_connections;
    const SteadyTime now = steady_now();
    if (which > 0) {
        for (std::size_t i = 0; i < which; ++i) {
            const Race::Attempt& before = race->attempts[i];
            if (before.is_pending && now - before.began >= attempt_delay)
                race->upstream->note_not_connected(*before.address, ConnectFailure::slow, now);
        }
        const bool is_wanted = first_in_line(*attempt.address) != nullptr;
        if (race->kept != Kept::none && !is_wanted)
            attempt.connection = take_idle(*attempt.address, race->kept == Kept::proved);
        if (attempt.connection) {
            attempt.connection->reused = true;
            attempt.connection->stream.never_expire();
            race->ready = which;
            return;
        }
        if (most > 0 && !is_wanted) attempt.reserved = reserve_place(*attempt.address, most);
        if (most > 0 && !attempt.reserved.counts()) {
            race->order.failed();
            return;
        }
    }
    attempt.is_pending = true;
    attempt.began = now;
    net::start_detached(context_.get_executor(), run_attempt(race, which),
                        "connecting to the origin");
}

net::Task<void> Pool::run_attempt(std::shared_ptr<Race> race, std::size_t which) {
    Race::Attempt& attempt = race->attempts[which];
    Acquired made = co_await open(race->upstream, attempt.address, race->give_up);
    attempt.is_pending = false;
    if (made.connection) {
        race->order.accepted(steady_now());
        made.error = co_await shake_hands(*made.connection);
    }
    attempt.reserved.end();
    if (made.error == OriginError::none && !race->decided && race->ready == SIZE_MAX) {
        attempt.connection = std::move(made.connection);
        race->ready = which;
    } else if (made.error == OriginError::none) {
        release(std::move(made.connection));
    } else {
        race->order.failed();
        race->last = made.error;
        race->failures.push_back({&attempt.address->server, made.error});
    }
    race->changed.notify();
}

}  // namespace larder::origin
