#include "redis/sentinel.hpp"

#include <algorithm>

#include "redis/command.hpp"
#include "redis/read_replies.hpp"
#include "redis/refusal.hpp"
#include "redis/transport.hpp"

namespace larder::redis {
namespace asio = boost::asio;
namespace {

// The epoch is asked for first. Where the sentinel changes its mind in between, it names the new
// master with the old epoch, and not the old master with the new epoch.
void add_questions(RedisCommands& commands, const std::string& master) {
    commands.add("SENTINEL", "MASTER", master);
    commands.add("SENTINEL", "get-master-addr-by-name", master);
}

Task<SentinelAnswer> ask(std::shared_ptr<RedisTransport> transport, RedisCommands commands,
                         std::string master) {
    const std::size_t expected = commands.count();
    const auto bytes = std::make_shared<const std::string>(std::move(commands.bytes()));
    transport->write(asio::buffer(*bytes), [transport, bytes](error_code) {});
    RedisReplyReader reader;
    std::vector<RedisReply> replies;
    const bool whole = co_await read_replies(std::move(transport), reader, expected, replies);
    SentinelAnswer answer;
    if (whole) answer.word = read_sentinel_word(replies[expected - 2], replies[expected - 1]);
    if (answer.word) co_return answer;
    const auto refusal = std::find_if(replies.begin(), replies.end(),
                                      [](const RedisReply& reply) { return reply.is_error(); });
    const bool is_known = whole && !replies[expected - 1].items.empty();
    if (refusal != replies.end() && !refusal->is_error("ERR No such master")) {
        answer.problem = shown_reply(refusal->text);
    } else if (!whole) {
        answer.problem = "no answer in time, or closed";
    } else {
        answer.problem =
            is_known ? "its answer makes no sense" : "it does not know the master " + master;
    }
    co_return answer;
}

}  // namespace

Task<SentinelAnswer> ask_sentinel(std::shared_ptr<RedisTransport> transport, RedisAddress sentinel,
                                  std::string password, std::string master) {
    const error_code failed =
        co_await transport->connect(RedisUrl::Kind::tcp, sentinel, std::string());
    if (failed)
        co_return SentinelAnswer{std::nullopt, failed == asio::error::operation_aborted
                                                   ? "no answer in time"
                                                   : failed.message()};
    RedisCommands commands;
    if (!password.empty()) commands.add("AUTH", password);
    add_questions(commands, master);
    SentinelAnswer answer =
        co_await ask(std::move(transport), std::move(commands), std::move(master));
    co_return answer;
}

Task<SentinelAnswer> ask_sentinel_again(std::shared_ptr<RedisTransport> transport,
                                        std::string master) {
    RedisCommands commands;
    add_questions(commands, master);
    SentinelAnswer answer =
        co_await ask(std::move(transport), std::move(commands), std::move(master));
    co_return answer;
}

}  // namespace larder::redis
