#include "admin/routes.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/beast/http/field.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "admin/access.hpp"
#include "admin/explain_query.hpp"
#include "admin/list_entries.hpp"
#include "admin/live_json.hpp"
#include "admin/page.hpp"
#include "admin/purge_body.hpp"
#include "admin/purge_clients.hpp"
#include "admin/show_entry.hpp"
#include "base/clock.hpp"
#include "base/json_text.hpp"
#include "base/text.hpp"

namespace larder::admin {
namespace {

namespace http = boost::beast::http;
namespace json = boost::json;

using Done = std::function<void(AdminReply)>;

constexpr const char* html_type = "text/html; charset=utf-8";
constexpr const char* prometheus_type = "text/plain; version=0.0.4; charset=utf-8";

/// The arguments of a handler; valid during the call.
struct Call {
    const AdminRequest& request;
    std::string_view query;
    AdminBackend& backend;
    PurgeAsker asker;
    settings::AdminRights may;  ///< of who asks
    Done done;
};

AdminReply to_reply(JsonAnswer answer) {
    return {answer.status, "application/json", std::move(answer.json), {}};
}

AdminReply page_reply(int status);

void show_page(Call& call) { call.done(page_reply(200)); }

void tell_health(Call& call) { call.done({200, "application/json", R"({"status":"ok"})", {}}); }

void tell_readiness(Call& call) {
    if (call.backend.ready())
        return call.done({200, "application/json", R"({"status":"ready"})", {}});
    call.done({503, "application/json", R"({"status":"draining"})", {}});
}

void show_metrics(Call& call) {
    call.done({200, prometheus_type, call.backend.metrics_text(), {}});
}
void show_stats(Call& call) { call.done({200, "application/json", call.backend.stats_json(), {}}); }
void show_history(Call& call) {
    call.done({200, "application/json", call.backend.history_json(), {}});
}
void show_config(Call& call) {
    call.done({200, "application/json", call.backend.config_text(), {}});
}

void explain(Call& call) {
    auto parsed = parse_explain_query(call.query);
    if (const auto* complaint = std::get_if<std::string>(&parsed))
        return call.done(error_reply(400, "bad question", *complaint));
    auto& question = std::get<ExplainQuestion>(parsed);
    const auto host = call.request[http::field::host];
    question.host.assign(host.data(), host.size());
    call.backend.explain(std::move(question), [done = std::move(call.done)](JsonAnswer answer) {
        done(to_reply(std::move(answer)));
    });
}

void list_entries(Call& call) {
    auto parsed = parse_entries_query(call.query);
    if (const auto* complaint = std::get_if<std::string>(&parsed))
        return call.done(error_reply(400, "bad question", *complaint));
    call.backend.list_entries(
        std::get<EntriesQuestion>(std::move(parsed)),
        [done = std::move(call.done)](JsonAnswer answer) { done(to_reply(std::move(answer))); });
}

void show_entry(Call& call) {
    auto parsed = parse_entry_query(call.query);
    if (const auto* complaint = std::get_if<std::string>(&parsed))
        return call.done(error_reply(400, "bad question", *complaint));
    auto& question = std::get<EntryQuestion>(parsed);
    if (question.needs_purge_right() && !call.may.purge)
        return call.done(error_reply(403, "forbidden",
                                     "body and diff need a token with `purge` in its `may` under "
                                     "admin.tokens"));
    if (!question.needs_purge_right() && !call.may.read)
        return call.done(
            error_reply(403, "forbidden",
                        "without body=1 or diff=1 this needs a token with `read` in its "
                        "`may` under admin.tokens"));
    const auto host = call.request[http::field::host];
    question.host.assign(host.data(), host.size());
    call.backend.show_entry(std::move(question), [done = std::move(call.done)](JsonAnswer answer) {
        done(to_reply(std::move(answer)));
    });
}

void show_purges(Call& call) {
    call.done({200, "application/json", call.backend.purges_json(), {}});
}

void show_top(Call& call) {
    const auto parsed = parse_top_query(call.query);
    if (const auto* complaint = std::get_if<std::string>(&parsed))
        return call.done(error_reply(400, "bad question", *complaint));
    const auto& question = std::get<TopQuestion>(parsed);
    call.done({200,
               "application/json",
               to_top_json(question.by, call.backend.top(question.by, question.count)),
               {}});
}

void show_advice(Call& call) {
    call.done({200, "application/json", call.backend.advice_json(), {}});
}

void show_events(Call& call) {
    auto parsed = parse_event_query(call.query);
    if (const auto* complaint = std::get_if<std::string>(&parsed))
        return call.done(error_reply(400, "bad filter", *complaint));
    AdminReply reply{200, "text/event-stream", {}, {}};
    if (call.request.method() != http::verb::head)
        reply.events = std::get<observe::EventFilter>(std::move(parsed));
    call.done(std::move(reply));
}

void reload(Call& call) {
    call.backend.reload(
        [done = std::move(call.done)](JsonAnswer answer) { done(to_reply(std::move(answer))); });
}

void purge(Call& call) {
    auto parsed = parse_purge_body(call.request.body());
    if (const auto* complaint = std::get_if<std::string>(&parsed))
        return call.done(error_reply(400, "bad purge", *complaint));
    if (std::get<PurgeOrder>(parsed).dry_run)
        return call.backend.count_entries(std::get<PurgeOrder>(std::move(parsed)),
                                          [done = std::move(call.done)](JsonAnswer answer) {
                                              done(to_reply(std::move(answer)));
                                          });
    call.backend.purge(std::get<PurgeOrder>(std::move(parsed)), std::move(call.asker),
                       [done = std::move(call.done)](const PurgeResult& result) {
                           done(to_reply(to_answer(result)));
                       });
}

/// A number of its own for each purge, as Fastly's answers have one.
std::string next_purge_id() {
    static std::atomic<std::uint64_t> count{0};
    const auto now = std::chrono::floor<std::chrono::seconds>(wall_now()).time_since_epoch();
    return "larder-" + std::to_string(now.count()) + '-' + std::to_string(++count);
}

void purge_for_client(Call& call, const ClientCall& client) {
    auto parsed = parse_client_order(client, call.request, call.request.body());
    if (const auto* complaint = std::get_if<std::string>(&parsed))
        return call.done(to_reply(to_client_error(client, 400, "bad purge", *complaint)));
    call.asker.source = client.source();
    auto order = std::get<PurgeOrder>(std::move(parsed));
    call.backend.purge(order, std::move(call.asker),
                       [done = std::move(call.done), client, order](const PurgeResult& result) {
                           done(to_reply(to_client_answer(client, order, result, next_purge_id())));
                       });
}

/// What a token must allow.
enum class Right : std::uint8_t {
    none,  ///< needs neither token nor local Host, for load balancers
    read,
    read_or_purge,  ///< which of them, the query tells
    purge,
    reload,
};

struct Endpoint {
    std::string_view path;
    bool changes;  ///< POST only, and never for a page from another site; otherwise GET and HEAD
    Right right;
    void (*handle)(Call&);
};

constexpr std::array endpoints{
    Endpoint{"/", false, Right::read, show_page},
    Endpoint{"/healthz", false, Right::none, tell_health},
    Endpoint{"/readyz", false, Right::none, tell_readiness},
    Endpoint{"/metrics", false, Right::read, show_metrics},
    Endpoint{"/stats", false, Right::read, show_stats},
    Endpoint{"/history", false, Right::read, show_history},
    Endpoint{"/explain", false, Right::read, explain},
    Endpoint{"/purge", true, Right::purge, purge},
    Endpoint{"/purges", false, Right::read, show_purges},
    Endpoint{"/entries", false, Right::purge, list_entries},
    Endpoint{"/entry", false, Right::read_or_purge, show_entry},
    Endpoint{"/events", false, Right::read, show_events},
    Endpoint{"/top", false, Right::read, show_top},
    Endpoint{"/advise", false, Right::read, show_advice},
    Endpoint{"/reload", true, Right::reload, reload},
    Endpoint{"/config", false, Right::read, show_config},
};
/// For the calls of purge clients.
constexpr Endpoint client_endpoint{"", true, Right::purge, nullptr};

std::string all_paths(std::string_view between) {
    std::string out;
    for (const Endpoint& endpoint : endpoints)
        out.append(out.empty() ? "" : between).append(endpoint.path);
    return out;
}

AdminReply page_reply(int status) { return {status, html_type, admin_page(all_paths(" ")), {}}; }

const Endpoint* find_endpoint(std::string_view path) {
    for (const Endpoint& endpoint : endpoints)
        if (endpoint.path == path) return &endpoint;
    return nullptr;
}

bool method_fits(const Endpoint& endpoint, http::verb method) {
    if (endpoint.changes) return method == http::verb::post;
    return method == http::verb::get || method == http::verb::head;
}

/// A browser cannot send a token from the address bar, so it gets the page without figures, which
/// asks for the token.
AdminReply unauthorized_reply(const AdminRequest& request, const Endpoint* endpoint) {
    const auto accept = request[http::field::accept];
    if (endpoint != nullptr && endpoint->path == "/" && accept.find("text/html") != accept.npos)
        return page_reply(401);
    return error_reply(401, "unauthorized", "send Authorization: Bearer with the configured token");
}

bool allows(const settings::AdminRights& may, Right right) {
    switch (right) {
        case Right::none:
            return true;
        case Right::read:
            return may.read;
        case Right::read_or_purge:
            return may.read || may.purge;
        case Right::purge:
            return may.purge;
        case Right::reload:
            return may.reload;
    }
    return false;
}

AdminReply missing_right_reply(const Visitor& visitor, Right right) {
    const char* const word = right == Right::purge    ? "purge"
                             : right == Right::reload ? "reload"
                                                      : "read";
    return error_reply(403, "forbidden",
                       "the token \"" + visitor.token + "\" lacks the right for this: add " + word +
                           " to its `may` under admin.tokens");
}

/// The reply to a request that is not allowed; nothing: it is allowed. `visitor` null: the token is
/// missing or wrong.
std::optional<AdminReply> refusal(const AdminQuestion& question, const Endpoint* endpoint,
                                  const Visitor* visitor) {
    const AdminRequest& request = question.request;
    if (endpoint != nullptr && endpoint->right == Right::none) return std::nullopt;
    if (visitor == nullptr) return unauthorized_reply(request, endpoint);
    if (endpoint != nullptr && !allows(visitor->may, endpoint->right))
        return missing_right_reply(*visitor, endpoint->right);
    if (!question.access.needs_token() && is_from_browser(request) && !has_local_host(request))
        return error_reply(
            403, "forbidden",
            "without a token under `admin`, Host must be an address or localhost: any "
            "other name may be one that a web page has pointed at this machine");
    if (endpoint != nullptr && endpoint->changes && is_cross_site(request))
        return error_reply(403, "forbidden",
                           "a page from another site may not change anything here");
    return std::nullopt;
}

AdminReply wrong_method_reply(const Endpoint& endpoint) {
    AdminReply reply =
        error_reply(405, "method not allowed", endpoint.changes ? "send a POST" : "send a GET");
    reply.allow = endpoint.changes ? "POST" : "GET, HEAD";
    return reply;
}

/// An error as the client of that service reads it.
AdminReply for_client(const std::optional<ClientCall>& client, AdminReply reply) {
    if (!client) return reply;
    json::error_code error;
    const json::value body = json::parse(reply.body, error);
    const auto text = [&](const char* name) {
        const json::value* found = error ? nullptr : body.as_object().if_contains(name);
        return found != nullptr ? std::string(found->as_string()) : std::string();
    };
    AdminReply out =
        to_reply(to_client_error(*client, reply.status, text("error"), text("detail")));
    out.allow = std::move(reply.allow);
    return out;
}

/// The path and query of an absolute target (RFC 9112, 3.2.2).
std::string_view without_authority(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!iequals(target.substr(0, scheme.size()), scheme)) continue;
        const std::size_t path = target.find('/', scheme.size());
        return path == std::string_view::npos ? "/" : target.substr(path);
    }
    return target;
}

}  // namespace

