#include "origin/exchange.hpp"

#include <array>

namespace larder::origin {
namespace {

constexpr http::HeadLimits head_limits{64 * 1024, 512, 0};

http::HeadResult parse(std::string_view bytes, HeadReading::ReplyTo reply_to, Exchange& exchange) {
    return http::parse_response_head(bytes, head_limits, reply_to == HeadReading::ReplyTo::head,
                                     exchange.storage, exchange.head);
}

// Parses what has come. False: more is needed.
bool parse_what_is_there(const HeadReading& reading, Exchange& exchange) {
    net::Buffer& in = exchange.connection->in;
    http::HeadResult result = parse(in.view(), reading.reply_to, exchange);
    if (result.status == http::HeadStatus::need_more) return false;
    const std::size_t consumed = result.consumed;
    if (result.status == http::HeadStatus::complete && reading.views == HeadReading::Views::kept) {
        const std::string& tidied = exchange.storage.tidied;
        exchange.head_bytes.assign(tidied.empty() ? in.view().substr(0, consumed) : tidied);
        result = parse(exchange.head_bytes, reading.reply_to, exchange);
    }
    if (result.status == http::HeadStatus::complete) {
        in.consume(consumed);
    } else {
        exchange.error = OriginError::malformed;
        exchange.why = result.why;
    }
    return true;
}

}  // namespace

net::Task<void> send_request(Pool& pool, std::shared_ptr<Upstream> upstream, RequestBytes request,
                             ConnectionAge age, Exchange& exchange) {
    const bool believes = exchange.repeatable && !exchange.lasts;
    const Pool::Kept kept = age == ConnectionAge::fresh ? Pool::Kept::none
                            : believes                  ? Pool::Kept::believed
                                                        : Pool::Kept::proved;
    Acquired acquired = co_await pool.acquire(upstream, kept);
    exchange.error = acquired.error;
    exchange.connection = std::move(acquired.connection);
    exchange.failed_connects = std::move(acquired.failures);
    if (exchange.failed()) co_return;
    exchange.under_way = Counted(exchange.connection->address->requests);
    exchange.requested_at = wall_now();
    exchange.sent_at = steady_now();
    std::array<iovec, 2> pieces{net::piece(request.head), net::piece(request.body)};
    const bool sent =
        co_await exchange.connection->stream.write_all(pieces, upstream->settings().idle_timeout);
    // A failed write is no error yet: an origin that answers without reading on has closed only its
    // own side, and its response may be there to be read.
    static_cast<void>(sent);
}

net::Task<void> read_response_head(HeadReading reading, Exchange& exchange) {
    net::Stream& stream = exchange.connection->stream;
    net::Buffer& in = exchange.connection->in;
    if (reading.timeout != Milliseconds::max()) stream.expire_at(steady_now() + reading.timeout);
    while (true) {
        if (!in.empty()) {
            const bool parsed = parse_what_is_there(reading, exchange);
            if (parsed) break;
        }
        if (stream.known_empty()) {
            const bool ready = co_await stream.readable();
            if (!ready) {
                exchange.error = stream.timed_out() ? OriginError::timeout : OriginError::lost;
                co_return;
            }
        }
        const net::Buffer::Room room = in.room(4096);
        const net::IoResult got = stream.try_read(room.at, room.size);
        if (got.kind == net::IoResult::Kind::would_block) continue;
        if (got.kind != net::IoResult::Kind::done) {
            exchange.error = stream.timed_out() ? OriginError::timeout
                             : in.empty()       ? OriginError::lost
                                                : OriginError::malformed;
            exchange.why = "the response head was cut off";
            co_return;
        }
        in.append_done(got.bytes);
    }
    // A body that has come with its head would be handed out under that deadline.
    if (reading.timeout != Milliseconds::max()) stream.never_expire();
    exchange.received_at = wall_now();
}

bool may_retry(const Exchange& exchange) {
    return exchange.error == OriginError::lost && exchange.connection &&
           exchange.connection->reused && exchange.repeatable;
}

void finish_exchange(Pool& pool, Exchange& exchange, const BodyReader& body) {
    if (!exchange.connection) return;
    exchange.under_way.end();
    ConnectionPtr connection = std::move(exchange.connection);
    if (body.ended() && exchange.head.keep_alive && connection->in.empty())
        pool.release(std::move(connection));
}

}  // namespace larder::origin
