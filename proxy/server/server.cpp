#include "server/server.hpp"

#include <openssl/ssl.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "net/detached.hpp"
#include "net/tls_context.hpp"
#include "observe/logging.hpp"
#include "redis/shared.hpp"
#include "route/lint.hpp"
#include "server/admin_bridge.hpp"
#include "server/handover.hpp"
#include "server/listening.hpp"
#include "server/make_config.hpp"
#include "server/settings_in_force.hpp"
#include "settings/check_settings.hpp"
#include "settings/effective_config.hpp"

namespace larder::server {
namespace {

std::string first_error(const settings::Problems& problems, const std::string& file) {
    std::string text;
    for (const settings::Problem& problem : problems)
        if (problem.severity == settings::Problem::Severity::error)
            text += (text.empty() ? "" : "\n") + settings::to_text(problem, file);
    return text;
}

void observe_redis(redis::RedisOperation operation, SteadyClock::duration duration) {
    observe::WorkerMetrics* metrics = Worker::metrics_of_this_thread();
    if (!metrics) return;
    switch (operation) {
        case redis::RedisOperation::find:
            metrics->record_redis_operation(observe::RedisOperation::read, duration);
            break;
        case redis::RedisOperation::lease:
            metrics->record_redis_operation(observe::RedisOperation::lease, duration);
            break;
        case redis::RedisOperation::fill:
            metrics->record_redis_operation(observe::RedisOperation::fill, duration);
            break;
        case redis::RedisOperation::purge:
            metrics->record_redis_operation(observe::RedisOperation::purge, duration);
            break;
        case redis::RedisOperation::wait:
            metrics->record_redis_operation(observe::RedisOperation::wait, duration);
            break;
        case redis::RedisOperation::count_:
            break;
    }
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

observe::RedisTrouble shown(const redis::RedisTrouble& trouble) {
    const auto seconds_since = [](SteadyTime then) {
        return std::chrono::duration<double>(steady_now() - then).count();
    };
    return {std::string(to_word(trouble.work)),
            std::string(to_word(trouble.reason)),
            trouble.text,
            trouble.command,
            trouble.remedy,
            seconds_since(trouble.last),
            seconds_since(trouble.since)};
}

void add_redis_failures(const redis::RedisShared& redis, observe::Gauges& gauges) {
    static_assert(static_cast<std::size_t>(observe::RedisFailure::count_) ==
                  static_cast<std::size_t>(redis::RedisError::count_));
    for (std::size_t i = 0; i < gauges.redis_failures.size(); ++i)
        gauges.redis_failures[i] = redis.reporter().errors(static_cast<redis::RedisError>(i));
    for (const redis::RedisTrouble& trouble : redis.reporter().troubles())
        gauges.redis_troubles.push_back(shown(trouble));
    if (const auto last = redis.reporter().last_refusal())
        gauges.redis_last_refusal.push_back(shown(*last));
}

void add_origins(const origin::Upstream& upstream, observe::Gauges& gauges) {
    const auto addresses = upstream.addresses();
    for (const auto& server : upstream.servers()) {
        observe::OriginState state{server->url, upstream.is_up(*server), {}};
        for (const auto& address : *addresses) {
            if (&address->server != server.get()) continue;
            observe::OriginAddress shown;
            shown.address = origin::to_text(address->endpoint);
            shown.up = address->up.load(std::memory_order_relaxed);
            shown.reachable = address->reachable.load(std::memory_order_relaxed);
            shown.connections = address->connections.load(std::memory_order_relaxed);
            shown.requests = address->requests.load(std::memory_order_relaxed);
            state.addresses.push_back(std::move(shown));
        }
        gauges.origins.push_back(std::move(state));
    }
}

}  // namespace

settings::Settings load(const ConfigSource& source, settings::Problems& problems) {
    settings::Settings settings = source.file.empty()
                                      ? settings::default_settings()
                                      : settings::load_settings(source.file, problems);
    settings::apply_overrides(source.overrides, settings, problems);
    if (!settings::has_errors(problems)) settings::check_settings(settings, problems);
    return settings;
}

class Server::Admin final : public AdminBridge {
public:
    using AdminBridge::AdminBridge;
};

Server::Server(ConfigSource source, settings::Settings settings, std::vector<std::string> arguments)
    : source_(std::move(source)), arguments_(std::move(arguments)) {
    settings::Problems problems;
    const std::shared_ptr<const flow::Config> config =
        make_config(std::move(settings), shared_.metrics, problems, nullptr);
    if (!config) throw std::runtime_error(first_error(problems, source_.file));
    shared_.config.set(config);
    const settings::Settings& used = config->settings;
    const int threads = settings::with_automatic_values(used).threads;
    shared_.memory = std::make_unique<store::MemoryStore>(used.memory_bytes, shared_.generations);
    shared_.sweeper = std::make_unique<store::MemorySweeper>(*shared_.memory);
    shared_.board = std::make_unique<store::FetchBoard>(shared_.generations);
    if (used.redis) {
        shared_.redis = std::make_unique<redis::RedisShared>(
            *used.redis, threads, shared_.generations,
            used.memory_bytes > 0 ? shared_.memory.get() : nullptr);
    } else {
        shared_.memory->trust_until(SteadyTime::max());
    }
    if (shared_.redis) shared_.redis->observe(observe_redis);
    open_state();
    to_successor_ = std::make_unique<ToSuccessor>(succession_parts());
    shared_.relay = to_successor_.get();
    inherit();
    for (int i = 0; i < threads; ++i)
        workers_.push_back(std::make_unique<Worker>(shared_, i, config));
    open_listeners();
    shared_.metrics.set_gauges([this] { return gauges(); });
    start_admin();
}

Server::~Server() {
    admin_.reset();
    from_predecessor_.reset();
    for (const auto& worker : workers_) worker->join();
    // Workers may share a link, whose timers belong to one of them: it goes while all are there.
    for (const auto& worker : workers_) worker->services().redis.reset();
    workers_.clear();
}

SuccessionParts Server::succession_parts() {
    return {shared_.generations, *shared_.memory, *shared_.board, shared_.redis.get(), owed_.get()};
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
}

// What earlier processes owe Redis is known before anything is read from it.
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
    calls.purge_later = [this](store::PurgeOrder order, Milliseconds due_in) {
        Worker& worker = *workers_.front();
        worker.post([&worker, order = std::move(order), due = steady_now() + due_in] {
            worker.services().late_writes.purge_at(order, due);
        });
    };
    calls.is_over = [this] {
        if (hands_over_later_.exchange(false)) ::kill(::getpid(), SIGUSR2);
    };
    from_predecessor_ =
        std::make_unique<FromPredecessor>(channel.front(), succession_parts(), std::move(calls));
    from_predecessor_->inherit();
}

void Server::open_listeners() {
    const int threads = static_cast<int>(workers_.size());
    const std::shared_ptr<const flow::Config> config = shared_.config.get();
    for (const settings::Listener& listener : config->settings.listen) {
        std::vector<int> sockets = inherited_sockets("listen:" + to_text(listener.address));
        if (sockets.empty()) sockets = open_listening(listener.address, threads);
        // The predecessor may have had fewer threads. Where it had more, a worker has several
        // sockets.
        const int missing = threads - static_cast<int>(sockets.size());
        if (missing > 0) open_more_listening(listener.address, missing, sockets);
        SSL_CTX* tls = listener.tls ? net::make_server_tls(*listener.tls) : nullptr;
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            remember_socket("listen:" + to_text(listener.address), sockets[i]);
            workers_[i % workers_.size()]->add_listener({sockets[i], net::share_tls(tls),
                                                         listener.proxy_protocol,
                                                         to_text(listener.address)});
        }
        if (tls) SSL_CTX_free(tls);
        spdlog::info("listening on {}{}, port {}", to_text(listener.address),
                     listener.tls ? " (TLS)" : "", port_of(sockets.front()));
    }
}

