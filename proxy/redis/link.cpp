#include "redis/link.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <utility>

#include "redis/refusal.hpp"
#include "redis/shared.hpp"

// The commands' side of the link: queueing, writing, matching replies, deadlines. How the
// connection is made and kept is in redis_connect.cpp.
//
// Invariants: `pending_` holds a place for every batch that was written and whose replies have not
// all come, in order. Callbacks of an earlier connection are told by its transport and do nothing.
// A completion may run any code of the caller at once, so nothing is held over one that it could
// change.
namespace larder::redis {
namespace asio = boost::asio;
namespace {

constexpr std::size_t pending_max = 10'000;
constexpr std::size_t out_bytes_max = 256u << 20;
constexpr std::size_t own_buffer_above =
    16 * 1024;  // larger ones are not copied into the common buffer

constexpr std::array<std::string_view, 5> server_unfit{"LOADING", "READONLY", "MASTERDOWN",
                                                       "NOAUTH", "CLUSTERDOWN"};

bool says_unfit(const RedisReply& reply) {
    return reply.is_error() &&
           std::any_of(server_unfit.begin(), server_unfit.end(),
                       [&](std::string_view code) { return reply.is_error(code); });
}

}  // namespace

RedisLink::RedisLink(asio::io_context& context, RedisShared& shared)
    : context_(context),
      shared_(shared),
      deadline_timer_(context),
      pause_timer_(context),
      attempt_timer_(context),
      heartbeat_timer_(context) {}

void RedisLink::send(RedisBatchPointer batch) {
    asio::dispatch(context_, [self = shared_from_this(), batch = std::move(batch)]() mutable {
        self->submit(std::move(batch));
    });
}

void RedisLink::complete(RedisBatchPointer batch, RedisBatch::Status status) {
    batch->status = status;
    const std::unique_ptr<RedisBatch::Completion> completion = std::move(batch->completion);
    if (completion) completion->run();
}

void RedisLink::submit(RedisBatchPointer batch) {
    using Needs = RedisBatch::Needs;
    const bool allowed = usable() || (batch->needs == Needs::connection && connected()) ||
                         (batch->needs == Needs::transport && transport_ != nullptr);
    const bool same_server = batch->epoch == 0 || batch->epoch == epoch();
    if (!allowed || !same_server) return complete(std::move(batch), RedisBatch::Status::down);
    if (pending_.size() >= pending_max || out_bytes_ >= out_bytes_max) {
        shared_.count(RedisError::overload);
        return complete(std::move(batch), RedisBatch::Status::down);
    }
    enqueue(std::move(batch));
}

void RedisLink::enqueue(RedisBatchPointer batch) {
    std::string& bytes = batch->commands.bytes();
    out_bytes_ += bytes.size();
    if (out_.empty() || bytes.size() > own_buffer_above || out_.back().size() > own_buffer_above) {
        out_.push_back(std::move(bytes));
    } else {
        out_.back().append(bytes);
    }
    arm(batch->deadline);
    Pending& place = pending_.emplace_back();
    place.expected = batch->commands.count();
    place.sent_at = steady_now();
    place.deadline = batch->deadline;
    place.probe = batch->probe;
    place.batch = std::move(batch);
    if (std::exchange(flush_posted_, true)) return;
    asio::post(context_, [self = shared_from_this()] {
        self->flush_posted_ = false;
        self->flush();
    });
}

void RedisLink::flush() {
    if (writing_ || out_.empty() || !transport_) return;
    writing_ = true;
    const auto job = std::make_shared<const std::vector<std::string>>(std::exchange(out_, {}));
    out_bytes_ = 0;
    std::vector<asio::const_buffer> buffers;
    buffers.reserve(job->size());
    for (const std::string& piece : *job) buffers.push_back(asio::buffer(piece));
    transport_->write(buffers, [self = shared_from_this(), transport = transport_,
                                job](error_code error) { self->written(transport, error); });
}

void RedisLink::written(const Transport& transport, error_code error) {
    if (transport != transport_) return;
    writing_ = false;
    if (error) return lose(transport);
    flush();
}

Task<void> RedisLink::read_replies(std::shared_ptr<RedisLink> self, Transport transport) {
    std::vector<char> buffer(64 * 1024);
    while (transport == self->transport_) {
        const std::size_t size = co_await transport->read_some(asio::buffer(buffer));
        if (transport != self->transport_) break;
        if (size == 0) {
            self->lose(transport);
            break;
        }
        self->received_at_ = steady_now();
        const bool sense = self->reader_->feed(buffer.data(), size) && self->take_replies();
        if (!sense && transport == self->transport_) {
            self->fail_attempt(RedisError::protocol, "what came is no reply of Redis");
            self->lose(transport);
        }
    }
}

/// False where what came is not a reply to anything.
bool RedisLink::take_replies() {
    const Transport transport = transport_;
    while (transport == transport_) {
        RedisReply reply;
        const auto next = reader_->next(reply);
        if (next == RedisReplyReader::Next::incomplete) return true;
        // A server that has no room for one more client says so unasked.
        const bool unasked = next == RedisReplyReader::Next::reply && pending_.empty();
        if (unasked && reply.is_error() && state_ == State::handshaking) {
            fail_attempt(classify_reply(reply.text), reply.text);
            lose(transport);
            return true;
        }
        if (next == RedisReplyReader::Next::broken || pending_.empty()) return false;
        Pending& front = pending_.front();
        if (front.batch || front.probe) front.replies.push_back(std::move(reply));
        if (++front.received == front.expected) finish_front();
    }
    return true;
}

void RedisLink::finish_front() {
    Pending done = std::move(pending_.front());
    pending_.pop_front();
    proved_at_.store(done.sent_at.time_since_epoch().count(), std::memory_order_release);
    if (done.probe) judge_probe(done);
    if (!done.batch) return;
    // The handshake judges its own replies.
    const bool in_use = done.batch->needs != RedisBatch::Needs::transport;
    const auto is_error = [](const RedisReply& reply) { return reply.is_error(); };
    const bool refused = in_use && std::any_of(done.replies.begin(), done.replies.end(), is_error);
    const bool unfit = refused && std::any_of(done.replies.begin(), done.replies.end(), says_unfit);
    done.batch->replies = std::move(done.replies);
    if (refused || shared_.troubled(RedisWork::news)) note_refusals(*done.batch);
    if (unfit) lose(transport_);
    complete(std::move(done.batch), unfit ? RedisBatch::Status::down : RedisBatch::Status::ok);
}

void RedisLink::note_refusals(const RedisBatch& batch) {
    for (std::size_t i = 0; i < batch.replies.size(); ++i) {
        const RedisReply& reply = batch.replies[i];
        if (!reply.is_error() && batch.commands.name(i) == "PUBLISH")
            shared_.works(RedisWork::news);
        if (!reply.is_error()) continue;
        const RedisError reason = classify_reply(reply.text);
        // An application's key: the store leaves it alone, and names it where it matters.
        if (reason == RedisError::wrong_type) {
            shared_.count(reason);
            continue;
        }
        const std::string_view command = batch.commands.name(i);
        RedisWork work = command == "PUBLISH" ? RedisWork::news : batch.work;
        if (says_unfit(reply)) work = RedisWork::use;
        shared_.failed(work, reason, reply.text, command);
    }
}

/// Takes a stalled link into use again, if the answer came in time: a slower Redis would only have
/// requests wait for it.
void RedisLink::judge_probe(const Pending& probe) {
    const bool knows_name = !identity_.run_id.empty();
    if (knows_name && !probe.replies.empty() && probe.replies.front().is_text()) {
        ServerIdentity now;
        read_info(probe.replies.front().text, now);
        if (now.replica || now.replication_id != identity_.replication_id) {
            if (now.replica)
                shared_.failed(RedisWork::use, RedisError::readonly,
                               "the server has become a replica", {});
            if (!now.replica)
                shared_.failed(RedisWork::other, RedisError::other_data,
                               "the server has taken over other data", {});
            // The other links lead to the same server: they must not be read until they have asked
            // too.
            shared_.link_troubled(this);
            return lose(transport_);
        }
    }
    if (state_ != State::stalled) return;
    if (steady_now() - probe.sent_at > shared_.settings().timeout) return this->probe();
    was_ready_ = true;
    state_.store(State::ready, std::memory_order_release);
    shared_.link_changed();
}

void RedisLink::arm(SteadyTime deadline) {
    if (deadline >= armed_for_) return;
    armed_for_ = deadline;
    deadline_timer_.expires_at(deadline);
    deadline_timer_.async_wait([self = shared_from_this()](error_code error) {
        if (!error) self->expire();
    });
}

void RedisLink::expire() {
    armed_for_ = SteadyTime::max();
    const SteadyTime now = steady_now();
    std::vector<RedisBatchPointer> expired;
    SteadyTime next = SteadyTime::max();
    for (Pending& place : pending_) {
        if (!place.batch) continue;
        if (place.deadline <= now) {
            expired.push_back(std::move(place.batch));
            place.batch = nullptr;
            place.replies.clear();
        } else {
            next = std::min(next, place.deadline);
        }
    }
    if (next != SteadyTime::max()) arm(next);
    // A wait cut short because its request had little time left says nothing about Redis: it must
    // have been silent for long.
    const bool silent = !expired.empty() && state_ >= State::stalled &&
                        now - std::max(received_at_, pending_.front().sent_at) >=
                            shared_.settings().timeout * 9 / 10;
    if (!expired.empty()) shared_.count(RedisError::timeout, expired.size());
    if (silent) stall();
    for (RedisBatchPointer& batch : expired)
        complete(std::move(batch), RedisBatch::Status::timeout);
}

// Nobody waits any more: what is under way fails now, and a PING behind it tells when Redis is
// back.
void RedisLink::stall() {
    if (state_ == State::ready) {
        state_.store(State::stalled, std::memory_order_release);
        stalled_since_ = steady_now();
        probe();
    }
    shared_.link_troubled(this);
    std::vector<RedisBatchPointer> failed;
    for (Pending& place : pending_) {
        if (!place.batch || place.probe) continue;
        failed.push_back(std::move(place.batch));
        place.batch = nullptr;
        place.replies.clear();
    }
    for (RedisBatchPointer& batch : failed) complete(std::move(batch), RedisBatch::Status::down);
}

void RedisLink::probe() {
    auto probe = std::make_shared<RedisBatch>();
    // One for all that may be asked of the server; a user that may not run INFO has its refusal as
    // a sign of life.
    if (identity_.run_id.empty()) probe->commands.add("PING");
    if (!identity_.run_id.empty()) probe->commands.add("INFO", "replication");
    probe->deadline = steady_now() + shared_.settings().timeout;
    probe->probe = true;
    enqueue(std::move(probe));
}

void RedisLink::suspect() {
    asio::dispatch(context_, [self = shared_from_this()] {
        if (self->state_ != State::ready) return;
        self->state_.store(State::stalled, std::memory_order_release);
        self->stalled_since_ = steady_now();
        self->probe();
    });
}

void RedisLink::end_unless(std::uint64_t epoch) {
    asio::post(context_, [self = shared_from_this(), epoch] {
        if (self->state_ >= State::stalled && self->epoch() != epoch) self->lose(self->transport_);
    });
}

}  // namespace larder::redis
