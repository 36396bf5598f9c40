#include "flow/pass_through.hpp"

#include "cache/client_head.hpp"
#include "cache/invalidation.hpp"
#include "cache/storable.hpp"
#include "cache/stored_head.hpp"
#include "flow/client_address.hpp"
#include "flow/forward_heads.hpp"
#include "flow/origin_results.hpp"
#include "flow/purge.hpp"
#include "flow/purge_record.hpp"
#include "flow/read_key_body.hpp"
#include "flow/read_plan.hpp"
#include "flow/request_id.hpp"
#include "flow/request_trace.hpp"
#include "flow/response_tags.hpp"
#include "flow/send_response.hpp"
#include "flow/upload.hpp"
#include "http/hop_by_hop.hpp"

namespace larder::flow {
namespace {

using origin::BodyReader;
using Status = BodyReader::Status;

constexpr std::size_t short_body_max = 64 * 1024;
constexpr int interim_max = 32;

bool wants_upgrade(const http::RequestHead& request) {
    if (request.minor_version == 0 || request.framing != http::Framing::none ||
        !request.fields.has(http::FieldId::upgrade))
        return false;
    // HTTP/2 is never begun by Upgrade (RFC 9113, 3.1), and larder could not see the requests
    // inside such a tunnel.
    for (const http::Field& field : request.fields)
        if (field.id == http::FieldId::upgrade &&
            to_lower_copy(field.value).find("h2c") != std::string::npos)
            return false;
    return http::parse_connection(request.fields).upgrade;
}

// The state of one pass, shared by its steps.
struct Pass {
    explicit Pass(Client& client_in) : client(client_in), head(client_in.exchange().origin_head) {
        exchange.storage.swap(client.exchange().origin_storage);
    }
    ~Pass() { exchange.storage.swap(client.exchange().origin_storage); }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

