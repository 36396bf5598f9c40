#include <algorithm>
#include <random>
#include <utility>

#include "net/detached.hpp"
#include "redis/link.hpp"
#include "redis/scripts.hpp"
#include "redis/sentinel.hpp"
#include "redis/shared.hpp"

// How a link's connection is made, kept and given up.
namespace larder::redis {
namespace asio = boost::asio;
using namespace std::chrono_literals;
namespace {

// Caching must resume within 2 s of Redis' return: pause, connecting and handshake together stay
// well below.
constexpr Milliseconds first_pause = 50ms;
constexpr Milliseconds longest_pause = 500ms;
constexpr Milliseconds longest_connect = 1000ms;  // beyond it, a lost SYN is better sent anew
constexpr Milliseconds longest_stall = 1000ms;
constexpr Milliseconds heartbeat_every = 200ms;
constexpr Milliseconds nonce_lifetime = 24h;
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
    shared_.failed(RedisWork::use, reason, text, {});
}

/// A server that closes while it is being introduced to may have said why in its first reply.
void RedisLink::note_refusal_of_handshake() {
    if (pending_.empty()) return;
    for (const RedisReply& reply : pending_.front().replies)
        if (reply.is_error()) return fail_attempt(classify_reply(reply.text), reply.text);
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
            self->track(self->shared_.subscriber());
            while (self->transport_) {
                self->pause_timer_.expires_at(SteadyTime::max());
                [[maybe_unused]] const auto [ignored] =
                    co_await self->pause_timer_.async_wait(as_result);
            }
        }
        if (self->stopping_) break;
        if (std::exchange(self->was_ready_, false)) pause = first_pause;
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
    const Transport transport = std::make_shared<RedisTransport>(context_, shared_.tls());
    const RedisUrl& url = shared_.url();
    transport_ = transport;
    reader_ = std::make_unique<RedisReplyReader>();
    writing_ = false;
    state_.store(State::handshaking, std::memory_order_release);
    shared_.link_changed();
    RedisAddress address = url.addresses.empty() ? RedisAddress{} : url.addresses.front();
    attempting_ = true;
    if (url.kind == RedisUrl::Kind::sentinel) {
        limit_attempt(shared_.settings().connect_timeout);
        const auto master = co_await find_master(
            context_, shared_, std::min(longest_connect, shared_.settings().connect_timeout));
        if (!master && transport == transport_)
            fail_attempt(RedisError::sentinel,
                         "no sentinel says where the master " + url.master + " is");
        if (!master) lose(transport);
        if (master) address = *master;
    }
    if (transport != transport_) co_return false;
    address_ = address;
    limit_attempt(std::min(longest_connect, shared_.settings().connect_timeout));
    const error_code error = co_await transport->connect(url.kind, address, url.path);
    if (error && transport == transport_)
        fail_attempt(classify_error(error), name_of(address, url) + ": " + error.message());
    if (error) lose(transport);
    if (transport != transport_) co_return false;
    // A connection that died after it was made must not cost more than one that could not be made.
    limit_attempt(std::min(shared_.settings().connect_timeout,
                           std::max(longest_connect, shared_.settings().timeout)));
    net::start_detached(context_.get_executor(), read_replies(shared_from_this(), transport),
                        "reading from Redis");
    const bool welcome = co_await shake_hands();
    attempting_ = false;
    attempt_timer_.cancel();
    if (!welcome) lose(transport);
    if (transport != transport_) co_return false;
    shared_.not_the_master({});
    shared_.set_address(address_);
    // Ready with the first answer that comes in time.
    received_at_ = steady_now();
    stalled_since_ = received_at_;
    state_.store(State::stalled, std::memory_order_release);
    probe();
    co_return true;
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

/// Introduces the connection and finds out whom it leads to. False: not a server to use now (wrong
/// password, loading, a replica, silence).
Task<bool> RedisLink::shake_hands() {
    const RedisUrl& url = shared_.url();
    const auto batch = std::make_shared<RedisBatch>();
    batch->needs = RedisBatch::Needs::transport;
    batch->deadline = steady_now() + shared_.settings().connect_timeout;
    std::size_t must_succeed = 0;
    if (!url.password.empty()) {
        ++must_succeed;
        if (url.user.empty()) batch->commands.add("AUTH", url.password);
        if (!url.user.empty()) batch->commands.add("AUTH", url.user, url.password);
    }
    if (url.database != 0) {
        ++must_succeed;
        batch->commands.add("SELECT", static_cast<std::int64_t>(url.database));
    }
    // A read tells what a PING would not: that the password is missing, the data is loading, the
    // master is away.
    batch->commands.add("GET", shared_.keys().clock());
    ++must_succeed;
    batch->commands.add("CLIENT", "SETNAME", "larder");
    batch->commands.add("INFO", "server");
    batch->commands.add("INFO", "replication");
    co_await async_run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    for (std::size_t i = 0; i < must_succeed; ++i) {
        if (!batch->replies[i].is_error()) continue;
        fail_attempt(classify_reply(batch->replies[i].text), batch->replies[i].text);
        co_return false;
    }
    if (batch->replies[must_succeed + 1].is_error()) {
        const std::string& text = batch->replies[must_succeed + 1].text;
        shared_.failed(RedisWork::identity, classify_reply(text), text, "INFO");
    }
    const bool identified = co_await find_identity(batch->replies.data() + must_succeed + 1);
    if (!identified) co_return false;
    const bool tracking = co_await enable_tracking();
    co_return tracking;
}

/// Finds out which server this is, from the replies to INFO, or else by a value of our own. False:
/// none to use.
Task<bool> RedisLink::find_identity(const RedisReply* info) {
    identity_ = {};
    read_info(info[0].text, identity_);
    read_info(info[1].text, identity_);
    if (identity_.replica) {
        fail_attempt(RedisError::readonly, "the server is a replica");
        shared_.not_the_master(address_);
        co_return false;
    }
    std::string name = identity_.name();
    if (!name.empty()) shared_.works(RedisWork::identity);
    if (name.empty()) {
        const std::string nonce = shared_.name_by_nonce();
        const auto batch = std::make_shared<RedisBatch>();
        batch->needs = RedisBatch::Needs::transport;
        batch->deadline = steady_now() + shared_.settings().connect_timeout;
        batch->commands.add("EVAL", script::nonce, "1", shared_.keys().nonce(shared_.instance()),
                            nonce, nonce_lifetime.count());
        co_await async_run(batch);
        if (batch->status != RedisBatch::Status::ok) co_return false;
        if (batch->replies.front().is_error()) {
            const RedisError reason = classify_reply(batch->replies.front().text);
            fail_attempt(reason, batch->replies.front().text);
            if (reason == RedisError::readonly) shared_.not_the_master(address_);
            co_return false;
        }
        if (nonce != shared_.name_by_nonce()) co_return false;  // another link was lost meanwhile
        name = nonce;
    }
    epoch_.store(shared_.register_server(name, this), std::memory_order_release);
    co_return true;
}

/// Lets the subscriber, where there is one, hear of the keys read here. False: the connection was
/// lost over it.
Task<bool> RedisLink::enable_tracking() {
    const std::int64_t subscriber = shared_.subscriber();
    if (subscriber == 0 || steady_now() < tracking_refused_until_) co_return true;
    const auto batch = std::make_shared<RedisBatch>();
    batch->needs = RedisBatch::Needs::transport;
    batch->deadline = steady_now() + shared_.settings().connect_timeout;
    // Not NOLOOP: it also keeps quiet about what Redis evicted, or found expired, while it ran a
    // command of this connection.
    if (shared_.tracks_all())
        batch->commands.add("CLIENT", "TRACKING", "ON", "REDIRECT", subscriber);
    if (!shared_.tracks_all())
        batch->commands.add("CLIENT", "TRACKING", "ON", "REDIRECT", subscriber, "OPTIN");
    co_await async_run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    if (batch->replies.front().is_error()) {
        const std::string& text = batch->replies.front().text;
        shared_.failed(RedisWork::tracking, classify_reply(text), text, "CLIENT");
        tracking_refused_until_ = steady_now() + pause_when_refused;
        co_return true;
    }
    shared_.works(RedisWork::tracking);
    // What was read before the server said yes may have been read untracked: it must not stay in
    // the memory tier.
    shared_.forget_untracked();
    tracked_by_.store(subscriber, std::memory_order_release);
    shared_.prove_subscriber();
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
    const std::int64_t asked_for = self->shared_.subscriber();
    {
        struct Ending {
            bool& flag;
            ~Ending() { flag = false; }
        };
        const Ending ending{self->retracking_};
        const bool ignored = co_await self->enable_tracking();
        static_cast<void>(ignored);
    }
    if (self->shared_.subscriber() != asked_for) self->track(self->shared_.subscriber());
}

void RedisLink::lose(const Transport& transport) {
    if (transport != transport_ || !transport) return;
    const State before = state_.exchange(State::disconnected, std::memory_order_acq_rel);
    const Transport lost = std::exchange(transport_, nullptr);
    lost->close();
    if (before == State::handshaking && !stopping_) note_refusal_of_handshake();
    attempting_ = false;
    tracked_by_.store(0, std::memory_order_release);
    out_.clear();
    out_bytes_ = 0;
    std::deque<Pending> failed = std::exchange(pending_, {});
    attempt_timer_.cancel();
    pause_timer_.cancel();
    if (before >= State::stalled) {
        shared_.count(RedisError::closed);
        shared_.forget_untracked();  // Redis has forgotten which keys were read here
        shared_.forget_everything_id();
        shared_.link_troubled(this);
        if (identity_.run_id.empty()) shared_.end_round(epoch());
    }
    shared_.link_changed();
    for (Pending& place : failed)
        if (place.batch) complete(std::move(place.batch), RedisBatch::Status::down);
}

/// Shows, also without traffic, that the connection lives and leads to the same server; gives up
/// one that was silent for too long.
void RedisLink::heartbeat() {
    if (stopping_) return;
    // First, so that nothing that fails below ends the heartbeats.
    heartbeat_timer_.expires_after(heartbeat_every);
    heartbeat_timer_.async_wait([self = shared_from_this()](error_code error) {
        if (!error) self->heartbeat();
    });
    if (state_ == State::ready) probe();
    if (state_ == State::stalled && steady_now() - stalled_since_ > longest_stall) {
        shared_.failed(RedisWork::use, RedisError::timeout, "no answer within redis.timeout", {});
        lose(transport_);
    }
    track(shared_.subscriber());
}

}  // namespace larder::redis
