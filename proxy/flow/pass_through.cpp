#include "flow/pass_through.hpp"

#include "cache/invalidation.hpp"
#include "cache/storable.hpp"
#include "flow/forward_heads.hpp"
#include "flow/origin_exchange.hpp"
#include "flow/purge.hpp"
#include "flow/read_plan.hpp"
#include "flow/response_tags.hpp"
#include "flow/send_response.hpp"
#include "flow/upload.hpp"
#include "http/hop_by_hop.hpp"

namespace larder::flow {
namespace {

using origin::BodyReader;
using Status = BodyReader::Status;

constexpr std::size_t json_body_max = 64 * 1024;
constexpr int interim_max = 32;

bool wants_upgrade(const http::RequestHead& request) {
    if (request.minor_version == 0 || request.framing != http::Framing::none ||
        !request.fields.has(http::FieldId::upgrade))
        return false;
    // HTTP/2 over plain TCP is not spoken on either side, and behind a tunnel of it nobody would
    // see the requests.
    for (const http::Field& field : request.fields)
        if (field.id == http::FieldId::upgrade &&
            to_lower_copy(field.value).find("h2c") != std::string::npos)
            return false;
    return http::parse_connection(request.fields).upgrade;
}

// What of the request's body has come with its head. The rest of the buffer is the next request's.
std::string_view body_at_hand(Client& client) {
    const http::RequestHead& request = client.request();
    if (request.framing != http::Framing::length) return {};
    const std::string_view there = client.in.view();
    return there.size() >= request.content_length
               ? there.substr(0, static_cast<std::size_t>(request.content_length))
               : std::string_view{};
}

// The state of one pass: the pieces that its steps share.
struct Pass {
    explicit Pass(Client& client_in)
        : client(client_in), sender(client_in), head(client_in.exchange().origin_head) {
        exchange.storage.swap(client.exchange().origin_storage);
    }
    ~Pass() { exchange.storage.swap(client.exchange().origin_storage); }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

