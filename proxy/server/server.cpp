#include "server/server.hpp"

#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "net/detached.hpp"
#include "net/tls_context.hpp"
#include "observe/request_events.hpp"
#include "redis/purge.hpp"
#include "redis/purge_text.hpp"
#include "redis/shared.hpp"
#include "server/admin_tls.hpp"
#include "server/gauges.hpp"
#include "server/handover.hpp"
#include "server/listening.hpp"
#include "server/make_config.hpp"
#include "server/repeat.hpp"
#include "server/service_manager.hpp"
#include "settings/effective_config.hpp"

namespace larder::server {
Server::Server(ConfigSource source, settings::Settings settings, std::vector<std::string> arguments)
    : source_(std::move(source)), arguments_(std::move(arguments)) {
    settings::Problems problems;
    const std::shared_ptr<const flow::Config> config =
        make_config(std::move(settings), shared_.metrics, problems, nullptr);
    if (!config) throw std::runtime_error(errors_of(problems, source_.file));
    shared_.config.set(config);
    const settings::Settings& used = config->settings;
    const int threads = settings::with_automatic_values(used).threads;
    shared_.memory = std::make_unique<store::MemoryStore>(used.memory_bytes, shared_.generations,
                                                          settings::largest_object(used));
    shared_.sweeper = std::make_unique<store::MemorySweeper>(*shared_.memory);
    shared_.compressor = std::make_unique<store::Compressor>(*shared_.memory);
    shared_.board = std::make_unique<store::FetchBoard>(shared_.generations);
    if (used.redis) {
        shared_.redis = std::make_unique<redis::RedisShared>(
            *used.redis, threads, shared_.generations,
            used.memory_bytes > 0 ? shared_.memory.get() : nullptr);
    } else {
        trust_ = std::make_unique<HandoverTrust>(*shared_.memory);
    }
    if (shared_.redis) shared_.redis->observe(record_redis_operation);
    open_state();
    to_successor_ = std::make_unique<ToSuccessor>(succession_parts());
    shared_.relay = to_successor_.get();
    shared_.events = std::make_shared<observe::RequestEvents>();
    inherit();
    for (int i = 0; i < threads; ++i)
        workers_.push_back(std::make_unique<Worker>(shared_, i, config));
    if (!from_predecessor_) succession_parts().adopt_planned();
    give_plans_to_workers();
    open_listeners();
    shared_.metrics.set_gauges([this] { return gauges_of(shared_, workers_); });
    start_admin();
}

Server::~Server() {
    admin_.reset();
    from_predecessor_.reset();
    for (const auto& worker : workers_) worker->join();
    // Workers may share a link to Redis whose timers belong to one of them, so destroy the links
    // while all workers still exist.
    for (const auto& worker : workers_) worker->services().redis.reset();
    workers_.clear();
}

SuccessionParts Server::succession_parts() {
    return {shared_.generations,
            *shared_.memory,
            *shared_.board,
            shared_.redis.get(),
            trust_.get(),
            owed_.get(),
            planned_.get(),
            [this](store::PlannedPurge purge) { plan(std::move(purge)); },
            [this] { return shared_.config.get()->routes.reach(); }};
}

void Server::open_state() {
    const std::string folder = shared_.config.get()->settings.state;
    if (folder.empty()) return;
    const std::vector<int> inherited = inherited_sockets("state");
    const int left = inherited.empty() ? -1 : inherited.front();
    state_lock_ = lock_state_directory(folder, left);
    state_is_ours_ = state_lock_ != left;
    remember_socket("state", state_lock_);
    if (shared_.redis) owed_ = std::make_unique<OwedFile>(folder);
    planned_ = std::make_unique<PlannedFile>(
        folder, [this] { return shared_.config.get()->routes.reach(); });
}

void Server::plan(store::PlannedPurge purge) {
    // Before anything is fetched: what is stored until the purge must not outlive it.
    redis::note_planned(shared_.generations, redis::items_of(purge.order), purge.due);
    const std::scoped_lock lock(plans_mutex_);
    if (!workers_take_plans_) {
        waiting_plans_.push_back(std::move(purge));
        return;
    }
    Worker& worker = *workers_.front();
    worker.post([&worker, purge = std::move(purge)] { worker.services().late_writes.plan(purge); });
}

void Server::give_plans_to_workers() {
    std::vector<store::PlannedPurge> plans;
    {
        const std::scoped_lock lock(plans_mutex_);
        workers_take_plans_ = true;
        plans.swap(waiting_plans_);
    }
    for (store::PlannedPurge& purge : plans) plan(std::move(purge));
}

// Loads the purges that earlier processes owe Redis, before anything is read from Redis.
void Server::inherit() {
    const std::vector<int> channel = inherited_sockets(succession_channel);
    if (owed_ && (state_is_ours_ || channel.empty())) {
        const std::vector<redis::PurgeItem> owed = owed_->load();
        if (!owed.empty())
            spdlog::warn("{} purges are owed to Redis from before this start", owed.size());
        shared_.redis->history().remember(owed, steady_now());
        shared_.redis->journal().add(owed);
    }
    if (channel.empty()) {
        if (owed_) owed_->follow(shared_.redis->journal());
        return;
    }
    FromPredecessor::Calls calls;
    calls.is_over = [this] {
        if (hands_over_later_.exchange(false)) ::kill(::getpid(), SIGUSR2);
    };
    calls.predecessor_lives = predecessor_lives;
    from_predecessor_ =
        std::make_unique<FromPredecessor>(channel.front(), succession_parts(), std::move(calls));
    from_predecessor_->inherit();
}

std::vector<std::shared_ptr<const observe::KeyRanks>> Server::key_ranks() const {
    std::vector<std::shared_ptr<const observe::KeyRanks>> all;
    for (const auto& worker : workers_) all.push_back(worker->services().ranks);
    return all;
}

void Server::start_admin() {
    const std::shared_ptr<const flow::Config> config = shared_.config.get();
    const settings::Admin& admin = config->settings.admin;
    if (!admin.address) return;
    admin_backend_ = std::make_unique<admin::Bridge>(
        shared_.metrics, workers_.front()->services(), [this] { return shared_.config.get(); },
        [this] { return ready_.load(); },
        [this](std::function<void(admin::JsonAnswer)> done) {
            boost::asio::post(control_, [this, done = std::move(done)] { reload_for(done); });
        },
        key_ranks(), history_);
    admin::AdminOptions options;
    options.address = *admin.address;
    options.access = admin;
    options.tls = make_admin_tls(admin);
    options.failed = [this](const std::exception_ptr& failure) {
        note_failure("a step of the admin server", failure);
    };
    const std::vector<int> inherited = inherited_sockets("admin:" + to_text(*admin.address));
    if (!inherited.empty()) options.inherited_socket = inherited.front();
    options.waits = from_predecessor_ != nullptr;
    admin_ = std::make_unique<admin::AdminServer>(options, *admin_backend_);
    remember_socket("admin:" + to_text(*admin.address), admin_->native_socket());
    spdlog::info("admin on {}{}, port {}", to_text(*admin.address), admin.tls ? " (TLS)" : "",
                 admin_->port());
}

// Waits for Redis, so that the first requests find it connected. If Redis cannot be reached, this
// wait ends, and requests do not wait for it.
void Server::wait_for_redis() const {
    if (!shared_.redis) return;
    constexpr Milliseconds longest{500};
    const SteadyTime give_up = steady_now() + longest;
    const auto refused = [this] {
        using redis::RedisError;
        return shared_.redis->reporter().troubled(redis::RedisWork::use) ||
               shared_.redis->reporter().errors(RedisError::closed) > 0;
    };
    const auto connected = [this] {
        const bool memory_serves = !shared_.redis->config().has_subscriber ||
                                   shared_.redis->fleet().memory_trusted_until() > steady_now();
        return shared_.redis->fleet().up() && memory_serves;
    };
    while (!connected() && !refused() && steady_now() < give_up)
        std::this_thread::sleep_for(Milliseconds(1));
}

int Server::run() {
    boost::asio::signal_set signals(control_, SIGTERM, SIGINT, SIGHUP);
    signals.add(SIGUSR2);
    signals.add(SIGCHLD);
    for (const auto& worker : workers_) worker->start();
    wait_for_redis();
    if (from_predecessor_) {
        from_predecessor_->take_over();
        if (admin_) admin_->open();
    }
    for (const auto& worker : workers_) worker->start_accepting();
    ready_ = true;
    spdlog::info("larder {} serves with {} thread{}", LARDER_VERSION, workers_.size(),
                 workers_.size() == 1 ? "" : "s");
    tell_predecessor();
    tell_service_manager("READY=1");
    std::vector<Watchdog::Post> posts;
    for (const auto& worker : workers_)
        posts.emplace_back(
            [target = worker.get()](std::function<void()> task) { target->post(std::move(task)); });
    const Watchdog watchdog(control_, std::move(posts));
    const Repeat sampler(control_, observe::History::sample_interval,
                         [this, start = steady_now()] { sample(steady_now() - start); });
    bool done = false;
    std::function<void(const boost::system::error_code&, int)> on_signal =
        [&](const boost::system::error_code& error, int signal) {
            if (error) return;
            done = signal == SIGTERM || signal == SIGINT;
            if (done) return control_.stop();
            signals.async_wait(on_signal);
            try {
                handle_signal(signal);
            } catch (...) {
                note_failure("handling a signal", std::current_exception());
            }
        };
    signals.async_wait(on_signal);
    control_.run();
    drain();
    return 0;
}

void Server::sample(SteadyClock::duration since_start) {
    try {
        history_.note(std::chrono::duration_cast<Seconds>(since_start),
                      observe::traffic_of(shared_.metrics.snapshot()));
    } catch (...) {
        note_failure("a sample of the figures", std::current_exception());
    }
}

void Server::handle_signal(int signal) {
    switch (signal) {
        case SIGHUP:
            tell_service_manager("RELOADING=1");
            reload();
            tell_service_manager("READY=1");
            break;
        case SIGUSR2:
            hand_over();
            break;
        case SIGCHLD:
            if (successor_ > 0 && ::waitpid(successor_, nullptr, WNOHANG) == successor_)
                successor_ended();
            break;
        default:
            break;
    }
}

void Server::note_failure(const char* what, const std::exception_ptr& failure) const noexcept {
    net::note_failure(workers_.front()->context(), what, failure);
}

void Server::hand_over() {
    if (successor_ > 0) return;
    if (is_first_process()) {
        spdlog::error(
            "process 1 cannot hand over: all processes of a container end with its first one; "
            "restart the container");
        return;
    }
    hands_over_later_ = from_predecessor_ != nullptr;
    if (from_predecessor_ && from_predecessor_->is_under_way()) {
        spdlog::info("the previous process still runs: handing over when it has ended");
        return;
    }
    hands_over_later_ = false;
    const int channel = to_successor_->open();
    if (channel < 0) {
        spdlog::error("cannot open a channel to a new process: {}; this one continues to serve",
                      std::strerror(errno));
        to_successor_->end();
        return;
    }
    successor_ = start_successor(arguments_, channel);
    ::close(channel);
    if (successor_ < 0) {
        to_successor_->end();
        spdlog::error("cannot start the new process; this one continues to serve");
        return;
    }
    to_successor_->begin();
    spdlog::info("handing over to process {}", successor_);
}

void Server::successor_ended() {
    spdlog::error("the new process ended early; this one continues to serve");
    successor_ = -1;
    to_successor_->end();
}

}  // namespace larder::server
