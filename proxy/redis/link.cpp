#include "redis/link.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "redis/refusal.hpp"
#include "redis/shared.hpp"

// The link moves the bytes of its pipeline and runs its timers. How the connection is made and kept
// is in connect.cpp.
//
// A callback compares its transport with the present one, and does nothing if they differ: it
// belongs to an earlier connection. A completion may run any code of the caller at once, so the
// link holds nothing over a completion that this code could change.
namespace larder::redis {
namespace asio = boost::asio;
namespace {

constexpr std::array<std::string_view, 5> server_unfit{"LOADING", "READONLY", "MASTERDOWN",
                                                       "NOAUTH", "CLUSTERDOWN"};

bool is_error(const RedisReply& reply) { return reply.is_error(); }

bool says_unfit(const RedisReply& reply) {
    return reply.is_error() &&
           std::any_of(server_unfit.begin(), server_unfit.end(),
                       [&](std::string_view code) { return reply.is_error(code); });
}

/// The same of a node of a cluster, which may not serve one slot, or whose cluster is in trouble:
/// the probe tells.
bool says_node_unfit(const RedisReply& reply) {
    return says_unfit(reply) && !reply.is_error("CLUSTERDOWN");
}

}  // namespace

RedisLink::RedisLink(asio::io_context& context, RedisShared& shared, RedisNode& node)
    : context_(context),
      shared_(shared),
      node_(node),
      health_(shared.settings().timeout,
              node.is_of_cluster() ? LinkHealth::Of::cluster : LinkHealth::Of::single),
      deadline_timer_(context),
      pause_timer_(context),
      attempt_timer_(context),
      heartbeat_timer_(context) {}

void RedisLink::send(RedisBatchPointer batch) {
    asio::dispatch(context_, [self = shared_from_this(), batch = std::move(batch)]() mutable {
        self->submit(std::move(batch));
    });
}

void RedisLink::submit(RedisBatchPointer batch) {
    using Needs = RedisBatch::Needs;
    const bool allowed = usable() || (batch->needs == Needs::connection && connected()) ||
                         (batch->needs == Needs::transport && transport_ != nullptr);
    const bool same_server = batch->epoch == 0 || batch->epoch == epoch();
    if (!allowed || !same_server) return complete(std::move(batch), RedisBatch::Status::down);
    if (!pipeline_.has_room()) {
        shared_.reporter().count(RedisError::overload);
        return complete(std::move(batch), RedisBatch::Status::down);
    }
    enqueue(std::move(batch));
}

void RedisLink::enqueue(RedisBatchPointer batch) {
    const auto scripts = batch->scripts_whole ? RedisCommands::Scripts::whole : scripts_;
    enqueue(std::move(batch), scripts);
}

void RedisLink::enqueue(RedisBatchPointer batch, RedisCommands::Scripts scripts) {
    arm(batch->deadline);
    const bool is_alone = !pipeline_.owes_replies();
    pipeline_.submit(std::move(batch), steady_now(), scripts);
    ++unsent_;
    // Under load the batches of one round of events go out together when it is over. Where the last
    // flush held one batch only, waiting for the end of the round would cost a system call for
    // nothing.
    if (is_alone && !gathers_) return flush();
    if (std::exchange(flush_posted_, true)) return;
    asio::post(context_, [self = shared_from_this()] {
        self->flush_posted_ = false;
        self->flush();
    });
}

void RedisLink::flush() {
    if (writing_ || !pipeline_.has_output() || !transport_) return;
    gathers_ = std::exchange(unsent_, 0) > 1;
    std::vector<std::string> output = pipeline_.take_output();
    if (output.size() == 1) {
        output.front().erase(0, transport_->write_at_once(output.front()));
        if (output.front().empty()) return pipeline_.reuse_output(std::move(output));
    }
    writing_ = true;
    const auto job = std::make_shared<const std::vector<std::string>>(std::move(output));
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
        // Where no reply is owed, or more is about to be written, the next write notices a reset.
        const bool waits = self->pipeline_.owes_replies() && !self->pipeline_.has_output();
        const std::size_t size = co_await transport->read_some(asio::buffer(buffer), waits);
        if (transport != self->transport_) break;
        if (size == 0) {
            self->lose(transport);
            break;
        }
        const bool understood =
            self->pipeline_.feed(buffer.data(), size, steady_now()) && self->take_replies();
        if (!understood && transport == self->transport_) {
            self->fail_attempt(RedisError::protocol, "what came is no reply of Redis");
            self->lose(transport);
        }
    }
}

