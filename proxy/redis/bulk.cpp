#include "redis/bulk.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "net/detached.hpp"
#include "redis/handshake.hpp"
#include "redis/shared.hpp"

namespace larder::redis {
namespace asio = boost::asio;

RedisBulk::RedisBulk(asio::io_context& context, RedisShared& shared, RedisNode& node)
    : context_(context), shared_(shared), node_(node), timer_(context) {}

void RedisBulk::send(RedisBatchPointer batch, std::string sharing) {
    backlog_.fetch_add(batch->bytes_expected, std::memory_order_relaxed);
    asio::dispatch(context_, [self = shared_from_this(), batch = std::move(batch),
                              sharing = std::move(sharing)]() mutable {
        self->submit(std::move(batch), std::move(sharing));
    });
}

void RedisBulk::submit(RedisBatchPointer batch, std::string sharing) {
    if (stopping_) return complete(std::move(batch), RedisBatch::Status::down);
    const auto same = [&](const Transfer& transfer) {
        return !sharing.empty() && transfer.sharing == sharing;
    };
    const auto found = std::find_if(transfers_.begin(), transfers_.end(), same);
    if (found != transfers_.end()) {
        found->waiting.push_back(std::move(batch));
    } else {
        Transfer& transfer = transfers_.emplace_back();
        transfer.sharing = std::move(sharing);
        transfer.replies = batch->commands.count();
        auto bytes = std::make_shared<std::string>();
        batch->commands.append_to(*bytes, 0, RedisCommands::Scripts::whole);
        transfer.bytes = std::move(bytes);
        transfer.waiting.push_back(std::move(batch));
    }
    arm();
    if (std::exchange(working_, true)) return;
    net::start_detached(context_.get_executor(), work(shared_from_this()),
                        "moving large values of Redis");
}

void RedisBulk::complete(RedisBatchPointer batch, RedisBatch::Status status) {
    backlog_.fetch_sub(batch->bytes_expected, std::memory_order_relaxed);
    redis::complete(std::move(batch), status);
}

void RedisBulk::stop() {
    asio::dispatch(context_, [self = shared_from_this()] {
        self->stopping_ = true;
        self->timer_.cancel();
        self->close();
        // The work under way ends by itself, and finds nothing more to do.
        std::deque<Transfer> left = std::exchange(self->transfers_, {});
        for (Transfer& transfer : left)
            for (RedisBatchPointer& batch : transfer.waiting)
                self->complete(std::move(batch), RedisBatch::Status::down);
    });
}

Task<void> RedisBulk::work(std::shared_ptr<RedisBulk> self) {
    struct Ending {
        bool& working;
        ~Ending() { working = false; }
    };
    const Ending ending{self->working_};
    while (!self->transfers_.empty() && !self->stopping_) {
        std::vector<RedisReply> replies;
        self->under_way_ = true;
        const bool reused = self->transport_ != nullptr;
        bool done = co_await self->transfer(replies);
        // Redis may have closed a connection that was idle for long.
        const bool again = !done && reused && self->received_ == 0 &&
                           self->cut_at_ == SteadyTime{} && !self->stopping_;
        if (again) {
            self->close();
            done = co_await self->transfer(replies);
        }
        self->under_way_ = false;
        self->measure();
        if (!done) self->close();
        self->finish(done ? RedisBatch::Status::ok : RedisBatch::Status::down, std::move(replies));
    }
}

/// Runs the first transfer's commands.
Task<bool> RedisBulk::transfer(std::vector<RedisReply>& replies) {
    received_ = 0;
    replies.clear();
    if (transfers_.empty()) co_return false;
    is_read_ = !transfers_.front().sharing.empty();
    if (transport_ && address_ != node_.address().current()) close();  // failed over
    if (!transport_) {
        const bool connected = co_await connect();
        if (!connected) co_return false;
    }
    if (transfers_.empty() || transfers_.front().waiting.empty()) co_return false;
    asked_at_ = steady_now();
    const Transfer& first = transfers_.front();
    const bool done = co_await exchange(first.bytes, first.replies, replies);
    co_return done;
}

Task<bool> RedisBulk::connect() {
    const RedisUrl& url = shared_.config().url;
    const Transport transport = std::make_shared<RedisTransport>(context_, shared_.config().tls);
    transport_ = transport;
    reader_ = std::make_unique<RedisReplyReader>();
    address_ = node_.address().current();
    const error_code failed = co_await transport->connect(url.kind, address_, url.path);
    if (failed || transport != transport_) co_return false;
    RedisCommands commands;
    add_authentication(commands, url);
    if (url.database != 0) commands.add("SELECT", static_cast<std::int64_t>(url.database));
    commands.add("CLIENT", "SETNAME", "larder-large");
    std::vector<RedisReply> replies;
    const std::size_t must_succeed = commands.count() - 1;
    asked_at_ = steady_now();
    const std::size_t expected = commands.count();
    auto bytes = std::make_shared<const std::string>(std::move(commands.bytes()));
    const bool answered = co_await exchange(std::move(bytes), expected, replies);
    received_ = 0;
    const auto last =
        replies.begin() + static_cast<std::ptrdiff_t>(std::min(must_succeed, replies.size()));
    co_return answered&& std::none_of(replies.begin(), last,
                                      [](const RedisReply& reply) { return reply.is_error(); });
}

Task<bool> RedisBulk::exchange(std::shared_ptr<const std::string> bytes, std::size_t expected,
                               std::vector<RedisReply>& replies) {
    const Transport transport = transport_;
    transport->write(asio::buffer(*bytes), [transport, bytes](error_code error) {
        if (error) transport->close();
    });
    std::vector<char> buffer(256 * 1024);
    while (replies.size() < expected) {
        const std::size_t size = co_await transport->read_some(asio::buffer(buffer));
        if (size == 0 || transport != transport_ || !reader_->feed(buffer.data(), size))
            co_return false;
        received_ += size;
        RedisReply reply;
        auto next = reader_->next(reply);
        while (next == RedisReplyReader::Next::reply) {
            replies.push_back(std::move(reply));
            next = reader_->next(reply);
        }
        if (next == RedisReplyReader::Next::broken) co_return false;
    }
    co_return true;
}

/// What came of a large value, whole or cut, tells how fast the next one will come.
void RedisBulk::measure() {
    const bool cut = cut_at_ != SteadyTime{};
    const SteadyTime end = std::exchange(cut_at_, SteadyTime{});
    if (!is_read_ || (received_ < measured_from && !cut)) return;
    const SteadyTime now = steady_now();
    shared_.bulk_rate().measured(received_, (cut ? end : now) - asked_at_, now);
}

void RedisBulk::finish(RedisBatch::Status status, std::vector<RedisReply> replies) {
    if (transfers_.empty()) return;
    Transfer done = std::move(transfers_.front());
    transfers_.pop_front();
    for (std::size_t i = 0; i < replies.size() && !done.waiting.empty(); ++i) {
        const RedisReply& reply = replies[i];
        if (!reply.is_error()) continue;
        const RedisBatch& batch = *done.waiting.front();
        const RedisError reason = classify_reply(reply.text);
        // A server that is no master any more, or reads its data anew: the links find out, and say
        // so.
        const bool of_server = reason == RedisError::readonly || reason == RedisError::loading ||
                               reason == RedisError::masterdown || reason == RedisError::noauth;
        if (of_server) close();
        if (reason == RedisError::wrong_type || of_server) shared_.reporter().count(reason);
        if (reason != RedisError::wrong_type && !of_server)
            shared_.reporter().failed(batch.work, reason, reply.text, batch.commands.name(i));
    }
    for (std::size_t i = 0; i < done.waiting.size(); ++i) {
        const bool last = i + 1 == done.waiting.size();
        if (last) done.waiting[i]->replies = std::move(replies);
        if (!last) done.waiting[i]->replies = replies;
        complete(std::move(done.waiting[i]), status);
    }
}

void RedisBulk::arm() {
    SteadyTime next = SteadyTime::max();
    for (const Transfer& transfer : transfers_)
        for (const RedisBatchPointer& batch : transfer.waiting)
            next = std::min(next, batch->deadline);
    if (next == SteadyTime::max()) return timer_.expires_at(next), void();
    timer_.expires_at(next);
    timer_.async_wait([self = shared_from_this()](error_code error) {
        if (!error) self->expire();
    });
}

/// Ends the waits whose deadline has passed. A transfer that nobody waits for any more is not sent,
/// or not received to its end.
void RedisBulk::expire() {
    const SteadyTime now = steady_now();
    std::vector<RedisBatchPointer> expired;
    for (Transfer& transfer : transfers_) {
        const auto is_late = [&](const RedisBatchPointer& batch) { return batch->deadline <= now; };
        const auto late = std::stable_partition(transfer.waiting.begin(), transfer.waiting.end(),
                                                std::not_fn(is_late));
        std::move(late, transfer.waiting.end(), std::back_inserter(expired));
        transfer.waiting.erase(late, transfer.waiting.end());
    }
    const bool cut = under_way_ && !transfers_.empty() && transfers_.front().waiting.empty();
    const auto first_queued = transfers_.begin() + (under_way_ && !transfers_.empty() ? 1 : 0);
    transfers_.erase(
        std::remove_if(first_queued, transfers_.end(),
                       [](const Transfer& transfer) { return transfer.waiting.empty(); }),
        transfers_.end());
    if (cut) {
        cut_at_ = now;
        close();
    }
    arm();
    shared_.reporter().count(RedisError::timeout, expired.size());
    for (RedisBatchPointer& batch : expired)
        complete(std::move(batch), RedisBatch::Status::timeout);
}

// The kernel would go on sending what it has taken of a value that is given up, megabytes mostly,
// while the small commands share the line.
void RedisBulk::close() {
    if (transport_) transport_->abort();
    transport_ = nullptr;
}

}  // namespace larder::redis