void Server::start_admin() {
    const std::shared_ptr<const flow::Config> config = shared_.config.get();
    const settings::Admin& admin = config->settings.admin;
    if (!admin.address) return;
    admin_backend_ = std::make_unique<Admin>(
        shared_, *workers_.front(), [this] { return shared_.config.get(); },
        [this] { return ready_.load(); });
    admin::AdminOptions options;
    options.address = *admin.address;
    options.token = admin.token;
    options.failed = [this](const std::exception_ptr& failure) {
        note_failure("a step of the admin server", failure);
    };
    const std::vector<int> inherited = inherited_sockets("admin:" + to_text(*admin.address));
    if (!inherited.empty()) options.inherited_socket = inherited.front();
    options.waits = from_predecessor_ != nullptr;
    admin_ = std::make_unique<admin::AdminServer>(options, *admin_backend_);
    remember_socket("admin:" + to_text(*admin.address), admin_->native_socket());
    spdlog::info("admin on {}, port {}", to_text(*admin.address), admin_->port());
}

observe::Gauges Server::gauges() const {
    observe::Gauges gauges;
    gauges.memory_bytes = shared_.memory->bytes();
    gauges.memory_entries = shared_.memory->entries();
    gauges.memory_evictions = shared_.memory->evictions();
    gauges.redis_configured = shared_.redis != nullptr;
    if (shared_.redis) {
        gauges.redis_up = shared_.redis->node().up();
        gauges.redis_breaker = static_cast<observe::BreakerState>(shared_.redis->node().breaker());
        gauges.purges_pending = shared_.redis->journal().size();
        add_redis_failures(*shared_.redis, gauges);
    }
    for (const auto& worker : workers_)
        gauges.internal_errors += net::failures_of(worker->context());
    gauges.client_connections = shared_.connections.load(std::memory_order_relaxed);
    const std::shared_ptr<const flow::Config> config = shared_.config.get();
    add_origins(*config->upstream, gauges);
    return gauges;
}