/// False: what came is not a reply to anything.
bool RedisLink::take_replies() {
    using Event = RedisPipeline::Event;
    const Transport transport = transport_;
    RedisPipeline::Answer answer;
    while (transport == transport_) {
        const Event event = pipeline_.next(answer);
        if (event == Event::incomplete) return true;
        if (event == Event::broken) return false;
        if (event == Event::answered) {
            take_answer(answer);
            continue;
        }
        // A server that has no room for one more client says so unasked.
        const RedisReply& unasked = pipeline_.unasked();
        const bool refusal =
            unasked.is_error() && health_.state() == LinkHealth::State::handshaking;
        if (!refusal) return false;
        fail_attempt(classify_reply(unasked.text), unasked.text);
        lose(transport);
    }
    return true;
}

void RedisLink::take_answer(RedisPipeline::Answer& answer) {
    proved_at_.store(answer.sent_at.time_since_epoch().count(), std::memory_order_release);
    if (!answer.batch) return;
    RedisBatch& batch = *answer.batch;
    if (batch.probe) judge_probe(answer);
    if (!answer.waiting) return;
    if (send_scripts_whole(answer.batch)) return;
    // The handshake judges its own replies.
    const bool in_use = batch.needs != RedisBatch::Needs::transport;
    const bool refused =
        in_use && std::any_of(batch.replies.begin(), batch.replies.end(), is_error);
    bool unfit = refused && std::any_of(batch.replies.begin(), batch.replies.end(), says_unfit);
    if (unfit && node_.is_of_cluster())
        unfit = std::any_of(batch.replies.begin(), batch.replies.end(), says_node_unfit);
    if (refused || shared_.reporter().troubled(RedisWork::news)) note_refusals(batch);
    if (unfit) lose(transport_);
    complete(std::move(answer.batch), unfit ? RedisBatch::Status::down : RedisBatch::Status::ok);
}

/// A server runs by its digest only a script that it has run before. The refused one is sent again,
/// whole, and all that stands behind it in its batch: what stands behind may rely on it. A script's
/// text goes once, since the server knows it then. One that refuses a digest again (it may be
/// several servers behind one address) gets all of them whole. True: the batch is under way again.
bool RedisLink::send_scripts_whole(const RedisBatchPointer& batch) {
    using Scripts = RedisCommands::Scripts;
    const auto refused = std::find_if(
        batch->replies.begin(), batch->replies.end(),
        [](const RedisReply& reply) { return reply.is_error() && refuses_digest(reply.text); });
    if (refused == batch->replies.end()) return false;
    // It may never know them: EVALSHA is renamed, or not allowed to this user.
    if (!refused->is_error("NOSCRIPT")) scripts_ = Scripts::whole;
    const bool again = std::exchange(batch->script_unknown, true);
    batch->replies.erase(refused, batch->replies.end());
    enqueue(batch, again || scripts_ == Scripts::whole ? Scripts::whole : Scripts::first_whole);
    return true;
}

