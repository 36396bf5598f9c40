#include "redis/read_replies.hpp"

#include "redis/transport.hpp"

namespace larder::redis {

Task<bool> read_replies(std::shared_ptr<RedisTransport> transport, RedisReplyReader& reader,
                        std::size_t expected, std::vector<RedisReply>& replies) {
    std::vector<char> buffer(16 * 1024);
    while (replies.size() < expected) {
        const std::size_t size = co_await transport->read_some(boost::asio::buffer(buffer));
        if (size == 0 || !reader.feed(buffer.data(), size)) co_return false;
        RedisReply reply;
        auto next = reader.next(reply);
        while (next == RedisReplyReader::Next::reply) {
            replies.push_back(std::move(reply));
            next = reader.next(reply);
        }
        if (next == RedisReplyReader::Next::broken) co_return false;
    }
    co_return true;
}

}  // namespace larder::redis
