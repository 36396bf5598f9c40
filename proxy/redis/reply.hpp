#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;

namespace larder::redis {

/// One reply of Redis.
struct RedisReply {
    enum class Type : std::uint8_t { nil, text, error, integer, array };
    Type type = Type::nil;
    std::int64_t integer = 0;
    std::string text;  ///< of text and error
    std::vector<RedisReply> items;

    [[nodiscard]] bool is_nil() const { return type == Type::nil; }
    [[nodiscard]] bool is_text() const { return type == Type::text; }
    [[nodiscard]] bool is_error() const { return type == Type::error; }
    /// An error whose first word is this ("OOM", "LOADING").
    [[nodiscard]] bool is_error(std::string_view code) const {
        return is_error() && text.size() >= code.size() &&
               std::string_view(text).substr(0, code.size()) == code;
    }
};

/// Turns the bytes of one connection into replies, with hiredis' reader. Everything the other side
/// may make large is bounded.
class RedisReplyReader {
public:
    RedisReplyReader();
    RedisReplyReader(const RedisReplyReader&) = delete;
    RedisReplyReader& operator=(const RedisReplyReader&) = delete;

    /// Takes bytes as they came. False: they are not Redis' protocol; the connection is of no use
    /// any more.
    [[nodiscard]] bool feed(const char* bytes, std::size_t size);

    enum class Next : std::uint8_t { reply, incomplete, broken };
    /// Reads on. `reply`: a whole one has come, `take` it before the next call.
    [[nodiscard]] Next next();
    [[nodiscard]] RedisReply take();
    /// The same, into one that is new.
    void take_into(RedisReply& fresh);
    /// Both: the next whole reply, into `out`.
    [[nodiscard]] Next next(RedisReply& out);

private:
    struct Free {
        void operator()(redisReader* reader) const;
    };
    RedisReply reply_;  ///< what has come of the next reply
    std::unique_ptr<redisReader, Free> reader_;
    std::size_t unread_ = 0;  ///< bytes fed since the last whole reply
};

}  // namespace larder::redis