// The first requests are to find Redis connected; where it cannot be reached, they are not to wait
// for it.
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
                                   shared_.redis->node().memory_trusted_until() > steady_now();
        return shared_.redis->node().up() && memory_serves;
    };
    while (!connected() && !refused() && steady_now() < give_up)
        std::this_thread::sleep_for(Milliseconds(1));
}

int Server::run() {
    boost::asio::io_context context(1);
    boost::asio::signal_set signals(context, SIGTERM, SIGINT, SIGHUP);
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
    bool done = false;
    std::function<void(const boost::system::error_code&, int)> on_signal =
        [&](const boost::system::error_code& error, int signal) {
            if (error) return;
            done = signal == SIGTERM || signal == SIGINT;
            if (done) return;
            signals.async_wait(on_signal);
            try {
                handle_signal(signal);
            } catch (...) {
                note_failure("handling a signal", std::current_exception());
            }
        };
    signals.async_wait(on_signal);
    context.run();
    drain();
    return 0;
}

void Server::handle_signal(int signal) {
    switch (signal) {
        case SIGHUP:
            reload();
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

void Server::reload() {
    const std::shared_ptr<const flow::Config> before = shared_.config.get();
    settings::Problems problems;
    settings::Settings settings = load(source_, problems);
    std::shared_ptr<const flow::Config> config;
    std::vector<std::string> waiting;
    std::vector<std::pair<std::string, ssl_ctx_st*>> contexts;
    if (!settings::has_errors(problems)) {
        config = make_config(settings_in_force(before->settings, std::move(settings), waiting),
                             shared_.metrics, problems, before.get());
        try {
            if (config)
                for (const settings::Listener& listener : config->settings.listen)
                    if (listener.tls)
                        contexts.emplace_back(to_text(listener.address),
                                              net::make_server_tls(*listener.tls));
        } catch (const std::runtime_error& error) {
            problems.push_back({settings::Problem::Severity::error, {}, "listen", error.what()});
            config.reset();
        }
    }
    if (!config) {
        spdlog::error("the configuration was not reloaded, the old one stays:\n{}",
                      first_error(problems, source_.file));
        for (const auto& [address, context] : contexts) SSL_CTX_free(context);
        shared_.metrics.note_reload(false);
        return;
    }
    observe::set_up_logging(config->settings.log);
    if (!waiting.empty())
        spdlog::warn(
            "changes of {} take effect at the next start (SIGUSR2 starts anew without refusing a "
            "connection); until then what runs stays",
            joined(waiting));
    put_in_force(config, contexts);
    for (const auto& [address, context] : contexts) SSL_CTX_free(context);
    shared_.metrics.note_reload(true);
    spdlog::info("the configuration was reloaded");
}

// Requests take it over by themselves, from this instant on; what is posted is for workers that
// have none.
void Server::put_in_force(const std::shared_ptr<const flow::Config>& config,
                          const std::vector<std::pair<std::string, ssl_ctx_st*>>& contexts) {
    shared_.memory->keep_rules(config->routes.rules());
    shared_.config.set(config);
    for (const auto& worker : workers_) {
        std::vector<std::pair<std::string, ssl_ctx_st*>> own;
        for (const auto& [address, context] : contexts)
            own.emplace_back(address, net::share_tls(context));
        Worker* target = worker.get();
        target->post([target, own] {
            target->follow_reload();
            target->use_tls(own);
        });
    }
    if (admin_) admin_->set_token(config->settings.admin.token);
}

void Server::hand_over() {
    if (successor_ > 0) return;
    hands_over_later_ = from_predecessor_ != nullptr;
    if (from_predecessor_ && from_predecessor_->is_under_way()) {
        spdlog::info("the process before this one is still there: handing over when it has ended");
        return;
    }
    hands_over_later_ = false;
    const int channel = to_successor_->open();
    successor_ = start_successor(arguments_, channel);
    if (channel >= 0) ::close(channel);
    if (successor_ < 0) {
        to_successor_->end();
        spdlog::error("cannot start the new process; this one goes on");
        return;
    }
    if (channel >= 0) to_successor_->begin();
    spdlog::info("handing over to process {}", successor_);
}

void Server::successor_ended() {
    spdlog::error("the new process ended early; this one goes on");
    successor_ = -1;
    to_successor_->end();
    if (!shared_.redis) shared_.memory->trust_until(SteadyTime::max());
}

}  // namespace larder::server
