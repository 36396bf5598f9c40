#include "flow/serve_client.hpp"

#include <array>
#include <boost/asio/post.hpp>

#include "flow/answer_request.hpp"
#include "flow/finish_request.hpp"
#include "flow/send_response.hpp"
#include "http/target_uri.hpp"
#include "net/detached.hpp"
#include "net/proxy_protocol.hpp"

namespace larder::flow {
namespace {

using cache::Detail;

http::HeadLimits head_limits(const settings::Limits& limits) {
    return {limits.header_bytes, limits.header_count, limits.uri_bytes};
}

// What one look at the buffer came to.
enum class Step : std::uint8_t {
    read_more,  ///< the head is not complete
    served,     ///< answered already
    answer,     ///< a head is there, the answer takes a coroutine
    refuse,     ///< the head is not acceptable: `refusal` says why
    closed,     ///< the client has ended, or the connection is lost
};

void go_idle(Client& client) {
    if (client.lent_exchange) client.services.exchanges.give_back(std::move(client.lent_exchange));
    client.in.release();
    client.idle = true;
    client.stream.expire_at(steady_now() + client.settings().limits.keepalive_timeout);
}

void begin_exchange(Client& client) {
    if (!client.lent_exchange) {
        client.lent_exchange = client.services.exchanges.take();
    } else {
        client.lent_exchange->reset();
    }
}

// Reads what is there; without waiting.
Step read_some(Client& client) {
    const net::Buffer::Room room = client.in.room(4096);
    if (room.size == 0) return Step::closed;
    const net::IoResult got = client.stream.try_read(room.at, room.size);
    switch (got.kind) {
        case net::IoResult::Kind::done:
            client.in.append_done(got.bytes);
            return Step::answer;
        case net::IoResult::Kind::would_block:
            return Step::read_more;
        default:
            return Step::closed;
    }
}

Step look_at_head(Client& client, http::HeadResult& parsed) {
    client.services.follow_reload();  // counts from the next request on
    if (client.config != client.services.config) client.config = client.services.config;
    begin_exchange(client);
    Exchange& exchange = client.exchange();
    parsed = http::parse_request_head(client.in.view(), head_limits(client.settings().limits),
                                      exchange.storage, exchange.request);
    if (parsed.status == http::HeadStatus::need_more) return Step::read_more;
    exchange.began = steady_now();
    client.idle = false;
    if (parsed.status != http::HeadStatus::complete) return Step::refuse;
    client.in.consume(parsed.consumed);
    exchange.bytes_in = parsed.consumed;
    exchange.body_pending = exchange.request.framing != http::Framing::none;
    if (client.peer_name.empty()) client.peer_name = client.peer.to_string();
    exchange.request.peer = client.peer_name;
    exchange.request.peer_trusted = client.config->trusted_proxies.contains(client.peer);
    exchange.request.peer_tls = client.stream.is_tls();
    http::set_target_uri(exchange.request);
    if (answer_at_once(client)) return Step::served;
    return Step::answer;
}

struct Refusal {
    int status;
    Detail detail;
};

Refusal refusal_of(http::HeadStatus status) {
    switch (status) {
        case http::HeadStatus::too_large:
            return {431, Detail::limit};
        case http::HeadStatus::target_too_long:
            return {414, Detail::limit};
        case http::HeadStatus::not_implemented:
            return {501, Detail::not_implemented};
        default:
            return {400, Detail::bad_request};
    }
}

net::Task<void> refuse(Client& client, http::HeadResult parsed) {
    const Refusal refusal = refusal_of(parsed.status);
    client.exchange().request.fields = {};
    client.exchange().request.keep_alive = false;
    client.exchange().outcome = {};
    client.exchange().bytes_in = client.in.size();
    client.in.consume(client.in.size());
    co_await answer_error(client, refusal.status, refusal.detail, parsed.why, true);
    finish_request(client);
}

// The rest of a hit that did not fit into the socket's buffer.
net::Task<void> send_rest(Client& client) {
    Exchange& exchange = client.exchange();
    const cache::Stored entry = exchange.rest_of;
    const std::string_view body = exchange.request.method == http::Method::head
                                      ? std::string_view{}
                                      : std::string_view(entry->body);
    std::array<iovec, 3> pieces{iovec{const_cast<char*>(entry->head.data()), entry->head.size()},
                                iovec{exchange.text.data(), exchange.text.size()},
                                iovec{const_cast<char*>(body.data()), body.size()}};
    std::size_t skip = exchange.rest_sent;
    for (iovec& piece : pieces) {
        const std::size_t part = std::min(skip, piece.iov_len);
        piece.iov_base = static_cast<char*>(piece.iov_base) + part;
        piece.iov_len -= part;
        skip -= part;
    }
    const bool sent =
        co_await client.stream.write_all(pieces, client.settings().limits.body_timeout);
    if (!sent) client.exchange().keep_alive = false;
}

net::Task<void> answer(Client& client) {
    const settings::Limits& limits = client.settings().limits;
    Exchange& exchange = client.exchange();
    client.stream.never_expire();
    if (exchange.request.framing == http::Framing::length &&
        exchange.request.content_length > limits.body_bytes) {
        co_await answer_error(client, 413, Detail::limit, "the request's body is too large", true);
    } else {
        co_await answer_request(client);
    }
    finish_request(client);
}

// A client that still sends when we close would get a reset and lose our answer: read on for a
// moment.
net::Task<void> linger(Client& client) {
    if (!client.stream.is_open()) co_return;
    client.stream.shutdown_write();
    client.stream.clear_timeout();
    client.stream.expire_at(steady_now() + Milliseconds(1000));
    std::size_t drained = 0;
    while (drained < 1024 * 1024) {
        client.in.consume(client.in.size());
        const net::Buffer::Room room = client.in.room(4096);
        const net::IoResult got = co_await client.stream.read_some(room.at, room.size);
        if (got.kind != net::IoResult::Kind::done) break;
        drained += got.bytes;
    }
}

// The head did not come in time: 408 where some of it did, else silence.
net::Task<void> time_out(Client& client) {
    client.stream.clear_timeout();
    if (!client.stream.is_open() || client.in.empty()) co_return;
    begin_exchange(client);
    client.exchange().request = {};
    client.exchange().began = steady_now();
    co_await answer_error(client, 408, Detail::client_timeout, "the request did not come in time",
                          true);
    finish_request(client);
}

// How many bytes are surely of the PROXY header: those behind it belong to the TLS handshake.
std::size_t bytes_of_proxy_header(std::string_view so_far) {
    constexpr std::size_t shortest = 15;  // "PROXY UNKNOWN" and its line end
    constexpr std::size_t fixed_v2 = 16;
    if (so_far.size() < shortest) return shortest - so_far.size();
    if (so_far.front() == 'P') return 1;
    if (so_far.size() < fixed_v2) return fixed_v2 - so_far.size();
    const auto byte = [so_far](std::size_t i) {
        return static_cast<std::size_t>(static_cast<unsigned char>(so_far[i]));
    };
    return fixed_v2 + (byte(14) << 8 | byte(15)) - so_far.size();
}

net::Task<bool> read_proxy_header(Client& client, bool tls_follows) {
    client.stream.expire_at(steady_now() + client.settings().limits.header_timeout);
    while (true) {
        const net::ProxyHeader header = net::parse_proxy_header(client.in.view());
        if (header.kind == net::ProxyHeader::Kind::malformed) co_return false;
        if (header.kind == net::ProxyHeader::Kind::complete) {
            client.in.consume(header.size);
            if (header.source) client.peer = *header.source;
            co_return true;
        }
        const std::size_t most = tls_follows ? bytes_of_proxy_header(client.in.view()) : 4096;
        const net::Buffer::Room room = client.in.room(most);
        const std::size_t size = std::min(most, room.size);
        const net::IoResult got = co_await client.stream.read_plain(room.at, size);
        if (got.kind != net::IoResult::Kind::done) co_return false;
        client.in.append_done(got.bytes);
    }
}

// limits.connections_per_client.
bool admit(Client& client) {
    const std::size_t most = client.settings().limits.connections_per_client;
    if (most == 0 || client.counted) return true;
    client.counted = client.services.peers->add(client.peer, most);
    return client.counted;
}

net::Task<void> turn_away(Client& client) {
    static_cast<void>(read_some(
        client));  // a request that is there already must not turn the answer into a reset
    begin_exchange(client);
    client.exchange().request = {};
    client.exchange().began = steady_now();
    co_await answer_error(client, 503, Detail::limit, "too many connections from this address",
                          true);
    finish_request(client);
}

// PROXY header and TLS handshake, as the doorway wants them.
net::Task<bool> read_preface(Client& client, Preface preface) {
    if (preface.proxy_protocol) {
        if (!client.config->trusted_proxies.contains(client.peer)) co_return false;
        const bool read = co_await read_proxy_header(client, preface.tls);
        if (!read) co_return false;
    }
    if (preface.tls) {
        if (!admit(client)) co_return false;
        client.stream.expire_at(steady_now() + client.settings().limits.header_timeout);
        const bool encrypted = co_await client.stream.handshake();
        co_return encrypted;
    }
    co_return true;
}

// Waits for more of a head. False: there is none to come.
net::Task<bool> wait_for_more(Client& client) {
    if (client.idle) {
        client.idle = false;
        client.stream.expire_at(steady_now() + client.settings().limits.header_timeout);
    }
    while (true) {
        const Step step = read_some(client);
        if (step == Step::answer) co_return true;
        if (step == Step::closed) break;
        const bool ready = co_await client.stream.readable();
        if (!ready) break;
    }
    if (client.stream.timed_out()) co_await time_out(client);
    co_return false;
}

// What takes a coroutine. False: the connection ends.
net::Task<bool> take_step(Client& client, Step step, http::HeadResult parsed) {
    switch (step) {
        case Step::read_more: {
            const bool more = co_await wait_for_more(client);
            co_return more;
        }
        case Step::served:
            co_await send_rest(client);
            finish_request(client);
            break;
        case Step::answer:
            co_await answer(client);
            break;
        case Step::refuse:
            co_await refuse(client, parsed);
            break;
        case Step::closed:
            co_return false;
    }
    client.head_apart.release();
    client.idle = true;
    const bool go_on = client.exchange().keep_alive && client.stream.is_open();
    if (!go_on && (client.exchange().body_pending || step == Step::refuse || !client.in.empty()))
        co_await linger(client);
    co_return go_on;
}

}  // namespace

namespace {

void begin_waiting(std::unique_ptr<Client> client);
void serve_ready(std::unique_ptr<Client> client);

// Goes on with what takes a coroutine, until nothing of the client is left to answer.
net::Task<void> continue_client(std::unique_ptr<Client> client, Step step,
                                http::HeadResult parsed) {
    while (true) {
        const bool served = step == Step::served && !client->exchange().rest_of;
        bool go_on = served && client->exchange().keep_alive;
        if (served) finish_request(*client);
        if (!served) go_on = co_await take_step(*client, step, parsed);
        if (!go_on) co_return;
        if (client->in.empty()) break;
        step = look_at_head(*client, parsed);
    }
    begin_waiting(std::move(client));
}

// Something may have come: what can be answered at once is, without a coroutine.
void serve_ready(std::unique_ptr<Client> client) {
    const Step came = read_some(*client);
    if (came == Step::read_more) return begin_waiting(std::move(client));
    if (came != Step::answer) return;
    do {
        http::HeadResult parsed;
        const Step step = look_at_head(*client, parsed);
        if (step != Step::served || client->exchange().rest_of) {
            const net::Executor executor = client->services.executor();
            net::start_detached(executor, continue_client(std::move(client), step, parsed),
                                "answering a client");
            return;
        }
        finish_request(*client);
        if (!client->exchange().keep_alive) return;
    } while (!client->in.empty());
    begin_waiting(std::move(client));
}

void on_ready(void* owner) { serve_ready(std::unique_ptr<Client>(static_cast<Client*>(owner))); }

// Idle from now on: the buffers go back, the watch wakes us.
void begin_waiting(std::unique_ptr<Client> client) {
    go_idle(*client);
    if (client->stream.known_empty()) {
        net::Stream& stream = client->stream;
        stream.when_readable(&on_ready, client.release());
        return;
    }
    // There may be more; others first.
    client->stream.expect_more();
    const net::Executor executor = client->services.executor();
    boost::asio::post(executor,
                      [held = std::move(client)]() mutable { serve_ready(std::move(held)); });
}

net::Task<void> read_preface_and_wait(std::unique_ptr<Client> client, Preface preface) {
    const bool entered = co_await read_preface(*client, preface);
    if (!entered) co_return;
    if (!admit(*client)) {
        co_await turn_away(*client);
        co_return;
    }
    if (client->in.empty()) {
        begin_waiting(std::move(client));
        co_return;
    }
    http::HeadResult parsed;
    const Step step = look_at_head(*client, parsed);
    co_await continue_client(std::move(client), step, parsed);
}

}  // namespace

void serve_client(std::unique_ptr<Client> client, Preface preface) {
    const bool enters = preface.tls || preface.proxy_protocol;
    client->stream.watch_from_the_start();
    if (!enters && admit(*client)) return begin_waiting(std::move(client));
    const net::Executor executor = client->services.executor();
    net::start_detached(executor, read_preface_and_wait(std::move(client), preface),
                        "greeting a client");
}

Client::Client(net::TcpSocket socket, Services& services_in, ClientList& list_in,
               boost::asio::ip::address peer_in)
    : services(services_in),
      list(list_in),
      stream(std::move(socket), services_in.wheel),
      in(services_in.buffers),
      head_apart(services_in.buffers),
      peer(peer_in),
      config(services_in.config) {
    list.add(*this);
    services.connections->fetch_add(1, std::memory_order_relaxed);
}

Client::~Client() {
    if (lent_exchange) services.exchanges.give_back(std::move(lent_exchange));
    if (counted) services.peers->remove(peer);
    list.remove(*this);
    services.connections->fetch_sub(1, std::memory_order_relaxed);
}

void ClientList::add(Client& client) {
    client.next = first_;
    if (first_) first_->previous = &client;
    first_ = &client;
    ++size_;
}

void ClientList::remove(Client& client) {
    (client.previous ? client.previous->next : first_) = client.next;
    if (client.next) client.next->previous = client.previous;
    --size_;
}

std::size_t ClientList::busy() const {
    std::size_t count = 0;
    for (const Client* client = first_; client; client = client->next) count += !client->idle;
    return count;
}

void ClientList::close_idle() {
    for (Client* client = first_; client; client = client->next)
        if (client->idle) client->stream.cancel();
}

void ClientList::close_all() {
    for (Client* client = first_; client; client = client->next) client->stream.cancel();
}

}  // namespace larder::flow
