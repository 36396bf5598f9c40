#include "redis/pipeline.hpp"

#include <algorithm>
#include <utility>

namespace larder::redis {
namespace {

constexpr std::size_t places_max = 10'000;
constexpr std::size_t output_bytes_max = 256u << 20;
// Larger commands are not copied behind others.
constexpr std::size_t own_piece_above = 16 * 1024;
constexpr std::size_t reused_max = 64 * 1024;

}  // namespace

void RedisPipeline::begin() {
    reader_.emplace();
    places_.clear();
    output_.clear();
    output_bytes_ = 0;
}

bool RedisPipeline::has_room() const {
    return places_.size() < places_max && output_bytes_ < output_bytes_max;
}

void RedisPipeline::submit(RedisBatchPointer batch, SteadyTime now,
                           RedisCommands::Scripts scripts) {
    const std::size_t done = batch->replies.size();
    const RedisCommands& commands = batch->commands;
    // A large batch is sent once: nothing in it is refused for being unknown. A batch of many
    // purges would be ten times as large with the script's text in each.
    const bool large = commands.bytes().size() > own_piece_above;
    if (large && scripts == RedisCommands::Scripts::by_digest)
        scripts = RedisCommands::Scripts::first_whole;
    if (large || output_.empty() || output_.back().size() > own_piece_above) output_.emplace_back();
    const std::size_t before = output_.back().size();
    commands.append_to(output_.back(), done, scripts);
    output_bytes_ += output_.back().size() - before;
    Place& place = places_.emplace_back();
    place.expected = commands.count() - done;
    place.sent_at = now;
    place.deadline = batch->deadline;
    batch->replies.reserve(place.expected);
    place.batch = std::move(batch);
}

std::vector<std::string> RedisPipeline::take_output() {
    output_bytes_ = 0;
    return std::exchange(output_, {});
}

void RedisPipeline::reuse_output(std::vector<std::string> written) {
    if (!output_.empty() || written.empty() || written.front().capacity() > reused_max) return;
    written.resize(1);
    written.front().clear();
    output_ = std::move(written);
}

bool RedisPipeline::feed(const char* bytes, std::size_t size, SteadyTime now) {
    received_at_ = now;
    return reader_ && reader_->feed(bytes, size);
}

RedisPipeline::Event RedisPipeline::next(Answer& answer) {
    while (reader_) {
        const auto read = reader_->next();
        if (read == RedisReplyReader::Next::incomplete) break;
        if (read == RedisReplyReader::Next::broken) return Event::broken;
        if (places_.empty()) {
            unasked_ = reader_->take();
            return Event::unasked;
        }
        Place& front = places_.front();
        if (front.batch) {
            reader_->take_into(front.batch->replies.emplace_back());
        } else {
            static_cast<void>(reader_->take());
        }
        if (++front.received < front.expected) continue;
        answer.batch = std::move(front.batch);
        answer.sent_at = front.sent_at;
        answer.waiting = front.waiting;
        places_.pop_front();
        return Event::answered;
    }
    return Event::incomplete;
}

// A probe stays in its place: its answer tells about Redis however late it comes.
RedisBatchPointer RedisPipeline::stop_waiting(Place& place) {
    place.waiting = false;
    if (place.batch->probe) return place.batch;
    place.batch->replies.clear();
    return std::move(place.batch);
}

RedisPipeline::Expired RedisPipeline::expire(SteadyTime now) {
    Expired expired;
    for (Place& place : places_) {
        if (!place.waiting) continue;
        if (place.deadline <= now) {
            expired.batches.push_back(stop_waiting(place));
        } else {
            expired.next = std::min(expired.next, place.deadline);
        }
    }
    if (!expired.batches.empty())
        expired.silence = now - std::max(received_at_, places_.front().sent_at);
    return expired;
}

std::vector<RedisBatchPointer> RedisPipeline::give_up() {
    std::vector<RedisBatchPointer> batches;
    for (Place& place : places_)
        if (place.waiting && !place.batch->probe) batches.push_back(stop_waiting(place));
    return batches;
}

RedisPipeline::Ended RedisPipeline::end() {
    Ended ended;
    output_.clear();
    output_bytes_ = 0;
    if (!places_.empty() && places_.front().waiting)
        for (const RedisReply& reply : places_.front().batch->replies)
            if (reply.is_error() && !ended.refusal) ended.refusal = reply.text;
    for (Place& place : std::exchange(places_, {}))
        if (place.waiting) ended.batches.push_back(std::move(place.batch));
    return ended;
}

}  // namespace larder::redis
