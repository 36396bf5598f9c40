#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "settings/settings.hpp"

struct ssl_ctx_st;

namespace larder::origin {

/// One origin server, as all workers see it.
struct Server {
    std::string url;        ///< as configured, the metrics' `server` label
    std::string host;       ///< without brackets
    std::string port;
    std::string authority;  ///< host[:port] for Host where the client sent none
    bool tls = false;
    std::string server_name;

    std::atomic<bool> up{true};
    std::atomic<int> connections{0};          ///< open, of all workers
    std::atomic<int> requests{0};             ///< under way, of all workers
    std::atomic<int> waiting{0};              ///< requests that wait for a connection to become free (max_connections)
    std::atomic<int> failures{0};             ///< in a row
    std::atomic<std::int64_t> ejected_until{0};  ///< steady milliseconds; 0: not ejected
};

/// The origin's servers and their state: shared by the workers of one configuration, changed by atomics only.
class Upstream {
public:
    /// Throws std::runtime_error with one readable line where TLS files cannot be loaded.
    explicit Upstream(const settings::Origin& settings);
    ~Upstream();

    /// The server the next request goes to, by `balance`, among those that are up; `avoid` is left out while there is
    /// another. Null: none is up.
    [[nodiscard]] Server* pick(const Server* avoid, SteadyTime now);

    /// A request could not be sent or got no answer: after three in a row a server is left out for ten seconds, as long
    /// as there is another.
    void note_failure(Server& server, SteadyTime now);
    void note_success(Server& server) { server.failures.store(0, std::memory_order_relaxed); }

    [[nodiscard]] const std::vector<std::unique_ptr<Server>>& servers() const { return servers_; }
    [[nodiscard]] const settings::Origin& settings() const { return settings_; }
    [[nodiscard]] ssl_ctx_st* tls_context() const { return tls_context_; }

private:
    [[nodiscard]] static bool usable(const Server& server, SteadyTime now);

    settings::Origin settings_;
    std::vector<std::unique_ptr<Server>> servers_;
    std::atomic<unsigned> next_{0};
    ssl_ctx_st* tls_context_ = nullptr;
};

}  // namespace larder::origin