void RedisLink::note_refusals(const RedisBatch& batch) {
    for (std::size_t i = 0; i < batch.replies.size(); ++i) {
        const RedisReply& reply = batch.replies[i];
        const std::string_view command = batch.commands.name(i);
        if (!reply.is_error()) {
            if (command == "PUBLISH") shared_.reporter().works(RedisWork::news);
            continue;
        }
        const RedisError reason = classify_reply(reply.text);
        // The batch is routed again, or the watch finds out.
        if (reason == RedisError::cluster && node_.is_of_cluster()) {
            shared_.reporter().count(reason);
            continue;
        }
        // CLIENT CACHING NO, and the connection is not tracked any more: the next command is not
        // either.
        if (command == "CLIENT" && batch.work == RedisWork::store) continue;
        // Something stands there: that was the question.
        if (command == "GETEX") continue;
        // Nothing is there to be moved: that was the question too.
        if (command == "RENAMENX" && reason == RedisError::reply) continue;
        // The user may not: there is another way.
        const bool forbidden =
            reason == RedisError::noperm || reason == RedisError::unknown_command;
        if (forbidden && (command == "RENAMENX" || command == "HSETNX")) {
            shared_.reporter().count(reason);
            continue;
        }
        // The key belongs to an application. The store leaves the key alone, and names it in the
        // log where that matters.
        if (reason == RedisError::wrong_type) {
            shared_.reporter().count(reason);
            continue;
        }
        RedisWork work = command == "PUBLISH" ? RedisWork::news : batch.work;
        if (says_unfit(reply)) work = RedisWork::use;
        shared_.reporter().failed(work, reason, reply.text, command);
    }
}

void RedisLink::judge_probe(const RedisPipeline::Answer& answer) {
    using Verdict = LinkHealth::Verdict;
    const Verdict verdict = health_.judge(answer.batch->replies, answer.sent_at, steady_now());
    switch (verdict) {
        case Verdict::alive:
            return;
        case Verdict::usable:
            return node_.link_changed();
        case Verdict::late:
            return probe();
        case Verdict::no_cluster:
            return node_.doubt();
        case Verdict::replica:
            shared_.reporter().failed(RedisWork::use, RedisError::readonly,
                                      "the server has become a replica", {});
            break;
        case Verdict::other_data:
            shared_.reporter().failed(RedisWork::other, RedisError::other_data,
                                      "the server has taken over other data", {});
            break;
    }
    // The other links lead to the same server: they must not be read until they have asked too.
    node_.link_troubled(this);
    lose(transport_);
}

void RedisLink::probe() {
    auto probe = std::make_shared<RedisBatch>();
    probe->commands = health_.probe();
    probe->deadline = steady_now() + shared_.settings().timeout;
    probe->probe = true;
    enqueue(std::move(probe));
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
    RedisPipeline::Expired expired = pipeline_.expire(steady_now());
    if (expired.next != SteadyTime::max()) arm(expired.next);
    if (expired.batches.empty()) return;
    shared_.reporter().count(RedisError::timeout, expired.batches.size());
    // A wait that was cut short because its request had little time left says nothing about Redis:
    // Redis must have been silent for long.
    const bool silent = expired.silence >= shared_.settings().timeout * 9 / 10;
    if (silent && connected()) stall();
    for (RedisBatchPointer& batch : expired.batches)
        complete(std::move(batch), RedisBatch::Status::timeout);
}

// Ends all waits: what is under way fails now, and the probe behind it tells when Redis is back.
void RedisLink::stall() {
    if (health_.doubt(steady_now())) probe();
    node_.link_troubled(this);
    for (RedisBatchPointer& batch : pipeline_.give_up())
        complete(std::move(batch), RedisBatch::Status::down);
}

void RedisLink::suspect() {
    asio::dispatch(context_, [self = shared_from_this()] {
        if (self->health_.doubt(steady_now())) self->probe();
    });
}

void RedisLink::end_unless(std::uint64_t epoch) {
    asio::post(context_, [self = shared_from_this(), epoch] {
        if (self->connected() && self->epoch() != epoch) self->lose(self->transport_);
    });
}

}  // namespace larder::redis
