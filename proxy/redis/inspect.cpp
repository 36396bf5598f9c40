#include "redis/inspect.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <set>

#include "base/clock.hpp"
#include "net/detached.hpp"
#include "redis/cluster_view.hpp"
#include "redis/config.hpp"
#include "redis/handshake.hpp"
#include "redis/inspect_trials.hpp"
#include "redis/read_replies.hpp"
#include "redis/refusal.hpp"
#include "redis/sentinel.hpp"
#include "redis/transport.hpp"

namespace larder::redis {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;
using Kind = Inspection::Kind;
using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, Executor>;

constexpr std::size_t pings = 5;
constexpr Milliseconds longest = 5s;  // for one server

/// What the inspection works with.
struct Inspector {
    asio::io_context& context;
    const RedisConfig& config;
    Inspection& found;
};

/// One connection, which ends by itself when it takes too long.
struct Connection {
    Connection(asio::io_context& context, std::shared_ptr<asio::ssl::context> tls)
        : transport(std::make_shared<RedisTransport>(context, std::move(tls))), timer(context) {
        timer.expires_after(longest);
        timer.async_wait([closing = transport](error_code error) {
            if (!error) closing->close();
        });
    }
    ~Connection() { transport->close(); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    std::shared_ptr<RedisTransport> transport;
    RedisReplyReader reader;
    Timer timer;
};

/// Sends commands and reads their replies. False: the connection was lost, or what came is not
/// Redis' protocol.
Task<bool> exchange(Connection& connection, RedisCommands commands,
                    std::vector<RedisReply>& replies) {
    const std::size_t expected = commands.count();
    const auto bytes = std::make_shared<const std::string>(std::move(commands.bytes()));
    const std::shared_ptr<RedisTransport> transport = connection.transport;
    transport->write(asio::buffer(*bytes), [transport, bytes](error_code) {});
    replies.clear();
    const bool good = co_await read_replies(transport, connection.reader, expected, replies);
    co_return good;
}

std::string shown_time(SteadyClock::duration time) {
    const auto tenths = std::chrono::duration_cast<std::chrono::microseconds>(time).count() / 100;
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " ms";
}

/// Introduces the connection. False: the server cannot be used, which is said.
Task<bool> greet(Inspector& inspector, Connection& connection, std::vector<RedisReply>& replies) {
    const settings::Redis& settings = inspector.config.settings;
    RedisCommands hello;
    add_authentication(hello, settings.url);
    hello.add("INFO");
    hello.add("CLIENT", "ID");
    const bool answered = co_await exchange(connection, std::move(hello), replies);
    // A server that closes at once may have said why.
    const bool refused =
        !replies.empty() && replies.front().is_error() && !replies.front().is_error("NOPERM");
    if (refused) {
        const std::string& text = replies.front().text;
        const RedisError reason = classify_reply(text);
        inspector.found.say(
            Kind::error, "server",
            shown_reply(text) + "; " +
                remedy_for({reason, text, "INFO", settings.url.user, settings.prefix}));
    } else if (!answered) {
        inspector.found.say(Kind::error, "server",
                            "it closed the connection, or does not speak Redis' protocol: check "
                            "the port, and rediss:// where it speaks TLS");
    }
    co_return answered && !refused;
}

Task<bool> measure_latency(Inspector& inspector, Connection& connection) {
    std::array<SteadyClock::duration, pings> times{};
    std::vector<RedisReply> replies;
    for (SteadyClock::duration& time : times) {
        RedisCommands ping;
        ping.add("PING");
        const SteadyTime began = steady_now();
        const bool answered = co_await exchange(connection, std::move(ping), replies);
        if (!answered) co_return false;
        time = steady_now() - began;
    }
    std::sort(times.begin(), times.end());
    const SteadyClock::duration usual = times[pings / 2];
    const bool is_slow = usual * 4 > inspector.config.settings.timeout;
    inspector.found.say(
        is_slow ? Kind::warning : Kind::fact, "latency",
        shown_time(usual) + " for a PING, at most " + shown_time(times.back()) +
            (is_slow ? "; a request takes several round trips: raise redis.timeout" : ""));
    co_return true;
}

/// Asks one server, which is a master as far as known. `home`: a hash tag of a slot of it.
Task<void> inspect_server(Inspector& inspector, Connection& connection, std::string home) {
    const settings::Redis& settings = inspector.config.settings;
    const RedisKeys& keys = inspector.config.keys;
    std::vector<RedisReply> replies;
    const bool welcome = co_await greet(inspector, connection, replies);
    if (!welcome) co_return;
    const RedisReply& info = replies[replies.size() - 2];
    const std::int64_t client = replies.back().integer;
    if (info.is_error())
        inspector.found.say(Kind::warning, "version", "is not told: " + shown_reply(info.text));
    if (!info.is_error()) describe_server(info.text, inspector.config.is_cluster, inspector.found);
    const bool measured = co_await measure_latency(inspector, connection);
    TrialPlan plan = plan_trials(settings, keys, keys.mark("check:" + random_id(), home), client);
    bool tried = false;
    if (measured) tried = co_await exchange(connection, std::move(plan.commands), replies);
    if (!tried) {
        inspector.found.say(Kind::error, "server", "it closed the connection");
        co_return;
    }
    std::vector<Trial> trials;
    for (std::size_t i = 0; i < plan.rights.size(); ++i)
        trials.push_back({plan.rights[i], std::move(replies[i])});
    judge_trials(settings, trials, inspector.found);
}

Task<bool> connect(Inspector& inspector, Connection& connection, RedisAddress address) {
    const RedisUrl& url = inspector.config.url;
    const error_code failed = co_await connection.transport->connect(url.kind, address, url.path);
    if (!failed) co_return true;
    const bool is_late = failed == asio::error::operation_aborted;
    // A port that speaks no TLS waits for more.
    const RedisError reason =
        is_late && inspector.config.tls ? RedisError::tls : classify_error(failed);
    const std::string where = url.kind == RedisUrl::Kind::unix_socket ? url.path : to_text(address);
    inspector.found.say(
        Kind::error, "server",
        where + " cannot be reached: " + (is_late ? "no answer in time" : failed.message()) + "; " +
            remedy_for({reason, {}, {}, url.user, {}}));
    co_return false;
}

Task<void> inspect_address(Inspector& inspector, RedisAddress address, std::string home) {
    Connection connection(inspector.context, inspector.config.tls);
    const bool connected = co_await connect(inspector, connection, address);
    if (connected) co_await inspect_server(inspector, connection, std::move(home));
}

/// The master that the sentinels name; nothing where none does. Each sentinel gets a line.
Task<std::optional<RedisAddress>> ask_sentinels(Inspector& inspector) {
    const RedisUrl& url = inspector.config.url;
    std::optional<RedisAddress> master;
    for (const RedisAddress& sentinel : url.addresses) {
        Connection connection(inspector.context, inspector.config.sentinel_tls);
        const SentinelAnswer answer =
            co_await ask_sentinel(connection.transport, sentinel,
                                  inspector.config.settings.sentinel_password, url.master);
        const bool differs = answer.word && master && answer.word->master != *master;
        if (!master && answer.word) master = answer.word->master;
        const std::string text =
            answer.word ? "names the master " + to_text(answer.word->master) : answer.problem;
        inspector.found.say(
            answer.word && !differs ? Kind::fact : Kind::warning, "sentinel",
            to_text(sentinel) + ": " + text + (differs ? ", which the others do not" : ""));
    }
    if (!master)
        inspector.found.say(Kind::error, "sentinel",
                            "none says where the master " + url.master +
                                " is; check redis.url, redis.sentinel_password and "
                                "redis.sentinel_tls");
    co_return master;
}

/// What one node knows of its cluster.
struct Map {
    RedisReply info;
    std::optional<ClusterView> view;
};

/// Asks the nodes of the URL one after the other. Those that are of no use get a line each.
Task<Map> read_map(Inspector& inspector) {
    Map map;
    for (const RedisAddress& seed : inspector.config.url.addresses) {
        Inspection aside;
        Inspector quiet{inspector.context, inspector.config, aside};
        Connection connection(inspector.context, inspector.config.tls);
        const bool connected = co_await connect(quiet, connection, seed);
        std::vector<RedisReply> replies;
        RedisCommands commands;
        add_authentication(commands, inspector.config.url);
        commands.add("CLUSTER", "INFO").add("CLUSTER", "SLOTS");
        bool answered = false;
        if (connected) answered = co_await exchange(connection, std::move(commands), replies);
        const auto refusal = std::find_if(replies.begin(), replies.end(),
                                          [](const RedisReply& reply) { return reply.is_error(); });
        if (answered && refusal == replies.end()) {
            map.info = replies[replies.size() - 2];
            map.view = read_view(map.info, replies.back(), seed);
            co_return map;
        }
        if (refusal != replies.end()) {
            const RedisError reason = classify_reply(refusal->text);
            const settings::Redis& settings = inspector.config.settings;
            aside.say(Kind::error, "server",
                      to_text(seed) + ": " + shown_reply(refusal->text) + "; " +
                          remedy_for({reason, refusal->text, "CLUSTER", settings.url.user,
                                      settings.prefix}));
        } else if (connected) {
            aside.say(Kind::error, "server", to_text(seed) + " closed the connection");
        }
        for (Inspection::Line& line : aside.lines)
            inspector.found.say(Kind::warning, line.name, std::move(line.text));
    }
    co_return map;
}

Task<void> inspect_cluster(Inspector& inspector) {
    const Map map = co_await read_map(inspector);
    if (!map.view || map.view->ranges.empty()) {
        inspector.found.say(Kind::error, "cluster", "no node says who its masters are");
        co_return;
    }
    int slots = 0;
    std::vector<std::pair<RedisAddress, int>> masters;  // with a slot of each
    for (const SlotRange& range : map.view->ranges) {
        slots += range.last - range.first + 1;
        const bool known = std::any_of(masters.begin(), masters.end(), [&](const auto& master) {
            return master.first == range.master;
        });
        if (!known) masters.emplace_back(range.master, range.first);
    }
    const bool is_fine = map.view->serves && slots == slots_all;
    inspector.found.say(is_fine ? Kind::fact : Kind::error, "cluster",
                        std::string("state ") + (map.view->serves ? "ok" : "fail") + ", " +
                            std::to_string(masters.size()) + " masters, " + std::to_string(slots) +
                            " of " + std::to_string(slots_all) + " slots served");
    for (const auto& [master, slot] : masters) {
        inspector.found.say(Kind::fact, "node", to_text(master));
        co_await inspect_address(inspector, master, inspector.config.keys.home_of(slot));
    }
}

Task<void> inspect(Inspector& inspector) {
    const RedisUrl& url = inspector.config.url;
    if (url.kind == RedisUrl::Kind::cluster) {
        co_await inspect_cluster(inspector);
        co_return;
    }
    std::optional<RedisAddress> address =
        url.addresses.empty() ? RedisAddress{} : url.addresses.front();
    if (url.kind == RedisUrl::Kind::sentinel) address = co_await ask_sentinels(inspector);
    if (address) co_await inspect_address(inspector, *address, std::string());
}

}  // namespace

bool Inspection::has_errors() const {
    return std::any_of(lines.begin(), lines.end(),
                       [](const Line& line) { return line.kind == Kind::error; });
}

Inspection inspect_redis(const settings::Redis& settings) {
    Inspection found;
    asio::io_context context{1};
    try {
        const RedisConfig config(settings, 1);
        Inspector inspector{context, config, found};
        net::start_detached(context.get_executor(), inspect(inspector), "the look at Redis");
        context.run();
    } catch (const std::exception& failure) {
        found.say(Kind::error, "server", failure.what());
    }
    return found;
}

}  // namespace larder::redis
