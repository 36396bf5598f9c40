#include "flow/request_trace.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/equal_in_constant_time.hpp"
#include "base/json_text.hpp"
#include "cache/freshness.hpp"
#include "cache/lifetime_source.hpp"
#include "cache/origin_tags.hpp"
#include "cache/outcome_text.hpp"
#include "cache/stored_head.hpp"
#include "flow/client.hpp"
#include "route/compiled_route.hpp"

namespace larder::flow {
namespace {

namespace json = boost::json;

constexpr std::size_t tags_shown_max = 32;
constexpr std::size_t text_bytes_max = 512;

json::string shown(std::string_view text) {
    if (text.size() <= text_bytes_max) return json::string(text.data(), text.size());
    return json::string(std::string(text.substr(0, text_bytes_max)) + "...");
}

json::value route_of(const Exchange& exchange) {
    if (!exchange.match.route) return nullptr;
    const settings::Route& rule = exchange.match.route->rule;
    json::object out{{"match", shown(rule.match)}, {"line", rule.at.line}};
    if (!rule.name.empty()) out["name"] = shown(rule.name);
    return out;
}

// Tags of the rules hold values of the key, so those of a key with secrets are left out.
json::array tags_of(Client& client, const http::ResponseHead& response) {
    const Exchange& exchange = client.exchange();
    const route::CompiledRoute& route = *exchange.match.route;
    std::vector<std::string> tags;
    if (!route.has_secrets) route::collect_tags(route, exchange.key, exchange.key_info, tags);
    cache::collect_origin_tags(response, client.settings().tag_headers, tags);
    json::array out;
    for (const std::string& tag : tags)
        if (out.size() < tags_shown_max) out.push_back(shown(tag));
    return out;
}

json::object lifetime_of(const Exchange& exchange, const http::ResponseHead& response) {
    const settings::Route& rule = exchange.match.route->rule;
    const WallTime now = wall_now();
    const std::string_view source = cache::lifetime_source(response, rule, now);
    const cache::OriginDirectives origin = cache::read_origin_directives(response.fields, rule);
    const auto granted = cache::freshness_lifetime(response, origin, rule, now).duration;
    json::object out{{"seconds", static_cast<double>(granted.count()) / 1000},
                     {"source", json::string_view(source.data(), source.size())}};
    if (exchange.lookup.entry)
        out["left"] = cache::remaining_lifetime(exchange.lookup.entry->freshness(), now).count();
    return out;
}

void add_read(Client& client, std::string_view lines, json::object& out) {
    const Exchange& exchange = client.exchange();
    const route::CompiledRoute& route = *exchange.match.route;
    std::vector<http::Field> fields;
    cache::parse_stored_head(lines, fields);
    http::ResponseHead response;
    response.status = exchange.status;
    response.fields = http::Fields(fields);
    if (exchange.key.empty()) return;  // kept out of the cache before a key was made
    out["key"] = shown(route.has_secrets
                           ? route::masked_key(route, exchange.match.captures, exchange.request)
                           : exchange.key);
    out["tags"] = tags_of(client, response);
    out["lifetime"] = lifetime_of(exchange, response);
    out["entry"] = nullptr;
    if (exchange.trace->found_in != nullptr) out["entry"] = exchange.trace->found_in;
}

std::string decision_text(const cache::Outcome& outcome) {
    std::string out(cache::sentence_of(outcome.x_cache()));
    const std::string_view why = cache::sentence_of(outcome.detail());
    if (!why.empty()) out.append("; ").append(why);
    return out;
}

double milliseconds(std::chrono::nanoseconds took) {
    return static_cast<double>(took.count() / 1000) / 1000;
}

json::object times_of(const Exchange& exchange) {
    json::object out;
    for (const RequestTrace::Step& step : exchange.trace->steps) {
        const json::value* before = out.if_contains(step.name);
        out[step.name] = milliseconds(step.took) + (before != nullptr ? before->as_double() : 0);
    }
    out["total"] = milliseconds(steady_now() - exchange.began);
    return out;
}

}  // namespace

bool is_debug_field(const http::Field& field, const settings::Settings& settings) {
    return !settings.debug_token.empty() && iequals(field.name, "larder-debug") &&
           equal_in_constant_time(field.value, settings.debug_token);
}

void begin_trace(Client& client) {
    const http::Fields& fields = client.request().fields;
    if (std::any_of(fields.begin(), fields.end(), [&](const http::Field& field) {
            return is_debug_field(field, client.settings());
        }))
        client.exchange().trace = std::make_unique<RequestTrace>();
}

void append_explanation(Client& client, std::string_view lines, std::string& out) {
    const Exchange& exchange = client.exchange();
    if (!exchange.trace) return;
    const std::string_view word = to_word(exchange.outcome.x_cache());
    const std::string_view detail = to_token(exchange.outcome.detail());
    json::object line{{"route", route_of(exchange)}};
    if (exchange.match.route && exchange.match.route->rule.kind == settings::RouteKind::read)
        add_read(client, lines, line);
    line["x_cache"] = json::string_view(word.data(), word.size());
    line["detail"] = json::string_view(detail.data(), detail.size());
    line["decision"] = decision_text(exchange.outcome);
    line["milliseconds"] = times_of(exchange);
    std::string text = json_text(line);
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    out.append("Larder-Explain: ").append(text).append("\r\n");
}

}  // namespace larder::flow
