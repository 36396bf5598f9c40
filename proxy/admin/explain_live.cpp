#include "admin/explain_live.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "admin/explain_offline.hpp"
#include "base/json_text.hpp"
#include "cache/freshness.hpp"
#include "cache/request_bypass.hpp"
#include "cache/reuse.hpp"
#include "cache/vary.hpp"
#include "flow/exchange.hpp"

namespace larder::admin {
namespace {

namespace json = boost::json;

constexpr std::size_t other_targets_max = 16;

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
    stored["status"] = entry.status();
    stored["age"] = cache::current_age(entry.freshness(), now).count();
    stored["ttl"] = cache::remaining_lifetime(entry.freshness(), now).count();
    stored["bytes"] = entry.body().size();
    stored["vary"] = array_of(entry.vary().to_strings());
    json::array tags;
    for (const cache::TagView tag : entry.response_tags()) tags.push_back(json::string(tag.name));
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
            return "the origin is asked, with a condition if the entry has a validator";
        case cache::Verdict::fetch:
            return "fetched: the stored entry may not answer this request";
        case cache::Verdict::refuse:
            return "504: the request says only-if-cached, and no stored entry is usable";
    }
    return "";
}

// Asks both tiers. An entry in memory is the one that would be used.
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
        return "the entries of this key are for requests with other values of the Vary fields, at "
               "the host " +
               host;
    return "nothing is stored for this request to the host " + host +
           " (to ask for another host, give a whole URL or a Host field)";
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
            looked.exchange.plan.personal == cache::Detail::none || looked.entry->shared();
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

}  // namespace

net::Task<void> explain_live(flow::Services& services, std::shared_ptr<LiveQuestion> question,
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

}  // namespace larder::admin
