#include "redis/sentinel.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/basic_waitable_timer.hpp>
#include <memory>

#include "base/text.hpp"
#include "net/detached.hpp"
#include "redis/command.hpp"
#include "redis/reply.hpp"
#include "redis/shared.hpp"
#include "redis/transport.hpp"

namespace larder::redis {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;
using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, Executor>;
using Transport = std::shared_ptr<RedisTransport>;
using Answer = SentinelAnswer;

// How long others may take to contradict a sentinel that names a server which is no master.
constexpr Milliseconds second_opinion = 300ms;

/// One question to all sentinels. It ends with the last answer, which may come after the caller has
/// gone on.
struct Round {
    Round(asio::io_context& context_in, RedisShared& shared_in, const RedisNode& node_in)
        : context(context_in), shared(shared_in), node(node_in), answered(context_in) {}
    asio::io_context& context;
    RedisShared& shared;
    const RedisNode& node;
    Timer answered;  ///< cancelled with each answer
    std::size_t open = 0;
    std::optional<RedisAddress> master;
    std::optional<RedisAddress> doubtful;  ///< named, but it was no master
    std::string problems;
};

std::string text_of(const RedisAddress& address) {
    return address.host + ":" + std::to_string(address.port);
}

Answer read_answer(const RedisReply& reply, const std::string& master) {
    if (reply.is_error()) return {std::nullopt, shown_reply(reply.text)};
    if (reply.items.size() != 2 || !reply.items[0].is_text())
        return {std::nullopt, "it does not know the master " + master};
    const auto port = parse_decimal(reply.items[1].text);
    if (!port || *port == 0 || *port > 65535) return {std::nullopt, "its answer makes no sense"};
    return {RedisAddress{reply.items[0].text, static_cast<std::uint16_t>(*port)}, {}};
}

}  // namespace

Task<SentinelAnswer> ask_sentinel(std::shared_ptr<RedisTransport> transport, RedisAddress sentinel,
                                  std::string password, std::string master) {
    const error_code failed =
        co_await transport->connect(RedisUrl::Kind::tcp, sentinel, std::string());
    if (failed)
        co_return Answer{std::nullopt, failed == asio::error::operation_aborted
                                           ? "no answer in time"
                                           : failed.message()};
    RedisCommands commands;
    if (!password.empty()) commands.add("AUTH", password);
    commands.add("SENTINEL", "get-master-addr-by-name", master);
    const std::size_t expected = commands.count();
    const auto bytes = std::make_shared<std::string>(std::move(commands.bytes()));
    transport->write(asio::buffer(*bytes), [transport, bytes](error_code) {});
    RedisReplyReader reader;
    std::array<char, 1024> buffer;
    std::string refusal;
    std::size_t seen = 0;
    while (true) {
        const std::size_t size = co_await transport->read_some(asio::buffer(buffer));
        if (size == 0)
            co_return Answer{std::nullopt,
                             refusal.empty() ? "no answer in time, or closed" : refusal};
        if (!reader.feed(buffer.data(), size))
            co_return Answer{std::nullopt, "its answer makes no sense"};
        RedisReply reply;
        auto next = reader.next(reply);
        while (next == RedisReplyReader::Next::reply) {
            Answer answer = read_answer(reply, master);
            const bool last = ++seen == expected;
            if (last && answer.master) co_return answer;
            if (reply.is_error() && refusal.empty()) refusal = answer.problem;
            if (last) co_return Answer{std::nullopt, refusal.empty() ? answer.problem : refusal};
            next = reader.next(reply);
        }
        if (next == RedisReplyReader::Next::broken)
            co_return Answer{std::nullopt, "its answer makes no sense"};
    }
}

namespace {

void end_round(const Round& round) {
    if (round.problems.empty()) return round.shared.reporter().works(RedisWork::sentinels);
    round.shared.reporter().failed(RedisWork::sentinels, RedisError::sentinel, round.problems, {});
}

Task<void> ask_one(std::shared_ptr<Round> round, RedisAddress sentinel, Milliseconds longest) {
    const Transport transport =
        std::make_shared<RedisTransport>(round->context, round->shared.config().sentinel_tls);
    Timer timer(round->context);
    timer.expires_after(longest);
    timer.async_wait([transport](error_code error) {
        if (!error) transport->close();
    });
    const Answer answer =
        co_await ask_sentinel(transport, sentinel, round->shared.settings().sentinel_password,
                              round->shared.config().url.master);
    transport->close();
    if (answer.master) {
        const RedisAddress avoided = round->node.address().not_the_master();
        const bool doubtful =
            avoided.host == answer.master->host && avoided.port == answer.master->port;
        std::optional<RedisAddress>& place = doubtful ? round->doubtful : round->master;
        if (!place) place = answer.master;
    } else {
        if (!round->problems.empty()) round->problems += "; ";
        round->problems += "sentinel " + text_of(sentinel) + ": " + answer.problem;
    }
    if (--round->open == 0) end_round(*round);
    round->answered.cancel();
}

}  // namespace

Task<std::optional<RedisAddress>> find_master(asio::io_context& context, RedisShared& shared,
                                              const RedisNode& node, Milliseconds longest) {
    const auto round = std::make_shared<Round>(context, shared, node);
    const std::vector<RedisAddress>& sentinels = shared.config().url.addresses;
    round->open = sentinels.size();
    for (const RedisAddress& sentinel : sentinels)
        net::start_detached(context.get_executor(), ask_one(round, sentinel, longest),
                            "asking a sentinel");
    SteadyTime give_up = steady_now() + longest;
    bool doubted = false;
    while (!round->master && round->open != 0 && steady_now() < give_up) {
        if (round->doubtful && !std::exchange(doubted, true))
            give_up = std::min(give_up, steady_now() + second_opinion);
        round->answered.expires_at(give_up);
        [[maybe_unused]] const auto [ignored] = co_await round->answered.async_wait(as_result);
    }
    co_return round->master ? round->master : round->doubtful;
}

}  // namespace larder::redis
