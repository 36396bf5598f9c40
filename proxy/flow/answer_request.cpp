#include "flow/answer_request.hpp"

#include "cache/request_bypass.hpp"
#include "flow/announce_write.hpp"
#include "flow/answer_as_recipient.hpp"
#include "flow/answer_purge.hpp"
#include "flow/answer_read.hpp"
#include "flow/pass_through.hpp"
#include "flow/read_key_body.hpp"
#include "flow/read_plan.hpp"
#include "flow/request_trace.hpp"
#include "flow/send_response.hpp"
#include "http/max_forwards.hpp"
#include "http/write_methods.hpp"

namespace larder::flow {
namespace {

using cache::Detail;
using cache::Outcome;
using settings::RouteKind;

// Why a read may not be answered from the cache. None: it may, and the exchange has its plan.
Detail plan_read(Client& client) {
    Exchange& exchange = client.exchange();
    const route::CompiledRoute& route = *exchange.match.route;
    const Detail bypass = cache::request_bypass(exchange.request, route.key_headers);
    if (bypass != Detail::none) return bypass;
    exchange.key_info =
        route::build_key(route, exchange.match.captures, exchange.request, exchange.key);
    client.config->routes.note_plain_path(exchange.request, exchange.key_info);
    if (exchange.key_info.query_bypass || exchange.key_info.needless_encoding) return Detail::query;
    if (exchange.key_info.unusable_body) return Detail::body;
    exchange.plan = make_read_plan(exchange.request, route);
    return Detail::none;
}

// A read whose key needs its body is planned once the body is there. True: the exchange has ended.
net::Task<bool> plan_read_by_body(Client& client) {
    Exchange& exchange = client.exchange();
    const KeyBody body = co_await read_key_body(client);
    if (body == KeyBody::ended) co_return true;
    exchange.bypass = body == KeyBody::too_large ? Detail::body : plan_read(client);
    co_return false;
}

// Whether the path would leave the place at the origin that its route gives it.
bool leaves_origin_path(const route::Match& match) {
    return match.route && !match.route->origin_path.empty() &&
           match.route->origin_path.is_left_by(match.captures);
}

bool looped(const http::RequestHead& request) {
    std::size_t seen = 0;
    for (const http::Field& field : request.fields) {
        if (field.id != http::FieldId::via) continue;
        for (std::size_t at = field.value.find(" larder"); at != std::string_view::npos;
             at = field.value.find(" larder", at + 7))
            ++seen;
    }
    return seen > 8;
}

// Max-Forwards limits how far OPTIONS and TRACE may go. True: the request ends here and is
// answered.
net::Task<bool> answer_if_it_ends_here(Client& client) {
    const http::RequestHead& request = client.request();
    const http::MaxForwards hops = http::max_forwards_of(request);
    const bool has_body = request.framing != http::Framing::none;
    if (hops.kind == http::MaxForwards::Kind::malformed ||
        (request.method == http::Method::trace && has_body)) {
        Exchange& exchange = client.exchange();
        exchange.outcome = Outcome::passed(request.method, Detail::bad_request);
        const std::string_view why = hops.kind != http::MaxForwards::Kind::malformed
                                         ? "TRACE takes no body"
                                         : "Max-Forwards is not a number";
        const KeepAlive keep_alive = has_body ? KeepAlive::no : KeepAlive::yes;
        co_await answer_error(client, 400, Detail::bad_request, why, keep_alive);
        co_return true;
    }
    if (hops.kind != http::MaxForwards::Kind::ends_here) co_return false;
    co_await answer_as_recipient(client);
    co_return true;
}

net::Task<void> refuse_loop(Client& client) {
    client.exchange().outcome = Outcome::passed(client.request().method, Detail::limit);
    return answer_error(
        client, 502, Detail::limit,
        "loop detected: this request already passed this larder (Via names it more than 8 "
        "times); check that `origin` is not larder itself",
        KeepAlive::no);
}

net::Task<void> refuse_path(Client& client) {
    Exchange& exchange = client.exchange();
    exchange.outcome = Outcome::passed(exchange.request.method, Detail::bad_request);
    const KeepAlive keep_alive = exchange.body_pending ? KeepAlive::no : KeepAlive::yes;
    return answer_error(client, 400, Detail::bad_request,
                        "the path holds a segment \".\" or \"..\", and its route sends it to "
                        "another path of the origin (origin_path)",
                        keep_alive);
}

net::Task<void> announce_and_pass(Client& client) {
    const bool announced = co_await announce_write(client);
    if (announced) {
        co_await pass_through(client, Judge::no);
        co_return;
    }
    co_await answer_error(client, 503, Detail::purge_failed,
                          "the write was not forwarded, because Redis is not available and "
                          "larder could not purge what the write changes; try again later",
                          KeepAlive::yes);
}

Outcome outcome_of_pass(const Exchange& exchange) {
    const route::CompiledRoute* const route = exchange.match.route;
    if (!route) return Outcome::passed(exchange.request.method, Detail::no_route);
    if (route->rule.kind == RouteKind::pass)
        return Outcome::passed(exchange.request.method, Detail::pass);
    if (route->rule.kind == RouteKind::write)
        return Outcome::passed(exchange.request.method, Detail::none);
    return Outcome::bypass(exchange.bypass);
}

bool is_read(const route::Match& match) {
    return match.route && match.route->rule.kind == RouteKind::read;
}

// Answers the request once the key of a read is known.
net::Task<void> answer_planned(Client& client) {
    Exchange& exchange = client.exchange();
    if (is_read(exchange.match) && exchange.bypass == Detail::none) return answer_read(client);
    exchange.outcome = outcome_of_pass(exchange);
    exchange.is_write = route::may_change(exchange.match, exchange.request);
    return must_announce(client) ? announce_and_pass(client) : pass_through(client, Judge::no);
}

net::Task<void> answer_read_by_body(Client& client) {
    const bool ended = co_await plan_read_by_body(client);
    if (!ended) co_await answer_planned(client);
}

net::Task<void> answer_by_route(Client& client) {
    const Exchange& exchange = client.exchange();
    if (leaves_origin_path(exchange.match)) return refuse_path(client);
    if (is_read(exchange.match) && http::may_ask_by_body(exchange.request.method))
        return answer_read_by_body(client);
    return answer_planned(client);
}

net::Task<void> answer_or_forward(Client& client) {
    const bool answered = co_await answer_if_it_ends_here(client);
    if (!answered) co_await answer_by_route(client);
}

}  // namespace

bool answer_at_once(Client& client) {
    Exchange& exchange = client.exchange();
    if (!client.settings().debug_token.empty()) begin_trace(client);
    exchange.match =
        client.config->routes.match(exchange.request.method, exchange.request.method_name,
                                    exchange.request.host, exchange.request.path);
    if (!is_read(exchange.match) || leaves_origin_path(exchange.match)) return false;
    if (http::may_ask_by_body(exchange.request.method)) return false;
    exchange.bypass = plan_read(client);
    if (exchange.bypass != Detail::none || exchange.match.route->rule.shadow) return false;
    if (exchange.trace) return false;  // answer_read notes the steps
    return answer_read_at_once(client);
}

net::Task<void> answer_request(Client& client) {
    const http::RequestHead& request = client.request();
    if (request.method == http::Method::purge) return answer_purge(client);
    if (looped(request)) return refuse_loop(client);
    if (request.method == http::Method::options || request.method == http::Method::trace)
        return answer_or_forward(client);
    return answer_by_route(client);
}

}  // namespace larder::flow
