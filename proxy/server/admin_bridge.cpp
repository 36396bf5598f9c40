#include "server/admin_bridge.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json.hpp>

#include "cache/decisions.hpp"
#include "flow/purge.hpp"
#include "flow/read_plan.hpp"
#include "observe/stats_json.hpp"
#include "route/explain.hpp"
#include "settings/effective_config.hpp"
#include "store/redis_shared.hpp"

namespace larder::server {
namespace {

namespace json = boost::json;

json::array array_of(const std::vector<std::string>& texts) {
    json::array out;
    for (const std::string& text : texts) out.push_back(json::string(text));
    return out;
}

// Whom a client asks that has no name for larder: entries are kept apart by Host.
std::string usual_host(const settings::Settings& settings) {
    return settings.listen.empty() ? std::string() : settings.listen.front().address;
}

// What the program knows of a request beyond its configuration: the entry, where it is and what it would be used for.
struct LiveQuestion {
    std::shared_ptr<const flow::Config> config;
    route::OfflineRequest request;
    std::string method;
    std::function<void(observe::JsonAnswer)> done;
};

void add_entry(json::object& out, const cache::StoredResponse& entry, const char* where) {
    const WallTime now = wall_now();
    json::object stored;
    stored["where"] = where;
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
        case cache::Verdict::serve: return "served from the cache: it is fresh";
        case cache::Verdict::serve_and_refresh: return "served stale while one request refreshes it";
        case cache::Verdict::revalidate: return "the origin is asked, conditionally where there is a validator";
        case cache::Verdict::fetch: return "fetched: the stored entry may not answer this request";
        case cache::Verdict::refuse: return "504: only-if-cached and nothing usable";
    }
    return "";
}

net::Task<void> look_up_live(flow::Services& use, std::shared_ptr<LiveQuestion> question, json::object out) {
    const http::RequestHead& request = question->request.head();
    const route::Match match = question->config->routes.match(request.method, request.method_name, request.host, request.path);
    flow::Exchange x;
    x.request = request;
    x.match = match;
    const flow::ReadPlan plan = flow::make_read_plan(request, *match.route);
    x.facts = route::build_key(*match.route, match.captures, request, x.key);
    const cache::Detail bypass = cache::request_bypass(request);
    const store::MemoryHit hit = use.memory.find(x.key, request, plan.with_host, steady_now());
    cache::Stored entry = hit.entry;
    bool soft_purged = hit.soft_purged;
    const char* where = "memory";
    if (!entry && use.redis) {
        store::RedisBudget budget;
        const store::EntryName name = flow::entry_name(x, plan);
        const store::Found found = co_await use.redis->find(name, budget);
        entry = found.entry;
        soft_purged = found.soft_purged;
        where = "redis";
        if (found.state != store::RedisState::ok) out["redis"] = found.state == store::RedisState::down ? "down" : "timeout";
    }
    if (entry) add_entry(out, *entry, where);
    if (bypass != cache::Detail::none || x.facts.query_bypass) {
        out["decision"] = "bypass";
        out["reason"] = std::string(cache::to_token(bypass != cache::Detail::none ? bypass : cache::Detail::query));
    } else if (!entry) {
        out["decision"] = "fetch";
        out["reason"] = "nothing is stored for this request to the host " + std::string(request.host) + " (a whole URL, or a Host field, names another)";
    } else {
        const cache::Verdict verdict = cache::decide_reuse(*entry, plan.directives, plan.personal, soft_purged, wall_now());
        out["decision"] = verdict == cache::Verdict::serve ? "hit" : verdict == cache::Verdict::serve_and_refresh ? "updating" : verdict == cache::Verdict::revalidate ? "revalidate" : "fetch";
        out["reason"] = verdict_text(verdict);
    }
    question->done({200, json::serialize(out)});
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
        for (const std::string& pattern : explanation.purges.patterns) purges.push_back(json::string(pattern));
        out["purges"] = std::move(purges);
    }
    return out;
}

net::Task<void> purge_and_tell(flow::Services& use, store::PurgeOrder order, observe::PurgeOrder asked, std::function<void(observe::PurgeResult)> done) {
    store::RedisBudget budget;
    use.metrics.record_purge(observe::PurgeSource::admin);
    const store::PurgeOutcome outcome = co_await flow::purge(use, std::move(order), budget);
    observe::PurgeResult result;
    result.purged = std::move(asked);
    if (outcome == store::PurgeOutcome::pending) {
        result.outcome = observe::PurgeResult::Outcome::journalled;
        result.message = "Redis cannot be reached; it is purged there before anything is served from it again";
    }
    done(std::move(result));
}

}  // namespace

std::string AdminBridge::metrics_text() { return shared_.metrics.text(); }

std::string AdminBridge::stats_json() { return json::serialize(observe::to_stats(shared_.metrics.snapshot())); }

std::string AdminBridge::config_text() { return settings::effective_config(config_()->settings); }

void AdminBridge::explain(observe::ExplainQuestion question, std::function<void(observe::JsonAnswer)> done) {
    const std::shared_ptr<const flow::Config> config = config_();
    std::optional<route::OfflineRequest> request = route::OfflineRequest::make(question.method, question.url, usual_host(config->settings), question.headers);
    if (!request) {
        done({400, R"({"error": "Bad Request", "detail": "url must be a path that begins with '/', or a whole URL"})"});
        return;
    }
    const route::Explanation explanation = route::explain(config->routes, request->head());
    json::object out = explain_offline(explanation);
    if (!explanation.readable) {
        out["decision"] = explanation.unsafe ? "write" : "bypass";
        out["reason"] = explanation.why;
        done({200, json::serialize(out)});
        return;
    }
    auto live = std::make_shared<LiveQuestion>(LiveQuestion{config, std::move(*request), std::move(question.method), std::move(done)});
    worker_.post([this, live, out = std::move(out)] {
        boost::asio::co_spawn(worker_.context(), look_up_live(worker_.services(), live, out), boost::asio::detached);
    });
}

void AdminBridge::purge(observe::PurgeOrder asked, std::function<void(observe::PurgeResult)> done) {
    const std::shared_ptr<const flow::Config> config = config_();
    store::PurgeOrder order;
    order.soft = asked.soft;
    order.set.keys = asked.keys;
    order.tags = asked.tags;
    for (const std::string& url : asked.urls) {
        const std::optional<route::OfflineRequest> request = route::OfflineRequest::make("GET", url, "", {});
        if (!request) {
            done({observe::PurgeResult::Outcome::failed, {}, {}, "not a URL: " + url});
            return;
        }
        route::PurgeSet met;
        config->routes.collect_url_purges(request->head().host, request->head().target, met);
        for (std::string& key : met.keys) {
            asked.keys.push_back(key);
            order.set.keys.push_back(std::move(key));
        }
        for (std::string& pattern : met.patterns) {
            asked.patterns.push_back(pattern);
        }
    }
    for (const std::string& pattern : asked.patterns) {
        std::vector<std::string>& list = config->routes.is_tag_pattern(pattern) ? order.set.patterns : order.scan_patterns;
        list.push_back(pattern);
    }
    worker_.post([this, order = std::move(order), asked = std::move(asked), done = std::move(done)]() mutable {
        boost::asio::co_spawn(worker_.context(), purge_and_tell(worker_.services(), std::move(order), std::move(asked), std::move(done)), boost::asio::detached);
    });
}

}  // namespace larder::server
