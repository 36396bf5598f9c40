#include "store/redis_sentinel.hpp"

#include <array>
#include <memory>

#include <boost/asio/basic_waitable_timer.hpp>

#include "base/text.hpp"
#include "store/redis_command.hpp"
#include "store/redis_reply.hpp"
#include "store/redis_transport.hpp"

namespace larder::store {
namespace asio = boost::asio;
namespace {

using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, Executor>;
using Transport = std::shared_ptr<RedisTransport>;

std::optional<RedisAddress> read_address(const RedisReply& reply) {
    if (reply.items.size() != 2 || !reply.items[0].is_text()) return std::nullopt;
    const auto port = parse_decimal(reply.items[1].text);
    if (!port || *port == 0 || *port > 65535) return std::nullopt;
    return RedisAddress{reply.items[0].text, static_cast<std::uint16_t>(*port)};
}

Task<std::optional<RedisAddress>> ask(Transport transport, RedisAddress sentinel, std::string master) {
    const error_code failed = co_await transport->connect(RedisUrl::Kind::tcp, sentinel, std::string());
    if (failed) co_return std::nullopt;
    RedisCommands commands;
    commands.add("SENTINEL", "get-master-addr-by-name", master);
    const auto bytes = std::make_shared<std::string>(std::move(commands.bytes()));
    transport->write(asio::buffer(*bytes), [transport, bytes](error_code) {});
    RedisReplyReader reader;
    std::array<char, 1024> buffer;
    while (true) {
        const std::size_t size = co_await transport->read_some(asio::buffer(buffer));
        if (size == 0 || !reader.feed(buffer.data(), size)) co_return std::nullopt;
        RedisReply reply;
        const auto next = reader.next(reply);
        if (next == RedisReplyReader::Next::broken) co_return std::nullopt;
        if (next == RedisReplyReader::Next::reply) co_return read_address(reply);
    }
}

}  // namespace

Task<std::optional<RedisAddress>> find_master(asio::io_context& context, const RedisUrl& url, Milliseconds time_each) {
    for (const RedisAddress& sentinel : url.addresses) {
        const Transport transport = std::make_shared<RedisTransport>(context, nullptr);
        Timer timer(context);
        timer.expires_after(time_each);
        timer.async_wait([transport](error_code error) {
            if (!error) transport->close();
        });
        const auto address = co_await ask(transport, sentinel, url.master);
        transport->close();
        if (address) co_return address;
    }
    co_return std::nullopt;
}

}  // namespace larder::store
