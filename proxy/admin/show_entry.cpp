#include "admin/show_entry.hpp"

#include <boost/json.hpp>

#include "admin/entry_diff.hpp"
#include "admin/entry_json.hpp"
#include "admin/entry_walk.hpp"
#include "admin/query.hpp"
#include "base/json_text.hpp"
#include "cache/vary.hpp"
#include "flow/fetch_aside.hpp"
#include "route/compiled_route.hpp"
#include "route/offline_request.hpp"

namespace larder::admin {
namespace {

namespace json = boost::json;

constexpr std::size_t diff_body_max = 8u << 20;

std::string take_flag(std::string_view name, std::string_view value, bool& flag) {
    if (value != "0" && value != "1") return std::string(name) + " must be 0 or 1";
    flag = value == "1";
    return {};
}

std::string take(std::string_view name, std::string value, EntryQuestion& question) {
    if (name == "key") {
        question.key = std::move(value);
    } else if (name == "url") {
        question.url = std::move(value);
    } else if (name == "body") {
        return take_flag(name, value, question.with_body);
    } else if (name == "diff") {
        return take_flag(name, value, question.with_diff);
    } else if (name == "header") {
        return add_header(value, question.headers);
    } else {
        return "unknown parameter; known are url, key, header, body and diff (an & inside the url "
               "is "
               "%26)";
    }
    return {};
}

JsonAnswer error_answer(int status, const char* error, const std::string& detail) {
    return {status, json_text(json::object{{"error", error}, {"detail", detail}})};
}

// The key of the URL's GET; nothing, and why, where it is not cached.
std::optional<std::string> key_of(const flow::Config& config, const http::RequestHead& request,
                                  std::string& why) {
    const route::Match match =
        config.routes.match(request.method, request.method_name, request.host, request.path);
    if (!match.route || match.route->rule.kind != settings::RouteKind::read) {
        why = "no read route takes a GET of this URL, so nothing is stored for it";
        return std::nullopt;
    }
    std::string key;
    const route::KeyInfo info = route::build_key(*match.route, match.captures, request, key);
    if (!info.query_bypass) return key;
    why = "the route says `query: bypass`, so this URL is not cached";
    return std::nullopt;
}

// The variant that the request gets, else the newest.
const ShownEntry& chosen(const ShownKey& shown, const http::RequestHead* request) {
    if (request == nullptr) return shown.entries.front();
    for (const ShownEntry& one : shown.entries) {
        const cache::StoredResponse& entry = *one.entry;
        const bool with_host = !cache::target_of_variant(entry.variant()).authority.empty();
        std::string variant;
        cache::build_variant(*request, entry.vary(), with_host, variant);
        if (variant == entry.variant()) return one;
    }
    return shown.entries.front();
}

net::Task<void> add_diff(flow::Services& services, std::shared_ptr<const flow::Config> config,
                         const EntryQuestion& question, const ShownEntry& shown,
                         json::object& out) {
    if (shown.body_absent) {
        out["diff"] = json::object{{"error", "only Redis has this large body"}};
        co_return;
    }
    const cache::VariantTarget target = cache::target_of_variant(shown.entry->variant());
    const std::string url = target.authority.empty() ? std::string(shown.entry->target())
                                                     : target.scheme + "://" + target.authority +
                                                           std::string(shown.entry->target());
    const auto request = route::OfflineRequest::make("GET", url, question.host, question.headers);
    if (!request) co_return;
    const http::RequestHead& head = request->head();
    const route::Match match =
        config->routes.match(head.method, head.method_name, head.host, head.path);
    flow::Sender sender;
    sender.address = "127.0.0.1";
    const flow::AsideRequest aside{*config, match.route, match.captures, head, sender};
    flow::AsideAnswer answer;
    co_await flow::fetch_aside(services, aside, diff_body_max, answer);
    out["diff"] = answer.failure.empty() ? to_diff(*shown.entry, answer)
                                         : json::object{{"error", answer.failure}};
}

}  // namespace

std::variant<EntryQuestion, std::string> parse_entry_query(std::string_view query) {
    EntryQuestion question;
    std::string complaint =
        for_each_parameter(query, [&](std::string_view name, std::string value) {
            return take(name, std::move(value), question);
        });
    if (!complaint.empty()) return complaint;
    if (question.key.empty() == question.url.empty())
        return std::string("give either url or key: /entry?url=/articles/42");
    return question;
}

net::Task<void> show_entry(flow::Services& services, std::shared_ptr<const flow::Config> config,
                           EntryQuestion question, std::function<void(JsonAnswer)> done) {
    std::optional<route::OfflineRequest> request;
    if (!question.url.empty()) {
        request = route::OfflineRequest::make("GET", question.url, question.host, question.headers);
        std::string why = "url must be a path that begins with '/', or a whole URL";
        const auto key = request ? key_of(*config, request->head(), why) : std::nullopt;
        if (!key) {
            done(error_answer(request ? 404 : 400, request ? "not found" : "bad question", why));
            co_return;
        }
        question.key = *key;
    }
    redis::RedisState state = redis::RedisState::ok;
    const ShownKey shown = co_await look_up_key(services, question.key, state);
    json::object out;
    if (state != redis::RedisState::ok)
        out["redis"] = state == redis::RedisState::down ? "down" : "timeout";
    if (shown.entries.empty()) {
        out["error"] = "not found";
        out["detail"] = "nothing is stored under " + question.key;
        done({404, json_text(out)});
        co_return;
    }
    out["key"] = question.key;
    out["route"] = route_of(config->routes, *shown.entries.front().entry);
    json::array variants;
    for (const ShownEntry& one : shown.entries)
        variants.push_back(to_variant(one, question.with_body, wall_now()));
    out["variants"] = std::move(variants);
    const http::RequestHead* asked = request ? &request->head() : nullptr;
    if (question.with_diff)
        co_await add_diff(services, config, question, chosen(shown, asked), out);
    done({200, json_text(out)});
}

}  // namespace larder::admin
