#include "admin/routes.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http/field.hpp>
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "admin/access.hpp"
#include "admin/explain_query.hpp"
#include "admin/page.hpp"
#include "admin/purge_body.hpp"
#include "base/json_text.hpp"

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
    Done done;
};

void show_page(Call& call) { call.done({200, html_type, std::string(admin_page()), {}}); }

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
        done({answer.status, "application/json", std::move(answer.json), {}});
    });
}

void purge(Call& call) {
    auto parsed = parse_purge_body(call.request.body());
    if (const auto* complaint = std::get_if<std::string>(&parsed))
        return call.done(error_reply(400, "bad purge", *complaint));
    call.backend.purge(std::get<PurgeOrder>(std::move(parsed)),
                       [done = std::move(call.done)](const PurgeResult& result) {
                           JsonAnswer answer = to_answer(result);
                           done({answer.status, "application/json", std::move(answer.json), {}});
                       });
}

struct Endpoint {
    std::string_view path;
    bool changes;  ///< POST only, and never for a page from another site; otherwise GET and HEAD
    bool open;     ///< needs neither token nor local Host, for load balancers
    void (*handle)(Call&);
};

constexpr std::array<Endpoint, 8> endpoints{{
    {"/", false, false, show_page},
    {"/healthz", false, true, tell_health},
    {"/readyz", false, true, tell_readiness},
    {"/metrics", false, false, show_metrics},
    {"/stats", false, false, show_stats},
    {"/explain", false, false, explain},
    {"/purge", true, false, purge},
    {"/config", false, false, show_config},
}};

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
        return {401, html_type, std::string(admin_page()), {}};
    return error_reply(401, "unauthorized", "send Authorization: Bearer with the configured token");
}

/// The reply to a request that is not allowed; nothing: it is allowed.
std::optional<AdminReply> refusal(const AdminRequest& request, const Endpoint* endpoint,
                                  const std::string& token) {
    if (endpoint != nullptr && endpoint->open) return std::nullopt;
    if (!token.empty() && !has_token(request, token)) return unauthorized_reply(request, endpoint);
    if (token.empty() && request.method() == http::verb::post &&
        request.count(http::field::origin) > 0 && !has_local_host(request))
        return error_reply(403, "forbidden",
                           "without a token, Host must be an address or localhost");
    if (endpoint != nullptr && endpoint->changes && is_cross_site(request))
        return error_reply(403, "forbidden",
                           "a page from another site may not change anything here");
    return std::nullopt;
}

}  // namespace

AdminReply error_reply(int status, std::string_view error, std::string_view detail) {
    json::object body{{"error", json::string_view(error.data(), error.size())}};
    if (!detail.empty()) body["detail"] = json::string_view(detail.data(), detail.size());
    return {status, "application/json", json_text(body), {}};
}

void answer_admin_request(const AdminRequest& request, const std::string& token,
                          AdminBackend& backend, Done done) {
    const std::string_view target(request.target().data(), request.target().size());
    const std::size_t path_end = std::min(target.find('?'), target.size());
    const Endpoint* endpoint = find_endpoint(target.substr(0, path_end));

    if (auto refused = refusal(request, endpoint, token)) return done(*std::move(refused));
    if (endpoint == nullptr)
        return done(error_reply(404, "not found", "GET / shows the addresses"));
    if (!method_fits(*endpoint, request.method())) {
        AdminReply reply = error_reply(405, "method not allowed");
        reply.allow = endpoint->changes ? "POST" : "GET, HEAD";
        return done(std::move(reply));
    }
    const std::string_view query =
        path_end < target.size() ? target.substr(path_end + 1) : std::string_view();
    Call call{request, query, backend, std::move(done)};
    endpoint->handle(call);
}

}  // namespace larder::admin
