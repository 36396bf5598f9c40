#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "net/tls_context.hpp"
#include "origin/address_set.hpp"
#include "origin/counted.hpp"
#include "origin/lookup_plan.hpp"
#include "origin/name_lookup.hpp"
#include "settings/settings.hpp"

namespace larder::origin {

/// One origin server as configured. Never changes.
struct Server {
    std::string url;   ///< as configured, the metrics' `server` label
    std::string host;  ///< without brackets; the path of a Unix socket
    std::string port;
    std::string authority;  ///< host:port for Host where the client sent none
    bool tls = false;
    std::string server_name;
    bool is_name = false;  ///< its host has to be looked up
    bool is_unix = false;  ///< reached over a Unix socket; its address has no meaning
};

/// One address of a server, as all workers see it: its balance, limits, health and failures.
struct Address : std::enable_shared_from_this<Address> {
    Address(const Server& server_in, Endpoint endpoint_in)
        : server(server_in), endpoint(endpoint_in) {}

    const Server& server;  ///< of the same Upstream
    const Endpoint endpoint;

    std::atomic<bool> up{true};                  ///< as the health checks say
    std::atomic<bool> reachable{true};           ///< false: the last attempt failed, or is slow
    std::atomic<bool> told_unreachable{false};   ///< the log says so
    std::atomic<bool> gone{false};               ///< the name has it no longer
    std::atomic<int> connections{0};             ///< open, of all workers
    std::atomic<int> requests{0};                ///< under way, of all workers
    std::atomic<int> waiting{0};                 ///< for one to become free (max_connections)
    std::atomic<int> failures{0};                ///< in a row
    std::atomic<std::int64_t> ejected_until{0};  ///< steady milliseconds; 0: not ejected
};

using Addresses = std::vector<std::shared_ptr<Address>>;

/// Why no connection could be made.
enum class ConnectFailure : std::uint8_t {
    slow,         ///< no answer yet: others are tried beside it
    unreachable,  ///< refused, or no answer in time
};

/// The origin's servers, their addresses and the state of each: shared by the workers of one
/// configuration. Safe from every thread. Names are looked up on threads of their own. Until an
/// answer is there, and where a lookup fails, the earlier addresses stay in use.
class Upstream {
public:
    /// Takes over from `before` what is known of the same servers, and starts the lookups.
    /// Throws std::runtime_error with one readable line where TLS files cannot be loaded.
    explicit Upstream(const settings::Origin& settings, const Upstream* before = nullptr);
    ~Upstream();

    /// The addresses of all servers. `version` changes with them.
    [[nodiscard]] std::shared_ptr<const Addresses> addresses() const;
    [[nodiscard]] std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

    /// The address of the next request, by `balance`, among those that are up. Addresses that
    /// cannot be reached or fail are left out while there is another. Null: none is up.
    [[nodiscard]] Address* pick(const Addresses& addresses, SteadyTime now);
    [[nodiscard]] static bool usable(const Address& address, SteadyTime now);

    /// A request could not be sent or got no answer: after some in a row an address is left out for
    /// a while (settings::Ejection), as long as there is another.
    void note_failure(Address& address, SteadyTime now);
    void note_success(Address& address) { address.failures.store(0, std::memory_order_relaxed); }

    /// Notes the result of an attempt to connect. After a failure the name is looked up again.
    void note_connected(Address& address);
    void note_not_connected(Address& address, ConnectFailure failure, SteadyTime now);

    /// Starts the lookups that are due.
    void look_up_due(SteadyTime now);
    [[nodiscard]] bool has_names() const { return has_names_; }
    /// Until when a request may wait for the first answer of a lookup. A time in the past where no
    /// first answer is awaited.
    [[nodiscard]] SteadyTime first_answers_by() const;

    /// Whether an address of the server is up, or may be up, since it was not looked up yet.
    [[nodiscard]] bool is_up(const Server& server) const;
    [[nodiscard]] bool has_address(const Server& server) const;

    [[nodiscard]] const std::vector<std::unique_ptr<Server>>& servers() const { return servers_; }
    [[nodiscard]] const settings::Origin& settings() const { return settings_; }
    /// Borrowed. Null: no server has TLS.
    [[nodiscard]] ssl_ctx_st* tls_context() const { return tls_context_.get(); }

private:
    /// What is known of a server's name.
    struct Name {
        explicit Name(Milliseconds interval) : plan(interval) {}
        LookupPlan plan;
        Addresses addresses;
        bool was_answered = false;  // once at least
        bool failed = false;        // the last lookup
    };

    void take_over(const Upstream& before);
    void take_answer(std::size_t server, const LookupAnswer& answer);
    void publish();
    void tell_answer(const Server& server, const AddressChange& change, const LookupAnswer& answer,
                     bool failed_before) const;
    [[nodiscard]] std::size_t index_of(const Server& server) const;

    settings::Origin settings_;
    std::vector<std::unique_ptr<Server>> servers_;
    bool has_names_ = false;
    SteadyTime began_;
    std::atomic<unsigned> next_{0};
    net::TlsContext tls_context_;

    mutable std::mutex mutex_;  // guards what follows
    std::vector<Name> names_;   // by server
    std::shared_ptr<const Addresses> addresses_;
    std::atomic<std::uint64_t> version_{0};  // changed under the mutex, read without it

    NameLookup lookup_;  // last: no answer comes once it has gone
};

/// Reserves a place among `most` connections to the address, all workers together. Counts nothing
/// where no place is free.
Counted reserve_place(Address& address, int most);

/// "127.0.0.1:80", "[::1]:80"
std::string to_text(const Endpoint& endpoint);
/// The same, or "unix:/path".
std::string to_text(const Address& address);

}  // namespace larder::origin
