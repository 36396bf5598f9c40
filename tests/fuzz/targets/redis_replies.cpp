#include "fuzz/fuzz.hpp"
#include "redis/reply.hpp"

namespace larder::fuzz {
namespace {

using Next = redis::RedisReplyReader::Next;

// A reply, and all below it, as text that two equal replies share.
void append(const redis::RedisReply& reply, std::string& out) {
    out += std::to_string(static_cast<int>(reply.type)) + ":" + std::to_string(reply.integer) +
           ":" + reply.text + "[";
    for (const redis::RedisReply& item : reply.items) append(item, out);
    out += "]";
}

std::string read_all(const std::vector<std::string_view>& pieces) {
    redis::RedisReplyReader reader;
    std::string out;
    for (const std::string_view piece : pieces) {
        if (!reader.feed(piece.data(), piece.size())) return out + "broken";
        while (true) {
            redis::RedisReply reply;
            const Next next = reader.next(reply);
            if (next == Next::broken) return out + "broken";
            if (next == Next::incomplete) break;
            append(reply, out);
        }
    }
    return out;
}

}  // namespace

// What a Redis, or what poses as one, sends: the same replies however the bytes arrive.
void redis_replies(std::string_view input) {
    const unsigned seed = take_byte(input);
    require(read_all(cut(input, seed)) == read_all({input}), "pieces read as the whole does");
}

}  // namespace larder::fuzz
