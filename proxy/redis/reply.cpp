#include "redis/reply.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <utility>

namespace larder::redis {
namespace {

constexpr long long items_max = 1'000'000;
constexpr long long items_reserved =
    256;  // more room is made as items come, not as an array announces them
constexpr std::size_t reply_bytes_max = 600u << 20;  // above the largest value Redis holds (512 MB)

using Type = RedisReply::Type;

// hiredis asks for an object at the task's place: the reader has the root, the others are built
// inside their parent.
void* make(const redisReadTask* task, Type type) {
    auto* place = static_cast<RedisReply*>(task->privdata);
    if (task->parent != nullptr) {
        auto* parent = static_cast<RedisReply*>(task->parent->obj);
        // Items come in order and are whole before the next begins: nothing points to one that
        // moves here.
        place = &parent->items.emplace_back();
    }
    place->type = type;
    return place;
}

void* make_text(const redisReadTask* task, char* bytes, std::size_t size) {
    auto* reply = static_cast<RedisReply*>(
        make(task, task->type == REDIS_REPLY_ERROR ? Type::error : Type::text));
    reply->text.assign(bytes, size);
    return reply;
}

void* make_integer(const redisReadTask* task, long long value) {
    auto* reply = static_cast<RedisReply*>(make(task, Type::integer));
    reply->integer = value;
    return reply;
}

void* make_nil(const redisReadTask* task) { return make(task, Type::nil); }

void free_reply(void*) {}  // the reader has it

// A template, because the count is an int in hiredis 0.14 and a size_t in 1.x; the members that
// only 1.x has (doubles and booleans of RESP3, which is never asked for) stay null.
template <class Functions>
Functions make_functions() {
    Functions functions{};
    functions.createString = make_text;
    functions.createArray = [](const redisReadTask* task, auto count) -> void* {
        if (static_cast<long long>(count) > items_max) return nullptr;
        auto* reply = static_cast<RedisReply*>(make(task, Type::array));
        reply->items.reserve(static_cast<std::size_t>(std::min<long long>(count, items_reserved)));
        return reply;
    };
    functions.createInteger = make_integer;
    functions.createNil = make_nil;
    functions.freeObject = free_reply;
    return functions;
}

redisReplyObjectFunctions object_functions = make_functions<redisReplyObjectFunctions>();

}  // namespace

RedisReplyReader::RedisReplyReader() : reader_(redisReaderCreateWithFunctions(&object_functions)) {
    if (reader_ == nullptr) throw std::bad_alloc{};
    reader_->privdata = &reply_;
}

void RedisReplyReader::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

bool RedisReplyReader::feed(const char* bytes, std::size_t size) {
    unread_ += size;
    return unread_ <= reply_bytes_max && redisReaderFeed(reader_.get(), bytes, size) == REDIS_OK;
}

RedisReplyReader::Next RedisReplyReader::next() {
    void* object = nullptr;
    if (redisReaderGetReply(reader_.get(), &object) != REDIS_OK) return Next::broken;
    if (object == nullptr) return Next::incomplete;
    unread_ = 0;
    return Next::reply;
}

RedisReply RedisReplyReader::take() {
    RedisReply whole = std::move(reply_);
    reply_.integer = 0;
    reply_.text.clear();
    reply_.items.clear();
    return whole;
}

void RedisReplyReader::take_into(RedisReply& fresh) {
    fresh.type = reply_.type;
    fresh.integer = std::exchange(reply_.integer, 0);
    fresh.items.swap(reply_.items);
    if (!reply_.text.empty()) fresh.text.swap(reply_.text);
}

RedisReplyReader::Next RedisReplyReader::next(RedisReply& out) {
    const Next read = next();
    if (read == Next::reply) out = take();
    return read;
}

}  // namespace larder::redis
