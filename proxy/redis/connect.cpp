#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <random>
#include <utility>

#include "net/detached.hpp"
#include "redis/link.hpp"
#include "redis/shared.hpp"

// How a link's connection is made, kept and given up.
namespace larder::redis {
namespace asio = boost::asio;
using namespace std::chrono_literals;
namespace {

// Caching must resume within 2 s after Redis has come back: pause, connecting and handshake
// together take much less.
constexpr Milliseconds first_pause = 50ms;
constexpr Milliseconds longest_pause = 500ms;
constexpr Milliseconds longest_connect = 1000ms;  // beyond it, a lost SYN is better sent anew
constexpr Milliseconds heartbeat_every = 200ms;
constexpr Milliseconds doubted_after = 600ms;    // three heartbeats
constexpr Milliseconds pause_when_refused = 5s;  // rights are given by hand

Milliseconds jittered(Milliseconds pause) {
    thread_local std::minstd_rand random{std::random_device{}()};
    return pause * std::uniform_int_distribution<int>(80, 100)(random) / 100;
}

std::string name_of(const RedisAddress& address, const RedisUrl& url) {
    return url.kind == RedisUrl::Kind::unix_socket
               ? url.path
               : address.host + ":" + std::to_string(address.port);
}

}  // namespace

/// Says why a try at a connection failed.
void RedisLink::fail_attempt(RedisError reason, std::string_view text) {
    shared_.reporter().failed(RedisWork::use, reason, text, {});
}

void RedisLink::report(const Refusal& refusal) {
    shared_.reporter().failed(refusal.work, refusal.reason, refusal.text, refusal.command);
}

void RedisLink::start() {
    net::start_lasting(
        context_.get_executor(), [self = shared_from_this()] { return keep_connected(self); },
        "a Redis connection");
    asio::dispatch(context_, [self = shared_from_this()] { self->heartbeat(); });
}

void RedisLink::stop() {
    asio::dispatch(context_, [self = shared_from_this()] {
        self->stopping_ = true;
        if (self->transport_) self->lose(self->transport_);
        self->deadline_timer_.cancel();
        self->pause_timer_.cancel();
        self->attempt_timer_.cancel();
        self->heartbeat_timer_.cancel();
    });
}

Task<void> RedisLink::keep_connected(std::shared_ptr<RedisLink> self) {
    if (self->transport_) self->lose(self->transport_);  // begun anew after a failure
    Milliseconds pause = first_pause;
    while (!self->stopping_) {
        const bool connected = co_await self->attempt();
        if (connected) {
            // Until `lose` cancels it; a retrack may be due that came during the handshake.
            self->track(self->node_.subscriber());
            while (self->transport_) {
                self->pause_timer_.expires_at(SteadyTime::max());
                [[maybe_unused]] const auto [ignored] =
                    co_await self->pause_timer_.async_wait(as_result);
            }
        }
        if (self->stopping_) break;
        if (self->health_.take_was_ready()) pause = first_pause;
        co_await self->sleep(jittered(pause));
        pause = std::min(pause * 2, longest_pause);
    }
}

Task<void> RedisLink::sleep(Milliseconds time) {
    if (stopping_) co_return;
    pause_timer_.expires_after(time);
    [[maybe_unused]] const auto [ignored] = co_await pause_timer_.async_wait(as_result);
}

/// Makes one try at a connection that is fit for use.
Task<bool> RedisLink::attempt() {
    const Transport transport = std::make_shared<RedisTransport>(context_, shared_.config().tls);
    const RedisUrl& url = shared_.config().url;
    const Milliseconds connect_timeout = shared_.settings().connect_timeout;
    transport_ = transport;
    pipeline_.begin();
    writing_ = false;
    health_.connecting();
    node_.link_changed();
    attempting_ = true;
    if (!find_address(transport)) co_return false;
    limit_attempt(std::min(longest_connect, connect_timeout));
    const error_code error = co_await transport->connect(url.kind, address_, url.path);
    if (error && transport == transport_)
        fail_attempt(classify_error(error), name_of(address_, url) + ": " + error.message());
    if (error) lose(transport);
    if (transport != transport_) co_return false;
    // A server that dies during the handshake must not cost more time than one that cannot be
    // reached.
    limit_attempt(std::min(connect_timeout, std::max(longest_connect, shared_.settings().timeout)));
    net::start_detached(context_.get_executor(), read_replies(shared_from_this(), transport),
                        "reading from Redis");
    const bool welcome = co_await shake_hands();
    attempting_ = false;
    attempt_timer_.cancel();
    if (!welcome) lose(transport);
    co_return transport == transport_;
}

/// Finds out where Redis is, into `address_`. False: the attempt is over.
bool RedisLink::find_address(const Transport& transport) {
    const RedisUrl& url = shared_.config().url;
    RedisAddress address = url.addresses.empty() ? RedisAddress{} : url.addresses.front();
    // Not known yet, or its slots have another master now.
    if (node_.is_watched()) address = node_.address().target();
    if (node_.is_watched() && address.host.empty()) {
        lose(transport);
        return false;
    }
    address_ = address;
    return true;
}

void RedisLink::limit_attempt(Milliseconds time) {
    attempt_timer_.expires_after(time);
    attempt_timer_.async_wait(
        [self = shared_from_this(), transport = transport_](error_code error) {
            if (error || !self->attempting_ || transport != self->transport_) return;
            self->fail_attempt(RedisError::connect_timeout, "no answer in time while connecting");
            self->lose(transport);
        });
}

/// Sends commands of the handshake and waits for their replies. False: the connection was lost.
Task<bool> RedisLink::ask(RedisCommands commands, std::vector<RedisReply>& replies) {
    const auto batch = std::make_shared<RedisBatch>();
    batch->needs = RedisBatch::Needs::transport;
    batch->deadline = steady_now() + shared_.settings().connect_timeout;
    batch->commands = std::move(commands);
    co_await async_run(batch);
    replies = std::move(batch->replies);
    co_return batch->status == RedisBatch::Status::ok;
}

/// Introduces the connection and finds out to which server it leads. False: not a server to use now
/// (wrong password, loading, a replica, silence).
Task<bool> RedisLink::shake_hands() {
    const Transport transport = transport_;
    RedisHandshake handshake(shared_.config().url, shared_.keys());
    const bool identified = co_await find_identity(handshake);
    if (!identified) co_return false;
    epoch_.store(node_.register_server(handshake.server(), this), std::memory_order_release);
    // The node may lead elsewhere since the address was looked up.
    if (node_.is_watched() && node_.address().target() != address_) co_return false;
    const bool kept = co_await enable_tracking();
    if (!kept || transport != transport_) co_return false;
    node_.address().set_not_the_master({});
    node_.address().set(address_);
    // Ready with the first answer that comes in time.
    health_.connected_to(handshake.identity(), steady_now());
    probe();
    co_return true;
}

Task<bool> RedisLink::find_identity(RedisHandshake& handshake) {
    using Next = RedisHandshake::Next;
    std::vector<RedisReply> replies;
    bool answered = co_await ask(handshake.introduction(), replies);
    if (!answered) co_return false;
    Next next = handshake.take_introduction(replies);
    if (handshake.refusal()) report(*handshake.refusal());
    if (next == Next::identified) shared_.reporter().works(RedisWork::identity);
    if (next == Next::needs_nonce) {
        const std::string nonce = node_.epochs().nonce();
        answered = co_await ask(handshake.identification(shared_.instance(), nonce), replies);
        if (!answered) co_return false;
        next = handshake.take_identification(replies);
        if (next != Next::identified) report(*handshake.refusal());
        const bool outdated = nonce != node_.epochs().nonce();  // another link was lost meanwhile
        if (next == Next::identified && outdated) co_return false;
    }
    if (next == Next::not_the_master) node_.address().set_not_the_master(address_);
    co_return next == Next::identified;
}

/// Lets the subscriber, where there is one, hear of the keys read here. False: the connection was
/// lost meanwhile.
Task<bool> RedisLink::enable_tracking() {
    const std::int64_t subscriber = node_.subscriber();
    if (subscriber == 0 || steady_now() < tracking_refused_until_) co_return true;
    const Tracked tracked = node_.tracks_all() ? Tracked::every_read : Tracked::on_request;
    std::vector<RedisReply> replies;
    RedisCommands commands = tracking_commands(subscriber, tracked, shared_.keys().clock());
    const bool answered = co_await ask(std::move(commands), replies);
    if (!answered) co_return false;
    if (const auto refusal = read_tracking(replies)) {
        report(*refusal);
        tracking_refused_until_ = steady_now() + pause_when_refused;
        co_return true;
    }
    shared_.reporter().works(RedisWork::tracking);
    // What was read before the server said yes may have been read untracked: it must not stay in
    // the memory tier.
    node_.forget_untracked();
    const Untracked untracked = read_untracked(replies);
    untracked_reads_.store(untracked.next_command, std::memory_order_relaxed);
    node_.set_looks_unnoticed(untracked.getex);
    tracked_by_.store(subscriber, std::memory_order_release);
    node_.prove_subscriber();
    shared_.wake_maintenance();
    co_return true;
}

void RedisLink::track(std::int64_t subscriber) {
    if (subscriber == 0) return;
    asio::dispatch(context_, [self = shared_from_this(), subscriber] {
        if (self->retracking_ || !self->connected() || self->tracked_by() == subscriber) return;
        self->retracking_ = true;
        net::start_detached(self->context_.get_executor(), retrack(self), "tracking Redis keys");
    });
}

Task<void> RedisLink::retrack(std::shared_ptr<RedisLink> self) {
    const std::int64_t asked_for = self->node_.subscriber();
    {
        struct Ending {
            bool& flag;
            ~Ending() { flag = false; }
        };
        const Ending ending{self->retracking_};
        const bool ignored = co_await self->enable_tracking();
        static_cast<void>(ignored);
    }
    if (self->node_.subscriber() != asked_for) self->track(self->node_.subscriber());
}

void RedisLink::lose(const Transport& transport) {
    if (transport != transport_ || !transport) return;
    const LinkHealth::State before = health_.disconnected();
    const Transport lost = std::exchange(transport_, nullptr);
    lost->close();
    RedisPipeline::Ended ended = pipeline_.end();
    // A server that closes during the handshake may have said why in its first reply.
    if (before == LinkHealth::State::handshaking && !stopping_ && ended.refusal)
        fail_attempt(classify_reply(*ended.refusal), *ended.refusal);
    attempting_ = false;
    tracked_by_.store(0, std::memory_order_release);
    attempt_timer_.cancel();
    pause_timer_.cancel();
    if (before >= LinkHealth::State::stalled) {
        shared_.reporter().count(RedisError::closed);
        node_.forget_untracked();  // Redis has forgotten which keys were read here
        node_.forget_everything_id();
        node_.link_troubled(this);
        if (!health_.names_server()) node_.end_epoch(epoch());
    }
    node_.link_changed();
    for (RedisBatchPointer& batch : ended.batches)
        complete(std::move(batch), RedisBatch::Status::down);
}

/// Shows, also without traffic, that the connection lives and leads to the same server. Gives up a
/// connection that was silent for too long.
void RedisLink::heartbeat() {
    if (stopping_) return;
    // The next heartbeat is set first, so that a failure below does not end the heartbeats.
    heartbeat_timer_.expires_after(heartbeat_every);
    heartbeat_timer_.async_wait([self = shared_from_this()](error_code error) {
        if (!error) self->heartbeat();
    });
    // A node of a cluster that is silent for so long may be replaced by now.
    if (node_.is_of_cluster() && usable() && steady_now() - proved_at() > doubted_after)
        node_.doubt();
    if (usable() || (connected() && node_.is_of_cluster())) probe();
    if (health_.hopeless(steady_now())) {
        shared_.reporter().failed(RedisWork::use, RedisError::timeout,
                                  "no answer within redis.timeout", {});
        lose(transport_);
    }
    track(node_.subscriber());
}

}  // namespace larder::redis