    Client& client;
    origin::Exchange exchange;
    std::string_view body;  ///< of the request, if all of it came with the head
    std::shared_ptr<Upload> upload;
    std::string& head;
    bool upgrade = false;
    bool reached_origin =
        false;  ///< a part of the request may have been sent, in the first or the second try
    int interims = 0;
};

// The fields that the route keeps from its clients.
const std::vector<std::string>& stripped_fields(const Exchange& exchange) {
    static const std::vector<std::string> nothing;
    const route::CompiledRoute* const route = exchange.match.route;
    const bool strips = route && route->rule.kind == settings::RouteKind::read;
    return strips ? route->rule.strip : nothing;
}

// Sends the head with the body, if the whole body is here; otherwise starts the upload.
net::Task<void> begin(Pass& pass, origin::ConnectionAge age) {
    Client& client = pass.client;
    const bool streams = client.exchange().body_pending;
    const origin::RequestBytes request{pass.head, pass.body};
    co_await origin::send_request(client.services.origin, client.upstream(), request, age,
                                  pass.exchange);
    record_failed_connects(client.services, *client.config, pass.exchange);
    if (pass.exchange.failed()) co_return;
    if (streams) {
        pass.upload = std::make_shared<Upload>(client, pass.exchange.connection->stream,
                                               client.request().framing == http::Framing::chunked);
        if (client.exchange().body_taken) pass.upload->bytes = client.exchange().body.size();
        pass.exchange.connection->stream.never_expire();
        start_upload(pass.upload);
    }
}

// Reads heads until the final one; sends interim ones to the client.
net::Task<void> read_final_head(Pass& pass) {
    const Milliseconds timeout = pass.client.upstream()->settings().response_timeout;
    origin::HeadReading reading;
    if (pass.client.request().method == http::Method::head)
        reading.reply_to = origin::HeadReading::ReplyTo::head;
    while (true) {
        const bool uploading = pass.upload && pass.upload->end == Upload::End::none;
        // During the upload, the upload watches the connection.
        reading.timeout = uploading ? Milliseconds::max() : timeout;
        co_await origin::read_response_head(reading, pass.exchange);
        if (pass.exchange.failed()) co_return;
        const int status = pass.exchange.head.status;
        if (pass.upload) pass.upload->answered = status >= 200;
        if (status >= 200 || (status == 101 && pass.upgrade)) co_return;
        if (status == 101 || ++pass.interims > interim_max) {
            pass.exchange.error = origin::OriginError::malformed;
            pass.exchange.why =
                status == 101 ? "101 without a request to upgrade" : "too many interim responses";
            co_return;
        }
        std::string lines;
        append_passed_head(pass.exchange.head, stripped_fields(pass.client.exchange()), false,
                           pass.client.settings().headers, pass.exchange.received_at, lines);
        const bool sent = co_await pass.client.send_interim(lines);
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
    const WritePurge purged = co_await purge_after_write(client, nullptr, nullptr);
    if (pass.reached_origin && !purged.order.empty()) {
        client.services.late_writes.purge_again(purged);
        if (may_answer_yet)
            client.services.late_writes.listen(client.config, client.request(), pass.exchange,
                                               believed_address(client).to_string(), purged);
        co_await client.services.late_writes.until_kept();
    }
    switch (end) {
        case Upload::End::client_lost:
            client.exchange().keep_alive = false;
            co_return;
        case Upload::End::client_malformed:
            co_await answer_error(client, 400, cache::Detail::bad_request,
                                  "the request's body is malformed", KeepAlive::no);
            co_return;
        case Upload::End::client_timeout:
            client.resume();
            co_await answer_error(client, 408, cache::Detail::client_timeout,
                                  "the request's body stalled for longer than limits.body_timeout",
                                  KeepAlive::no);
            co_return;
        case Upload::End::too_large:
            co_await answer_error(client, 413, cache::Detail::limit,
                                  "the request's body is larger than limits.body_bytes",
                                  KeepAlive::no);
            co_return;
        default:
            break;
    }
    const FailureAnswer answer = failure_answer(pass.exchange);
    const KeepAlive keep_alive = client.exchange().body_pending ? KeepAlive::no : KeepAlive::yes;
    co_await answer_error(client, answer.status, answer.detail, answer.message, keep_alive);
}

// Reads the body, or its first 64 KB, for a purge rule that needs it. False: it cannot be used.
net::Task<bool> read_early_body(Pass& pass, BodyReader& body, std::string& early,
                                BodyReader::Piece& last) {
    while (early.size() <= short_body_max) {
        last = co_await body.next();
        if (last.status != Status::data) co_return last.status == Status::end;
        early.append(last.data);
    }
    static_cast<void>(pass);
    co_return false;
}

// In place of the answer to a write whose purge reached no other instance.
net::Task<void> refuse_answer(Client& client) {
    co_await answer_error(client, 503, cache::Detail::purge_failed,
                          "the origin did the write, but Redis is not available, so other "
                          "instances of larder may still serve old responses",
                          KeepAlive::yes);
}

// Whether the write may have been done after it was purged. `waited`: for the origin, since then.
bool must_purge_at_end(Pass& pass, const WritePurge& purged, bool waited) {
    return !purged.order.empty() && (waited || pass.client.exchange().announced);
}

// Before the client has the whole answer to a write. False: it must not get the end, because the
// purge reached no other instance.
net::Task<bool> purge_before_end(Pass& pass, const WritePurge& purged) {
    co_await purge_at_end(pass.client, purged);
    if (!pass.client.exchange().purge_failed) co_return true;
    if (pass.client.exchange().answered) {
        pass.client.break_off();
    } else {
        co_await refuse_answer(pass.client);
    }
    co_return false;
}

// False: the client did not get the end of the answer.
net::Task<bool> send_body(Pass& pass, BodyReader& body, std::string_view early,
                          BodyReader::Piece next, bool has_next, const WritePurge& purged) {
    const http::ResponseHead& head = pass.exchange.head;
    if (!early.empty()) {
        const bool sent = co_await pass.client.send_body(early, Follows::more);
        if (!sent) co_return false;
    }
    std::uint64_t seen = early.size();
    bool ended = false;
    bool waited = false;  // for the origin, since the write was purged
    const bool by_length = head.framing == http::Framing::length;
    while (true) {
        if (!has_next) {
            bool buffered = body.next_buffered(next);
            if (!buffered && seen == 0 && !pass.client.exchange().answered) {
                // The head does not wait for a body that has not begun (event streams, long polls).
                const bool sent = co_await pass.client.send_body(std::string_view(), Follows::more);
                if (!sent) co_return false;
            }
            waited |= !buffered;
            if (!buffered) next = co_await body.next();
        }
        has_next = false;
        if (next.status == Status::end) break;
        if (next.status != Status::data) {
            pass.exchange.error = next.status == Status::timed_out ? origin::OriginError::timeout
                                                                   : origin::OriginError::truncated;
            record_origin_failure(pass.client.services, *pass.client.config, pass.exchange);
            pass.client.break_off();
            co_return false;
        }
        seen += next.data.size();
        const bool last = by_length && seen == head.content_length;
        bool may_end = true;
        if (last && must_purge_at_end(pass, purged, waited))
            may_end = co_await purge_before_end(pass, purged);
        if (!may_end) co_return false;
        const Follows follows = last ? Follows::nothing : Follows::more;
        const bool sent = co_await pass.client.send_body(next.data, follows);
        if (!sent) co_return last;
        ended = last;
    }
    if (!ended) {
        bool may_end = true;
        if (must_purge_at_end(pass, purged, waited))
            may_end = co_await purge_before_end(pass, purged);
        if (!may_end) co_return false;
        const std::string trailers =
            cache::stripped_trailers(body.trailers(), stripped_fields(pass.client.exchange()));
        const bool sent = co_await pass.client.end_body(trailers);
        static_cast<void>(sent);
    }
    record_origin_success(pass.client.services, *pass.client.config, pass.exchange);
    co_return true;
}

// Decides by the answer's fields whether it could be stored, for a read that was not looked up (see
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
    exchange.outcome = exchange.outcome.kept_out(
        reason == cache::Detail::none ? cache::Detail::uncacheable : reason);
    const std::uint64_t hash = uncacheable_hash(exchange.key, exchange.plan, exchange.request);
    if (reason == cache::Detail::none || pass.exchange.head.status >= 500) {
        client.services.uncacheable.forget(hash);
    } else if (!exchange.lookup.entry && !exchange.lookup.other_variant) {
        client.services.uncacheable.remember(hash, client.services.generations.now(),
                                             exchange.began);
    }
}

// A gateway in front of the origin answers with these statuses without knowing whether the write
// will still be done. A status that HTTP does not define counts as a server's failure (RFC 9110,
// 15), and a gateway may have sent it.
bool leaves_outcome_open(int status) {
    return status == 502 || status == 503 || status == 504 || status >= 600;
}

// If the answer to a write is cut off, by the origin or by the client, the origin may work on the
// write still: purge again.
net::Task<void> purge_cut_write(Pass& pass, const WritePurge& purged) {
    Services& services = pass.client.services;
    const SteadyTime began = steady_now();
    pass.client.exchange().redis_budget = {};
    const store::PurgeOutcome outcome = co_await purge_at_end(pass.client, purged);
    if (outcome == store::PurgeOutcome::done) keep_repeat(services, *purged.record, began, outcome);
    services.late_writes.purge_again(purged);
}

// Whether the whole answer came with its head, as far as that can be seen.
bool is_whole(const Pass& pass) {
    const http::ResponseHead& head = pass.exchange.head;
    if (head.framing == http::Framing::none) return true;
    return head.framing == http::Framing::length &&
           pass.exchange.connection->in.size() >= head.content_length;
}

// Whether a short body is still to come.
bool comes_apart(const Pass& pass) {
    const http::ResponseHead& head = pass.exchange.head;
    return head.framing == http::Framing::length && head.content_length <= short_body_max &&
           !is_whole(pass);
}

// Whether larder may store the answer to a read that it passes on, as far as that matters for what
// clients are told: a browser must not keep what larder could not purge there.
bool may_be_stored(const Pass& pass) {
    const Exchange& exchange = pass.client.exchange();
    const route::CompiledRoute* route = exchange.match.route;
    if (!route || route->rule.kind != settings::RouteKind::read ||
        (route->rule.client_cache_control.empty() && route->rule.compress->empty()) ||
        exchange.bypass != cache::Detail::none)
        return false;
    const cache::StoreDecision decision = cache::decide_storable(
        exchange.request, pass.exchange.head, route->rule, exchange.plan.personal,
        pass.exchange.requested_at, pass.exchange.received_at);
    return decision.reason == cache::Detail::none;
}

net::Task<void> send_answer(Pass& pass) {
    Client& client = pass.client;
    Exchange& exchange = client.exchange();
    const http::ResponseHead& head = pass.exchange.head;
    exchange.outcome = exchange.outcome.forwarded(head.status);
    BodyReader body(pass.exchange.connection->stream, pass.exchange.connection->in, head.framing,
                    head.content_length, client.upstream()->settings().idle_timeout,
                    http::ChunkSender::origin);
    std::string& lines = exchange.passed_lines;
    lines.clear();
    append_passed_head(head, stripped_fields(exchange), false, client.settings().headers,
                       pass.exchange.received_at, lines);
    if (may_be_stored(pass)) lines = cache::lines_for_clients(lines, exchange.match.route->rule);
    // The lines contain the origin's Content-Length, also for a response to HEAD or a 304.
    const bool length_given = head.fields.has(http::FieldId::content_length);
    BodyLength length;
    if (length_given) length = {head.content_length, true};

    std::string early;
    BodyReader::Piece next;
    bool has_next = false;
    WritePurge purged;
    if (exchange.is_write) {
        // Purges use the head, whose views become invalid with the first read of the body. So a
        // rule that needs the body works on a copy of the head. A short body of known length is
        // waited for too: then one purge is enough, and nothing was sent yet where it fails.
        const bool needs_body = needs_response_body(exchange.match);
        if ((needs_body || comes_apart(pass)) &&
            cache::invalidates(exchange.request, head.status)) {
            pass.exchange.head_bytes.assign(lines).append("\r\n");
            const bool usable = co_await read_early_body(pass, body, early, next);
            has_next = next.status != Status::data;
            http::HeadStorage storage;
            http::ResponseHead copy;
            http::parse_response_head(pass.exchange.head_bytes, http::HeadLimits{1 << 20, 1024, 0},
                                      true, storage, copy);
            const std::string* whole = usable && needs_body ? &early : nullptr;
            const Announced becomes =
                next.status == Status::end ? Announced::ends : Announced::stays;
            purged = co_await purge_after_write(client, &copy, whole, becomes);
        } else {
            const Announced becomes = is_whole(pass) ? Announced::ends : Announced::stays;
            purged = co_await purge_after_write(client, &head, nullptr, becomes);
        }
        if (!purged.order.empty() && leaves_outcome_open(head.status)) {
            client.services.late_writes.purge_again(purged);
            co_await client.services.late_writes.until_kept();
        }
    }
    if (exchange.purge_failed) {
        client.services.late_writes.purge_again(purged);
        co_await refuse_answer(client);
        co_await stop_upload(pass.upload);
        co_return;
    }
    begin_response(client, lines, head.status, length);
    const bool whole = co_await send_body(pass, body, early, next, has_next, purged);
    if (!whole && !purged.order.empty()) co_await purge_cut_write(pass, purged);
    if (pass.upload) co_await stop_upload(pass.upload);
    // After half a body, the origin could take the next request for the rest of it: close the
    // connection.
    if (pass.upload && pass.upload->end != Upload::End::well) pass.exchange.head.keep_alive = false;
    finish_exchange(client.services.origin, pass.exchange, body);
}

// A write that switches protocols may be done at any time until the tunnel ends.
net::Task<void> switch_protocols(Pass& pass) {
    Client& client = pass.client;
    WritePurge purged;
    if (client.exchange().is_write)
        purged = co_await purge_after_write(client, nullptr, nullptr, Announced::stays);
    if (client.exchange().purge_failed) {
        client.services.late_writes.purge_again(purged);
        co_await refuse_answer(client);
        co_return;
    }
    std::string lines;
    const settings::Headers& headers = client.settings().headers;
    append_passed_head(pass.exchange.head, {}, true, headers, pass.exchange.received_at, lines);
    client.exchange().outcome = client.exchange().outcome.forwarded(101);
    append_own_fields(client, lines);
    co_await client.run_tunnel(lines, pass.exchange.connection->stream,
                               pass.exchange.connection->in);
    if (!purged.order.empty()) co_await purge_cut_write(pass, purged);
}

net::Task<void> pass_on(Pass& pass, Judge judge) {
    Client& client = pass.client;
    Exchange& exchange = client.exchange();
    pass.upgrade = wants_upgrade(exchange.request);
    RequestHeadOptions options;
    options.upgrade = pass.upgrade;
    options.request_id = request_id(exchange);
    const Sender sender = sender_of(client);
    const HeadTarget target{*client.upstream(), exchange.match.route, exchange.match.captures};
    build_origin_head(exchange.request, sender, options, target, client.settings(), pass.head);
    if (!exchange.body_taken) {
        pass.body = client.take_body_at_hand();
    } else {
        pass.body = exchange.body_pending ? frame_beginning(exchange) : exchange.request.body;
    }
    pass.exchange.repeatable =
        http::is_idempotent(exchange.request.method) && !exchange.body_pending;
    pass.exchange.lasts = exchange.is_write;
    for (origin::ConnectionAge age = origin::ConnectionAge::any;;
         age = origin::ConnectionAge::fresh) {
        const OriginWait wait(exchange);
        co_await begin(pass, age);
        pass.reached_origin |= pass.exchange.connection != nullptr;
        if (!pass.exchange.failed()) co_await read_final_head(pass);
        if (age == origin::ConnectionAge::fresh || !may_retry(pass.exchange)) break;
        pass.exchange.drop_connection();
        pass.exchange.error = origin::OriginError::none;
    }
    if (pass.exchange.failed()) {
        co_await answer_failure(pass);
        co_return;
    }
    if (pass.exchange.head.status == 101) {
        co_await switch_protocols(pass);
        co_return;
    }
    if (judge == Judge::yes) judge_answer(pass);
    co_await send_answer(pass);
}

}  // namespace

net::Task<void> pass_through(Client& client, Judge judge) {
    Pass pass(client);
    std::exception_ptr failure;
    try {
        co_await pass_on(pass, judge);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) co_return;
    // The upload still uses client and origin, so it must end first. The outcome of a write is
    // unknown, so purge.
    co_await stop_upload(pass.upload);
    co_await purge_after_write(client, nullptr, nullptr);
    std::rethrow_exception(failure);
}

}  // namespace larder::flow