AdminReply error_reply(int status, std::string_view error, std::string_view detail) {
    json::object body{{"error", json::string_view(error.data(), error.size())}};
    if (!detail.empty()) body["detail"] = json::string_view(detail.data(), detail.size());
    return {status, "application/json", json_text(body), {}};
}

void answer_admin_request(const AdminQuestion& question, AdminBackend& backend, Done done) {
    const AdminRequest& request = question.request;
    const std::string_view target =
        without_authority({request.target().data(), request.target().size()});
    const std::size_t path_end = std::min(target.find('?'), target.size());
    const std::string_view path = target.substr(0, path_end);
    const Endpoint* endpoint = find_endpoint(path);
    const std::optional<ClientCall> client =
        endpoint == nullptr ? find_client_call(target) : std::nullopt;
    if (client) endpoint = &client_endpoint;

    const std::optional<Visitor> visitor =
        identify(request, client ? client->token_field() : TokenField::bearer, question.access);
    if (auto refused = refusal(question, endpoint, visitor ? &*visitor : nullptr))
        return done(for_client(client, *std::move(refused)));
    if (endpoint == nullptr)
        return done(error_reply(404, "not found", "known are " + all_paths(", ")));
    if (!method_fits(*endpoint, request.method()))
        return done(for_client(client, wrong_method_reply(*endpoint)));
    const std::string_view query =
        path_end < target.size() ? target.substr(path_end + 1) : std::string_view();
    Call call{request,
              query,
              backend,
              {observe::PurgeSource::api, question.who, visitor ? visitor->token : std::string()},
              visitor ? visitor->may : settings::AdminRights{},
              std::move(done)};
    if (client) return purge_for_client(call, *client);
    endpoint->handle(call);
}

}  // namespace larder::admin
