#include "flow/fetch_aside.hpp"

#include "flow/forward_heads.hpp"
#include "flow/origin_results.hpp"

namespace larder::flow {
namespace {

using origin::BodyReader;

constexpr int interim_max = 32;

net::Task<void> ask_once(Services& services, const AsideRequest& aside, std::string_view head,
                         origin::ConnectionAge age, origin::Exchange& exchange) {
    const auto& upstream = aside.config.upstream_of(aside.route);
    const origin::RequestBytes bytes{head, aside.request.body};
    co_await origin::send_request(services.origin, upstream, bytes, age, exchange);
    record_failed_connects(services, aside.config, exchange);
    origin::HeadReading reading;
    reading.views = origin::HeadReading::Views::kept;
    reading.timeout = upstream->settings().response_timeout;
    for (int interims = 0; !exchange.failed(); ++interims) {
        co_await origin::read_response_head(reading, exchange);
        if (exchange.failed() || exchange.head.status >= 200) co_return;
        if (exchange.head.status != 101 && interims < interim_max) continue;
        exchange.error = origin::OriginError::malformed;
        exchange.why = "101 without a request to upgrade, or too many interim responses";
    }
}

net::Task<void> read_body(origin::Exchange& exchange, BodyReader& body, std::size_t bytes_max,
                          AsideAnswer& answer) {
    while (true) {
        BodyReader::Piece piece;
        const bool buffered = body.next_buffered(piece);
        if (!buffered) piece = co_await body.next();
        if (piece.status == BodyReader::Status::end) co_return;
        if (piece.status != BodyReader::Status::data) {
            exchange.error = piece.status == BodyReader::Status::timed_out
                                 ? origin::OriginError::timeout
                                 : origin::OriginError::truncated;
            co_return;
        }
        const std::size_t room = bytes_max - answer.body.size();
        answer.body_too_large = piece.data.size() > room;
        answer.body.append(piece.data.substr(0, room));
        if (answer.body_too_large) co_return;
    }
}

}  // namespace

net::Task<void> ask_aside(Services& services, const AsideRequest& aside,
                          origin::Exchange& exchange) {
    RequestHeadOptions options;
    options.for_cache = true;
    std::string head;
    const HeadTarget target{*aside.config.upstream_of(aside.route), aside.route, aside.captures};
    build_origin_head(aside.request, aside.sender, options, target, aside.config.settings, head);
    exchange.repeatable = exchange.lasts = true;
    co_await ask_once(services, aside, head, origin::ConnectionAge::any, exchange);
    if (!may_retry(exchange)) co_return;
    exchange.drop_connection();
    exchange.error = origin::OriginError::none;
    co_await ask_once(services, aside, head, origin::ConnectionAge::fresh, exchange);
}

net::Task<void> fetch_aside(Services& services, const AsideRequest& aside,
                            std::size_t body_bytes_max, AsideAnswer& answer) {
    origin::Exchange exchange;
    co_await ask_aside(services, aside, exchange);
    if (!exchange.failed()) {
        answer.status = exchange.head.status;
        for (const http::Field& field : exchange.head.fields)
            answer.fields.emplace_back(field.name, field.value);
        BodyReader body(exchange.connection->stream, exchange.connection->in, exchange.head.framing,
                        exchange.head.content_length,
                        aside.config.upstream_of(aside.route)->settings().idle_timeout,
                        http::ChunkSender::origin);
        co_await read_body(exchange, body, body_bytes_max, answer);
        if (!exchange.failed()) {
            record_origin_success(services, aside.config, exchange);
            if (!answer.body_too_large) origin::finish_exchange(services.origin, exchange, body);
            co_return;
        }
    }
    if (exchange.connection) record_origin_failure(services, aside.config, exchange);
    answer.failure = failure_answer(exchange).message;
}

}  // namespace larder::flow