    Client& client;
    OriginExchange exchange;
    ResponseSender sender;
    std::shared_ptr<Upload> upload;
    std::string& head;
    bool upgrade = false;
    bool reached_origin =
        false;  ///< something of the request may have been sent, at the first or a second try
    int interims = 0;
};

// Sends the head, with the body where all of it is at hand; else starts the upload.
net::Task<void> begin(Pass& pass, bool fresh) {
    Client& client = pass.client;
    const std::string_view body = body_at_hand(client);
    const bool streams = client.request().framing != http::Framing::none && body.empty();
    co_await send_request(client.services, client.config, pass.head, body, fresh, pass.exchange);
    if (pass.exchange.failed()) co_return;
    if (streams) {
        client.exchange().body_pending = true;
        pass.upload = std::make_shared<Upload>(client, pass.exchange.connection->stream,
                                               client.request().framing == http::Framing::chunked);
        pass.exchange.connection->stream.never_expire();
        start_upload(pass.upload);
    }
}

// Reads heads until the final one; interim ones go on to the client.
net::Task<void> read_final_head(Pass& pass) {
    const bool to_head = pass.client.request().method == http::Method::head;
    while (true) {
        const bool uploading = pass.upload && pass.upload->end == Upload::End::none;
        co_await read_response_head(pass.client.settings(), to_head, uploading, false,
                                    pass.exchange);
        if (pass.exchange.failed()) co_return;
        const int status = pass.exchange.head.status;
        if (pass.upload) pass.upload->answered = status >= 200;
        if (status >= 200 || (status == 101 && pass.upgrade)) co_return;
        if (status == 101 || ++pass.interims > interim_max) {
            pass.exchange.error = origin::OriginError::malformed;
            pass.exchange.why =
                status == 101 ? "101 was not asked for" : "too many interim responses";
            co_return;
        }
        std::string lines;
        append_passed_head(pass.exchange.head, {}, false, pass.client.settings().headers,
                           pass.exchange.received_at, lines);
        const bool sent = co_await pass.sender.interim(lines);
        static_cast<void>(sent);
    }
}

net::Task<void> answer_failure(Pass& pass) {
    Client& client = pass.client;
    if (pass.exchange.connection)
        record_origin_failure(client.services, *client.config, pass.exchange);
    const Upload::End end = pass.upload ? pass.upload->end : Upload::End::none;
    const bool may_answer_yet = pass.exchange.error == origin::OriginError::timeout &&
                                (!pass.upload || end == Upload::End::well);
    co_await stop_upload(pass.upload);
    const store::PurgeOrder order = co_await purge_after_write(client, nullptr, nullptr);
    if (pass.reached_origin && !order.empty()) {
        client.services.late_writes.purge_again(order);
        if (may_answer_yet)
            client.services.late_writes.listen(client.config, client.request(), pass.exchange);
    }
    switch (end) {
        case Upload::End::client_lost:
            client.exchange().keep_alive = false;
            co_return;
        case Upload::End::client_malformed:
            co_await answer_error(client, 400, cache::Detail::bad_request,
                                  "the request's body is malformed", true);
            co_return;
        case Upload::End::client_timeout:
            client.stream.clear_timeout();
            co_await answer_error(client, 408, cache::Detail::client_timeout,
                                  "the request's body did not come in time", true);
            co_return;
        case Upload::End::too_large:
            co_await answer_error(client, 413, cache::Detail::limit,
                                  "the request's body is too large", true);
            co_return;
        default:
            break;
    }
    const FailureAnswer answer = failure_answer(pass.exchange);
    co_await answer_error(client, answer.status, answer.detail, answer.message,
                          client.exchange().body_pending);
}

// Reads the body, or its first 64 KB, for a purge rule that needs it. False: it cannot be used.
net::Task<bool> read_early_body(Pass& pass, BodyReader& body, std::string& early,
                                BodyReader::Piece& last) {
    while (early.size() <= json_body_max) {
        last = co_await body.next();
        if (last.status != Status::data) co_return last.status == Status::end;
        early.append(last.data);
    }
    static_cast<void>(pass);
    co_return false;
}

net::Task<void> send_body(Pass& pass, BodyReader& body, std::string_view early,
                          BodyReader::Piece next, bool has_next) {
    const http::ResponseHead& head = pass.exchange.head;
    if (!early.empty()) {
        const bool sent = co_await pass.sender.body(early, false);
        if (!sent) co_return;
    }
    std::uint64_t seen = early.size();
    const bool by_length = head.framing == http::Framing::length;
    while (true) {
        if (!has_next) {
            bool buffered = body.next_buffered(next);
            if (!buffered && seen == 0 && !pass.client.exchange().answered) {
                // The head does not wait for a body that has not begun (event streams, long polls).
                const bool sent = co_await pass.sender.body(std::string_view(), false);
                if (!sent) co_return;
            }
            if (!buffered) next = co_await body.next();
        }
        has_next = false;
        if (next.status == Status::end) break;
        if (next.status != Status::data) {
            pass.exchange.error = next.status == Status::timed_out ? origin::OriginError::timeout
                                                                   : origin::OriginError::truncated;
            record_origin_failure(pass.client.services, *pass.client.config, pass.exchange);
            pass.sender.break_off();
            co_return;
        }
        seen += next.data.size();
        const bool last = by_length && seen == head.content_length;
        const bool sent = co_await pass.sender.body(next.data, last);
        if (!sent) co_return;
    }
    const bool sent = co_await pass.sender.end(body.trailers());
    static_cast<void>(sent);
    record_origin_success(pass.client.services, *pass.client.config, pass.exchange);
}

// What the answer's own fields say about storing, for a read that was not looked up (see
// UncacheableKeys).
void judge_answer(Pass& pass) {
    Client& client = pass.client;
    Exchange& exchange = client.exchange();
    const route::CompiledRoute& route = *exchange.match.route;
    const cache::StoreDecision decision = cache::decide_storable(
        exchange.request, pass.exchange.head, route.rule, personal_reason(exchange.request, route),
        pass.exchange.requested_at, pass.exchange.received_at);
    cache::Detail reason = decision.reason;
    if (reason == cache::Detail::none &&
        !response_tags_of(*client.config, route, exchange.request, pass.exchange.head).may_be_kept)
        reason = cache::Detail::limit;
    exchange.outcome.detail = reason == cache::Detail::none ? cache::Detail::uncacheable : reason;
    exchange.not_stored = exchange.outcome.detail;
    const std::uint64_t hash = uncacheable_hash(exchange.key, route);
    if (reason == cache::Detail::none || pass.exchange.head.status >= 500) {
        client.services.uncacheable.forget(hash);
    } else {
        client.services.uncacheable.remember(hash, client.services.generations.now(),
                                             exchange.began);
    }
}

// A gateway before the origin that answers so does not know whether the write will still be done.
// A status that HTTP does not define counts as a server's failure (RFC 9110, 15), and that one may
// be a gateway's.
bool leaves_outcome_open(int status) {
    return status == 502 || status == 503 || status == 504 || status >= 600;
}

// The answer to a write ended before its end: the origin may not have been done with it when its
// head came.
net::Task<void> purge_cut_write(Pass& pass, const store::PurgeOrder& order) {
    const bool cut = pass.exchange.failed() && !order.empty();
    if (!cut) co_return;
    redis::RedisBudget budget;
    const store::PurgeOutcome outcome = co_await purge(pass.client.services, order, budget);
    static_cast<void>(outcome);
    pass.client.services.late_writes.purge_again(order);
}

net::Task<void> send_answer(Pass& pass) {
    Client& client = pass.client;
    Exchange& exchange = client.exchange();
    const http::ResponseHead& head = pass.exchange.head;
    exchange.outcome.forward_status = head.status;
    BodyReader body(pass.exchange.connection->stream, pass.exchange.connection->in, head.framing,
                    head.content_length, client.settings().origin.idle_timeout,
                    http::ChunkSender::origin);
    std::string& lines = exchange.passed_lines;
    lines.clear();
    static const std::vector<std::string> strip_nothing;
    const bool stripped =
        exchange.match.route && exchange.match.route->rule.kind == settings::RouteKind::read;
    append_passed_head(head, stripped ? exchange.match.route->rule.strip : strip_nothing, false,
                       client.settings().headers, pass.exchange.received_at, lines);
    // Content-Length stands among the lines as it came, of a response to HEAD or a 304 too.
    const bool length_given = head.fields.has(http::FieldId::content_length);
    const std::optional<std::uint64_t> length =
        length_given ? std::optional(head.content_length) : std::nullopt;

    std::string early;
    BodyReader::Piece next;
    bool has_next = false;
    store::PurgeOrder purged;
    if (exchange.is_write) {
        // Purges use the head, whose views die with the first read of the body; a rule that needs
        // the body keeps a copy.
        if (needs_response_body(exchange.match) &&
            cache::invalidates(exchange.request, head.status)) {
            pass.exchange.head_bytes.assign(lines).append("\r\n");
            const bool usable = co_await read_early_body(pass, body, early, next);
            has_next = next.status != Status::data;
            http::HeadStorage storage;
            http::ResponseHead copy;
            http::parse_response_head(pass.exchange.head_bytes, http::HeadLimits{1 << 20, 1024, 0},
                                      true, storage, copy);
            const std::string* whole = usable ? &early : nullptr;
            purged = co_await purge_after_write(client, &copy, whole);
        } else {
            purged = co_await purge_after_write(client, &head, nullptr);
        }
        if (!purged.empty() && leaves_outcome_open(head.status))
            client.services.late_writes.purge_again(purged);
    }
    if (exchange.purge_failed) {
        co_await answer_error(client, 503, cache::Detail::purge_failed,
                              "the write was done, but what it made stale could not be purged "
                              "everywhere: Redis cannot be asked",
                              false);
        co_await stop_upload(pass.upload);
        co_return;
    }
    pass.sender.set_head(lines, head.status, length, length_given);
    co_await send_body(pass, body, early, next, has_next);
    co_await purge_cut_write(pass, purged);
    co_await stop_upload(pass.upload);
    // Behind half a body nothing may follow that the origin could take for the rest.
    if (pass.upload && pass.upload->end != Upload::End::well) pass.exchange.head.keep_alive = false;
    finish_exchange(client.services, pass.exchange, body);
}

// A body that is not wholly at hand, or a tunnel, is read through the connection's buffer while the
// head is still needed: the head moves into a block of its own.
void keep_head_apart(Client& client) {
    const std::string_view rest = client.in.view();
    client.head_apart.swap(client.in);
    const net::Buffer::Room room = client.in.room(rest.size());
    std::copy(rest.begin(), rest.end(), room.at);
    client.in.append_done(rest.size());
}

net::Task<void> switch_protocols(Pass& pass) {
    Client& client = pass.client;
    std::string lines;
    const settings::Headers& headers = client.settings().headers;
    append_passed_head(pass.exchange.head, {}, true, headers, pass.exchange.received_at, lines);
    client.exchange().outcome.forward_status = 101;
    if (headers.via) lines += "Via: 1.1 larder\r\n";
    append_outcome(lines, client.exchange().outcome, headers, client.exchange().key);
    client.exchange().status = 101;
    client.exchange().keep_alive = false;
    keep_head_apart(client);
    const bool sent = co_await pass.sender.interim(lines);
    if (sent)
        co_await run_tunnel(client, pass.exchange.connection->stream, pass.exchange.connection->in);
}

net::Task<void> pass_on(Pass& pass, bool judge) {
    Client& client = pass.client;
    Exchange& exchange = client.exchange();
    pass.upgrade = wants_upgrade(exchange.request);
    const std::string_view authority = client.config->upstream->servers().front()->authority;
    RequestHeadOptions options;
    options.upgrade = pass.upgrade;
    const Sender sender = sender_of(client);
    build_origin_head(exchange.request, sender, options, client.settings(), authority, pass.head);
    const std::string_view at_hand = body_at_hand(client);
    if (!at_hand.empty()) exchange.body_pending = false;
    exchange.bytes_in += at_hand.size();
    if (exchange.body_pending) keep_head_apart(client);

    pass.exchange.repeatable =
        http::is_idempotent(exchange.request.method) &&
        (exchange.request.framing == http::Framing::none || !at_hand.empty());
    for (bool fresh = false;; fresh = true) {
        co_await begin(pass, fresh);
        pass.reached_origin |= pass.exchange.connection != nullptr;
        if (!pass.exchange.failed()) co_await read_final_head(pass);
        if (fresh || !may_retry(pass.exchange)) break;
        pass.exchange.drop_connection();
        pass.exchange.error = origin::OriginError::none;
    }
    if (pass.exchange.failed()) {
        co_await answer_failure(pass);
        client.in.consume(at_hand.size());
        co_return;
    }
    if (pass.exchange.head.status == 101) {
        client.in.consume(at_hand.size());
        co_await switch_protocols(pass);
        co_return;
    }
    if (judge) judge_answer(pass);
    co_await send_answer(pass);
    client.in.consume(at_hand.size());
}

}  // namespace

net::Task<void> pass_through(Client& client, bool judge) {
    Pass pass(client);
    std::exception_ptr failure;
    try {
        co_await pass_on(pass, judge);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) co_return;
    // The upload still uses client and origin. What became of a write is not known.
    co_await stop_upload(pass.upload);
    co_await purge_after_write(client, nullptr, nullptr);
    std::rethrow_exception(failure);
}

}  // namespace larder::flow
