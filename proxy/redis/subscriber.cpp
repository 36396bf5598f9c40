#include "redis/subscriber.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <vector>

#include "net/detached.hpp"
#include "redis/handshake.hpp"
#include "redis/identity.hpp"
#include "redis/read_replies.hpp"
#include "redis/shared.hpp"

namespace larder::redis {
namespace asio = boost::asio;
using namespace std::chrono_literals;
namespace {

constexpr Milliseconds ping_every = 200ms;
constexpr Milliseconds silent_at_most = 1000ms;
constexpr Milliseconds pause_between = 200ms;
constexpr Milliseconds pause_when_refused = 5s;  // rights are given by hand
constexpr std::string_view channel = "__redis__:invalidate";

}  // namespace

RedisSubscriber::RedisSubscriber(asio::io_context& context, RedisShared& shared, RedisNode& node)
    : context_(context),
      shared_(shared),
      node_(node),
      heartbeat_timer_(context),
      pause_timer_(context) {}

void RedisSubscriber::start() {
    node_.prover().set([weak = weak_from_this()] {
        if (const auto self = weak.lock()) asio::post(self->context_, [self] { self->hurry(); });
    });
    node_.subscriber_ender().set([weak = weak_from_this()] {
        if (const auto self = weak.lock()) asio::post(self->context_, [self] { self->end(); });
    });
    net::start_lasting(
        context_.get_executor(), [self = shared_from_this()] { return keep_connected(self); },
        "the Redis subscriber");
}

// Connects anew if this connection leads to another server than the links. What the old server has
// sent is read to its end, because its last news may tell of purges that the new server has
// forgotten.
void RedisSubscriber::end() {
    const bool elsewhere = node_.is_watched() && node_.address().target() != address_;
    if (transport_ && (elsewhere || server_ != node_.epochs().server())) transport_->end();
}

// Sends a heartbeat now rather than when it is due. If one waits for its answer already, the next
// one comes in its own time.
void RedisSubscriber::hurry() {
    if (stopping_ || !transport_ || node_.subscriber() == 0) return;
    if (ping_answered_) heartbeat(transport_);
}

void RedisSubscriber::stop() {
    node_.prover().set(nullptr);
    node_.subscriber_ender().set(nullptr);
    asio::dispatch(context_, [self = shared_from_this()] {
        self->stopping_ = true;
        if (self->transport_) self->transport_->close();
        self->heartbeat_timer_.cancel();
        self->pause_timer_.cancel();
    });
}

Task<void> RedisSubscriber::keep_connected(std::shared_ptr<RedisSubscriber> self) {
    while (!self->stopping_) {
        self->transport_ =
            std::make_shared<RedisTransport>(self->context_, self->shared_.config().tls);
        co_await self->listen(self->transport_);
        self->transport_->close();
        self->heartbeat_timer_.cancel();
        self->node_.set_subscriber(0, {});
        self->shared_.lock_waiters().let_all_look();  // what comes now is not heard
        if (self->stopping_) break;
        self->pause_timer_.expires_after(self->refused_ ? pause_when_refused : pause_between);
        [[maybe_unused]] const auto [ignored] = co_await self->pause_timer_.async_wait(as_result);
    }
}

Task<void> RedisSubscriber::listen(std::shared_ptr<RedisTransport> transport) {
    const RedisUrl& url = shared_.config().url;
    // Until the channel is there, the heartbeat counts connecting as one unanswered PING.
    ping_sent_ = steady_now();
    ping_answered_ = false;
    heartbeat(transport);
    RedisAddress address = url.addresses.empty() ? RedisAddress{} : url.addresses.front();
    if (node_.is_watched()) {
        address = address_ = node_.address().target();
        if (address.host.empty()) co_return;
    }
    const error_code failed = co_await transport->connect(url.kind, address, url.path);
    if (failed) co_return;
    RedisReplyReader reader;
    const bool introduced = co_await introduce(transport, reader);
    if (!introduced) co_return;
    ping_answered_ = true;
    std::vector<char> buffer(16 * 1024);
    while (true) {
        const std::size_t size = co_await transport->read_some(asio::buffer(buffer));
        if (size == 0 || !reader.feed(buffer.data(), size)) co_return;
        RedisReply message;
        auto next = reader.next(message);
        while (next == RedisReplyReader::Next::reply) {
            if (!take(message)) co_return;
            next = reader.next(message);
        }
        if (next == RedisReplyReader::Next::broken) co_return;
    }
}

/// Sends commands and reads their replies. False: the connection is of no use.
Task<bool> RedisSubscriber::ask(std::shared_ptr<RedisTransport> transport, RedisReplyReader& reader,
                                RedisCommands commands, std::vector<RedisReply>& replies) {
    const std::size_t expected = commands.count();
    send(transport, std::move(commands));
    replies.clear();
    const bool good = co_await read_replies(std::move(transport), reader, expected, replies);
    co_return good;
}

/// Password, name, the server's identity, and the client id that the links redirect to; then the
/// channels.
Task<bool> RedisSubscriber::introduce(std::shared_ptr<RedisTransport> transport,
                                      RedisReplyReader& reader) {
    const RedisUrl& url = shared_.config().url;
    RedisCommands commands;
    add_authentication(commands, url);
    commands.add("CLIENT", "SETNAME", "larder-tracking");
    commands.add("INFO", "server");
    commands.add("INFO", "replication");
    commands.add("GET", shared_.keys().nonce(shared_.instance()));
    commands.add("CLIENT", "ID");
    std::vector<RedisReply> replies;
    const std::size_t asked = commands.count();
    const bool answered = co_await ask(transport, reader, std::move(commands), replies);
    if (!answered) co_return false;
    ServerIdentity identity;
    read_info(replies[asked - 4].text, identity);
    read_info(replies[asked - 3].text, identity);
    const RedisReply& nonce = replies[asked - 2];
    const RedisReply& id = replies[asked - 1];
    const bool names_itself = !identity.run_id.empty();
    const std::string server = names_itself      ? identity.name()
                               : nonce.is_text() ? nonce.text
                                                 : std::string();
    refused_ = !server.empty() && id.is_error();
    if (refused_)
        shared_.reporter().failed(RedisWork::subscription, classify_reply(id.text), id.text,
                                  "CLIENT");
    if (server.empty() || identity.replica || id.type != RedisReply::Type::integer ||
        id.integer <= 0)
        co_return false;
    RedisCommands listening;
    listening.add("SUBSCRIBE", shared_.keys().news());
    listening.add("SUBSCRIBE", channel);
    std::vector<RedisReply> subscribed;
    const bool heard = co_await ask(transport, reader, std::move(listening), subscribed);
    if (!heard) co_return false;
    // Redis reports changes to every connection that has subscribed to any channel, so a right to
    // the channel of changes is not needed.
    const RedisReply& news = subscribed.front();
    refused_ = news.type != RedisReply::Type::array;
    if (refused_) {
        shared_.reporter().failed(RedisWork::subscription, classify_reply(news.text), news.text,
                                  "SUBSCRIBE");
        co_return false;
    }
    shared_.reporter().works(RedisWork::subscription);
    // Only a server that has forgotten purges asks for the history, and the one it was heard on is
    // gone then.
    if (server == server_) node_.marks().news_missed();
    // The news of what was purged on the other nodes may have come here.
    if (node_.is_of_cluster()) shared_.fleet().news_missed(node_.lane());
    server_ = server;
    node_.set_subscriber(id.integer, server);
    co_return true;
}

/// False: this is no message that a subscriber gets.
bool RedisSubscriber::take(const RedisReply& message) {
    if (message.type != RedisReply::Type::array || message.items.empty()) return false;
    const std::string& kind = message.items.front().text;
    if (kind == "pong") {
        ping_answered_ = true;
        shared_.peers().news_flows(steady_now());
        node_.subscriber_proved(ping_sent_);
        return true;
    }
    if (kind != "message" || message.items.size() < 3) return kind == "subscribe";
    if (message.items[1].text == shared_.keys().news()) {
        shared_.heard_news(message.items[2].text);
        return true;
    }
    const RedisReply& keys = message.items[2];
    if (keys.type == RedisReply::Type::array) {
        for (const RedisReply& key : keys.items) shared_.invalidated(key.text);
    } else {
        shared_.all_invalidated(node_);
    }
    return true;
}

void RedisSubscriber::send(const std::shared_ptr<RedisTransport>& transport,
                           RedisCommands commands) {
    const auto bytes = std::make_shared<const std::string>(std::move(commands.bytes()));
    // A failed write is no reason to close: the last news of a server that has died may still wait
    // to be read. The reader finds the end.
    transport->write(asio::buffer(*bytes), [transport, bytes](error_code) {});
}

void RedisSubscriber::heartbeat(const std::shared_ptr<RedisTransport>& transport) {
    if (stopping_ || transport != transport_) return;
    const SteadyTime now = steady_now();
    const auto patience =
        std::max(silent_at_most,
                 node_.subscriber() == 0 ? shared_.settings().connect_timeout : silent_at_most);
    if (!ping_answered_ && now - ping_sent_ > patience) return transport->end();
    // The next heartbeat is set first, so that a failure below does not end the heartbeats.
    heartbeat_timer_.expires_after(ping_every);
    heartbeat_timer_.async_wait([self = shared_from_this(), transport](error_code error) {
        if (!error) self->heartbeat(transport);
    });
    if (!ping_answered_) return;
    ping_sent_ = now;
    ping_answered_ = false;
    RedisCommands ping;
    ping.add("PING");
    send(transport, std::move(ping));
}

}  // namespace larder::redis
