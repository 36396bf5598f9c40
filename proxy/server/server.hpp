#pragma once
#include <boost/asio/io_context.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "admin/bridge.hpp"
#include "admin/server.hpp"
#include "observe/history.hpp"
#include "server/config_source.hpp"
#include "server/from_predecessor.hpp"
#include "server/last_resort.hpp"
#include "server/owed_file.hpp"
#include "server/planned_file.hpp"
#include "server/to_successor.hpp"
#include "server/worker.hpp"

namespace larder::server {

/// Sockets that a reload has opened. Closes those that no worker has taken.
struct OpenedListener {
    settings::Listener settings;
    std::vector<int> sockets;
};
struct OpenedListeners {
    OpenedListeners() = default;
    ~OpenedListeners();
    OpenedListeners(const OpenedListeners&) = delete;
    OpenedListeners& operator=(const OpenedListeners&) = delete;

    std::vector<OpenedListener> listeners;
};

/// How each listener serves its connections; reads the certificates. Throws std::runtime_error with
/// a readable line.
[[nodiscard]] std::vector<ListenerOptions> listener_options(const settings::Settings& settings);

/// The program while it serves: workers, admin server, signals.
class Server {
public:
    /// Throws std::runtime_error with one readable line if it cannot start.
    Server(ConfigSource source, settings::Settings settings, std::vector<std::string> arguments);
    ~Server();

    /// Serves until SIGTERM or SIGINT, then drains. Returns the exit status.
    int run();

private:
    void open_state();
    void inherit();
    void open_listeners();
    /// Throws std::runtime_error with a readable line.
    void open_new_listeners(const settings::Settings& before, const settings::Settings& after,
                            OpenedListeners& opened) const;
    void use_listeners(const settings::Settings& before, const settings::Settings& after,
                       const std::vector<ListenerOptions>& options, OpenedListeners& opened);
    [[nodiscard]] std::vector<std::shared_ptr<const observe::KeyRanks>> key_ranks() const;
    void start_admin();
    admin::JsonAnswer reload();
    void reload_for(const std::function<void(admin::JsonAnswer)>& done);
    void put_in_force(const std::shared_ptr<const flow::Config>& config);
    void hand_over();
    void successor_ended();
    void drain();
    void wait_until_drained(SteadyTime give_up);
    [[nodiscard]] std::size_t sum_of_workers(SteadyTime give_up,
                                             std::size_t (*count)(Worker&)) const;
    [[nodiscard]] bool owes_purges(SteadyTime give_up) const;
    void settle_owed_purges();
    void settle_planned_purges();
    /// Leaves a purge that is due later to a worker, once there is one. Any thread.
    void plan(store::PlannedPurge purge);
    void give_plans_to_workers();
    [[nodiscard]] SuccessionParts succession_parts();
    void wait_for_redis() const;
    void note_failure(const char* what, const std::exception_ptr& failure) const noexcept;
    void handle_signal(int signal);
    void sample(SteadyClock::duration since_start);

    LastResort last_resort_;  // first: it also watches the destruction of the members below
    boost::asio::io_context control_{1};  // of the main thread: signals, and reloads asked for
    ConfigSource source_;
    std::vector<std::string> arguments_;
    Shared shared_;
    std::unique_ptr<HandoverTrust> trust_;  // null: with Redis
    int state_lock_ = -1;             // holds the lock, so it stays open until the process ends
    bool state_is_ours_ = true;       // no predecessor writes the file of owed purges
    std::unique_ptr<OwedFile> owed_;  // null: no state directory, or no Redis
    std::unique_ptr<PlannedFile> planned_;            // null: no state directory
    std::mutex plans_mutex_;                          // guards both below
    std::vector<store::PlannedPurge> waiting_plans_;  // while no worker takes them
    bool workers_take_plans_ = false;
    std::unique_ptr<ToSuccessor> to_successor_;
    std::unique_ptr<FromPredecessor> from_predecessor_;  // null: there was no predecessor
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<int> descriptors_;  // listening sockets by listener and worker, for the successor
    observe::History history_;
    std::unique_ptr<admin::Bridge> admin_backend_;
    std::unique_ptr<admin::AdminServer> admin_;
    int successor_ = -1;
    std::atomic<bool> hands_over_later_{false};  // SIGUSR2 came while the predecessor was there
    std::atomic<bool> ready_{false};
};

}  // namespace larder::server
