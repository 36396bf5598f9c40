#include "server/admin_bridge.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "admin/stats_json.hpp"
#include "base/json_text.hpp"
#include "cache/freshness.hpp"
#include "cache/request_bypass.hpp"
#include "cache/reuse.hpp"
#include "cache/vary.hpp"
#include "flow/purge.hpp"
#include "flow/read_plan.hpp"
#include "net/detached.hpp"
#include "redis/shared.hpp"
#include "route/explain.hpp"
#include "settings/effective_config.hpp"

namespace larder::server {
namespace {

namespace json = boost::json;

json::array array_of(const std::vector<std::string>& texts) {
    json::array out;
    for (const std::string& text : texts) out.push_back(json::string(text));
    return out;
}

constexpr std::size_t other_targets_max = 16;

// The Host that a question without one is about, for entries are kept apart by it: whom the one who
// asks addresses, or, where that is the admin server itself, whom a client asks that has no name
// for larder.
std::string usual_host(const settings::Settings& settings, const std::string& asked) {
    const std::string admin = settings.admin.address ? to_text(*settings.admin.address) : "";
    if (!asked.empty() &&
        !asked.ends_with(admin.substr(std::min(admin.find_last_of(':'), admin.size()))))
        return asked;
    return settings.listen.empty() ? std::string() : to_text(settings.listen.front().address);
}

bool names_a_host(const admin::ExplainQuestion& question) {
    return !question.url.starts_with('/') ||
           std::any_of(question.headers.begin(), question.headers.end(),
                       [](const auto& header) { return iequals(header.first, "host"); });
}

// What the program knows of a request beyond its configuration: the entry, where it is and what it
// would be used for.
struct LiveQuestion {
    std::shared_ptr<const flow::Config> config;
    admin::ExplainQuestion asked;
    route::OfflineRequest request;
    bool any_host;  ///< the question names no host: an entry of another one will do, else only one
                    ///< of another scheme
    std::function<void(admin::JsonAnswer)> done;
    redis::RedisBudget budget{};
};

// An entry, or why there is none.
struct Looked {
    flow::Exchange exchange{};
    cache::Stored entry{};
    bool soft_purged = false;
    bool other_variant = false;
    json::array where{};
    redis::RedisState redis = redis::RedisState::ok;
};

void add_entry(json::object& out, const Looked& looked) {
    const cache::StoredResponse& entry = *looked.entry;
    const WallTime now = wall_now();
    json::object stored;
    stored["where"] = looked.where;
    stored["scheme"] = json::string(looked.exchange.request.scheme);
    stored["host"] = json::string(looked.exchange.request.authority);
    stored["status"] = entry.status;
    stored["age"] = cache::current_age(entry.freshness, now).count();
    stored["ttl"] = cache::remaining_lifetime(entry.freshness, now).count();
    stored["bytes"] = entry.body.size();
    stored["vary"] = array_of(entry.vary);
    json::array tags;
    for (const cache::TagId& tag : entry.response_tags) tags.push_back(json::string(tag.name));
    stored["response_tags"] = std::move(tags);
    out["entry"] = std::move(stored);
}

const char* verdict_text(cache::Verdict verdict) {
    switch (verdict) {
        case cache::Verdict::serve:
            return "served from the cache: it is fresh";
        case cache::Verdict::serve_and_refresh:
            return "served stale while one request refreshes it";
        case cache::Verdict::revalidate:
            return "the origin is asked, conditionally where there is a validator";
        case cache::Verdict::fetch:
            return "fetched: the stored entry may not answer this request";
        case cache::Verdict::refuse:
            return "504: only-if-cached and nothing usable";
    }
    return "";
}

// Asks both tiers; what memory has is what would be used.
net::Task<void> look_up(flow::Services& services, LiveQuestion& question, Looked& out) {
    const http::RequestHead& request = question.request.head();
    out.exchange.request = request;
    out.exchange.match = question.config->routes.match(request.method, request.method_name,
                                                       request.host, request.path);
    if (!out.exchange.match.route ||
        out.exchange.match.route->rule.kind != settings::RouteKind::read)
        co_return;  // another host's
    out.exchange.plan = flow::make_read_plan(request, *out.exchange.match.route);
    out.exchange.key_info = route::build_key(*out.exchange.match.route, out.exchange.match.captures,
                                             request, out.exchange.key);
    question.config->routes.note_plain_path(request, out.exchange.key_info);
    const store::MemoryHit hit =
        services.memory.find(out.exchange.key, request, out.exchange.plan.with_host,
                             out.exchange.plan.route->rules, steady_now());
    out.entry = hit.entry;
    out.soft_purged = hit.soft_purged;
    out.other_variant = hit.other_variant;
    if (hit.entry) out.where.emplace_back("memory");
    if (!services.redis) co_return;
    const redis::EntryName name = flow::entry_name(out.exchange);
    const redis::Found found = co_await services.redis->find(name, question.budget);
    out.redis = found.state;
    out.other_variant |= found.other_variant;
    if (!found.entry) co_return;
    out.where.emplace_back("redis");
    if (out.entry) co_return;
    out.entry = found.entry;
    out.soft_purged = found.soft_purged;
}

// The schemes and hosts that have entries of this key, as "https://host".
net::Task<std::vector<std::string>> targets_of(flow::Services& services, LiveQuestion& question,
                                               const Looked& looked) {
    std::vector<std::string> variants = services.memory.variants(looked.exchange.key, steady_now());
    if (services.redis) {
        const std::vector<std::string> more =
            co_await services.redis->variants(looked.exchange.key, question.budget);
        variants.insert(variants.end(), more.begin(), more.end());
    }
    std::vector<std::string> targets;
    for (const std::string& variant : variants) {
        const cache::VariantTarget of = cache::target_of_variant(variant);
        if (of.scheme.empty()) continue;
        std::string target =
            of.scheme + "://" +
            (of.authority.empty() ? std::string(looked.exchange.request.host) : of.authority);
        const bool is_asked =
            question.any_host || iequals(of.authority, looked.exchange.request.host);
        const bool is_new =
            is_asked && std::find(targets.begin(), targets.end(), target) == targets.end();
        if (is_new && targets.size() < other_targets_max) targets.push_back(std::move(target));
    }
    co_return targets;
}

std::string nothing_stored(const Looked& looked) {
    const std::string host(looked.exchange.request.host);
    if (looked.other_variant)
        return "the entries of this key answer other request fields (Vary) than these to the "
               "host " +
               host;
    return "nothing is stored for this request to the host " + host +
           " (a whole URL, or a Host field, names another)";
}

json::object tell(json::object out, const http::RequestHead& request, const Looked& looked) {
    const std::span<const std::string> key_headers = looked.exchange.match.route
                                                         ? looked.exchange.match.route->key_headers
                                                         : std::span<const std::string>();
    const cache::Detail bypass = cache::request_bypass(request, key_headers);
    if (looked.redis != redis::RedisState::ok)
        out["redis"] = looked.redis == redis::RedisState::down ? "down" : "timeout";
    if (looked.entry) add_entry(out, looked);
    if (looked.exchange.plan.route)
        if (const std::string text = flow::credentials_text(request, *looked.exchange.plan.route);
            !text.empty())
            out["credentials"] = text;
    if (bypass != cache::Detail::none || looked.exchange.key_info.query_bypass ||
        looked.exchange.key_info.needless_encoding) {
        out["decision"] = "bypass";
        out["reason"] = std::string(
            cache::to_token(bypass != cache::Detail::none ? bypass : cache::Detail::query));
    } else if (!looked.entry) {
        out["decision"] = "fetch";
        out["reason"] = nothing_stored(looked);
    } else {
        const bool shared =
            looked.exchange.plan.personal == cache::Detail::none || looked.entry->freshness.shared;
        const cache::Verdict verdict =
            cache::decide_reuse(*looked.entry, looked.exchange.plan.directives,
                                looked.exchange.plan.personal, looked.soft_purged, wall_now());
        out["decision"] = verdict == cache::Verdict::serve               ? "hit"
                          : verdict == cache::Verdict::serve_and_refresh ? "updating"
                          : verdict == cache::Verdict::revalidate        ? "revalidate"
                                                                         : "fetch";
        out["reason"] = shared ? std::string(verdict_text(verdict))
                               : flow::credentials_text(request, *looked.exchange.plan.route);
    }
    return out;
}

net::Task<void> look_up_live(flow::Services& services, std::shared_ptr<LiveQuestion> question,
                             json::object out) {
    Looked looked;
    co_await look_up(services, *question, looked);
    std::vector<std::string> targets;
    if (!looked.entry) targets = co_await targets_of(services, *question, looked);
    for (const std::string& target : targets) {
        const std::string url = target + std::string(question->request.head().target);
        auto request =
            route::OfflineRequest::make(question->asked.method, url, {}, question->asked.headers);
        if (!request) break;
        LiveQuestion other{question->config, question->asked, std::move(*request), false, {},
                           question->budget};
        Looked elsewhere;
        co_await look_up(services, other, elsewhere);
        if (!elsewhere.entry) continue;
        question->done({200, json_text(tell(std::move(out), other.request.head(), elsewhere))});
        co_return;
    }
    question->done({200, json_text(tell(std::move(out), question->request.head(), looked))});
}

// The same, with an answer whatever happens.
net::Task<void> tell_what_is_live(flow::Services& services, std::shared_ptr<LiveQuestion> question,
                                  json::object out) {
    std::exception_ptr failure;
    try {
        co_await look_up_live(services, question, std::move(out));
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) co_return;
    question->done({500, R"({"error": "Internal Server Error", "detail": "the log says more"})"});
    std::rethrow_exception(failure);
}

json::object explain_offline(const route::Explanation& explanation) {
    json::object out;
    out["request"] = explanation.request;
    out["why"] = explanation.why;
    out["route"] = nullptr;
    if (explanation.route) {
        json::object route;
        route["match"] = explanation.route->rule.match;
        route["line"] = explanation.route->rule.at.line;
        if (!explanation.route->rule.name.empty()) route["name"] = explanation.route->rule.name;
        out["route"] = std::move(route);
    }
    if (explanation.readable) {
        out["key"] = explanation.key;
        out["tags"] = array_of(explanation.tags);
        out["response_tags"] = array_of(explanation.response_tags);
        out["lifetime"] = array_of(explanation.lifetime);
    }
    if (explanation.unsafe) {
        json::array purges = array_of(explanation.purges.keys);
        for (const std::string& pattern : explanation.purges.patterns)
            purges.push_back(json::string(pattern));
        out["purges"] = std::move(purges);
    }
    return out;
}

net::Task<void> purge_and_tell(flow::Services& services, store::PurgeOrder order,
                               admin::PurgeOrder asked,
                               std::function<void(admin::PurgeResult)> done) {
    redis::RedisBudget budget;
    services.metrics.record_purge(observe::PurgeSource::admin);
    store::PurgeOutcome outcome = store::PurgeOutcome::pending;
    std::exception_ptr failure;
    try {
        outcome = co_await flow::purge(services, std::move(order), budget);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        done({admin::PurgeResult::Outcome::failed, {}, {}, "internal error: the log says more"});
        std::rethrow_exception(failure);
    }
    admin::PurgeResult result;
    result.purged = std::move(asked);
    if (outcome == store::PurgeOutcome::pending) {
        result.outcome = admin::PurgeResult::Outcome::journalled;
        result.message =
            "Redis cannot be reached; it is purged there before anything is served from it again";
    }
    done(std::move(result));
}

}  // namespace

std::string AdminBridge::metrics_text() { return shared_.metrics.text(); }

std::string AdminBridge::stats_json() {
    return json_text(admin::to_stats(shared_.metrics.snapshot()));
}

std::string AdminBridge::config_text() {
    return settings::effective_config(settings::with_automatic_values(config_()->settings));
}

void AdminBridge::explain(admin::ExplainQuestion question,
                          std::function<void(admin::JsonAnswer)> done) {
    const std::shared_ptr<const flow::Config> config = config_();
    std::optional<route::OfflineRequest> request =
        route::OfflineRequest::make(question.method, question.url,
                                    usual_host(config->settings, question.host), question.headers);
    if (!request) {
        done(
            {400,
             R"({"error": "Bad Request", "detail": "url must be a path that begins with '/', or a whole URL"})"});
        return;
    }
    const route::Explanation explanation = route::explain(config->routes, request->head());
    json::object out = explain_offline(explanation);
    if (!explanation.readable) {
        out["decision"] = explanation.unsafe ? "write" : "bypass";
        out["reason"] = explanation.why;
        done({200, json_text(out)});
        return;
    }
    const bool any_host = !names_a_host(question);
    auto live = std::make_shared<LiveQuestion>(
        LiveQuestion{config, std::move(question), std::move(*request), any_host, std::move(done)});
    worker_.post([this, live, out = std::move(out)] {
        net::start_detached(worker_.context().get_executor(),
                            tell_what_is_live(worker_.services(), live, out), "an explanation");
    });
}

void AdminBridge::purge(admin::PurgeOrder asked, std::function<void(admin::PurgeResult)> done) {
    const std::shared_ptr<const flow::Config> config = config_();
    store::PurgeOrder order;
    order.soft = asked.soft;
    order.set.keys = asked.keys;
    order.tags = asked.tags;
    for (const std::string& url : asked.urls) {
        const std::optional<route::OfflineRequest> request =
            route::OfflineRequest::make("GET", url, "", {});
        if (!request) {
            done({admin::PurgeResult::Outcome::failed, {}, {}, "not a URL: " + url});
            return;
        }
        route::PurgeSet met;
        config->routes.collect_url_purges(request->head(), request->head().target, met);
        for (std::string& key : met.keys) {
            asked.keys.push_back(key);
            order.set.keys.push_back(std::move(key));
        }
        for (std::string& pattern : met.patterns) {
            asked.patterns.push_back(pattern);
        }
    }
    for (const std::string& pattern : asked.patterns) {
        if (pattern.find('*') == std::string::npos) {
            order.set.keys.push_back(pattern);
            continue;
        }
        std::vector<std::string>& list =
            config->routes.is_tag_pattern(pattern) ? order.set.patterns : order.scan_patterns;
        list.push_back(pattern);
    }
    worker_.post([this, order = std::move(order), asked = std::move(asked),
                  done = std::move(done)]() mutable {
        net::start_detached(
            worker_.context().get_executor(),
            purge_and_tell(worker_.services(), std::move(order), std::move(asked), std::move(done)),
            "a purge");
    });
}

}  // namespace larder::server
