#include "admin/stats_json.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <string_view>

#include "observe/audit_estimate.hpp"

namespace larder::admin {
namespace {

namespace json = boost::json;

constexpr double nanoseconds_per_millisecond = 1e6;

json::string_view view(std::string_view text) { return {text.data(), text.size()}; }

/// How many cacheable requests were answered without waiting for the origin. Requests past the
/// cache are not counted.
struct Hits {
    std::uint64_t served = 0;
    std::uint64_t asked = 0;

    void add(cache::XCache word, std::uint64_t requests) {
        using cache::XCache;
        if (word != XCache::bypass) asked += requests;
        if (word == XCache::hit || word == XCache::updating || word == XCache::stale)
            served += requests;
    }

    [[nodiscard]] json::value ratio() const {
        if (asked == 0) return nullptr;
        return static_cast<double>(served) / static_cast<double>(asked);
    }
};

json::object to_latency(const observe::DurationTotals& duration) {
    const std::uint64_t count = duration.count();
    json::object out{{"count", count}};
    const double mean =
        count == 0 ? 0 : static_cast<double>(duration.sum) / static_cast<double>(count);
    out["mean_ms"] = mean / nanoseconds_per_millisecond;
    out["p50_ms"] = duration.quantile(0.5) / nanoseconds_per_millisecond;
    out["p90_ms"] = duration.quantile(0.9) / nanoseconds_per_millisecond;
    out["p99_ms"] = duration.quantile(0.99) / nanoseconds_per_millisecond;
    return out;
}

/// The values of an enum by their words. Omits zeros if the enum has many values.
template <class Enum, std::size_t N>
json::object to_object(const std::array<std::uint64_t, N>& values) {
    json::object out;
    for (std::size_t i = 0; i < N; ++i) out[view(to_word(static_cast<Enum>(i)))] = values[i];
    return out;
}

json::object to_reasons(const std::array<std::uint64_t, observe::detail_count>& values) {
    json::object out;
    for (std::size_t i = 1; i < values.size(); ++i)
        if (values[i] > 0) out[view(to_token(static_cast<cache::Detail>(i)))] = values[i];
    return out;
}

/// By X-Cache word, for one path or all.
using ByWord = std::array<observe::SeriesTotals, observe::x_cache_count>;

json::object to_requests(const ByWord& by_word) {
    std::uint64_t total = 0;
    Hits hits;
    json::object words;
    std::array<std::uint64_t, 10> classes{};
    for (std::size_t i = 0; i < by_word.size(); ++i) {
        const std::uint64_t requests = by_word[i].duration.count();
        words[view(to_word(static_cast<cache::XCache>(i)))] = requests;
        hits.add(static_cast<cache::XCache>(i), requests);
        total += requests;
        // HTTP does not define a status above 599; it counts as a server's failure (RFC 9110, 15).
        for (const auto& [status, number] : by_word[i].statuses)
            classes[std::min<std::size_t>(static_cast<std::size_t>(status) / 100, 5)] += number;
    }
    json::object statuses;
    for (std::size_t i = 1; i <= 5; ++i) statuses[std::to_string(i) + "xx"] = classes[i];
    return {{"total", total},
            {"hit_ratio", hits.ratio()},
            {"by_cache_status", words},
            {"by_status", statuses}};
}

ByWord by_word_of(const observe::PathTotals& path) {
    ByWord out;
    for (const auto& [labels, totals] : path.series)
        out[static_cast<std::size_t>(labels.second)].add(totals);
    return out;
}

// Wrong answers from the cache, and how old they were.
json::object to_audit(const observe::PathTotals& path) {
    json::object out = to_object<observe::AuditResult>(path.audit);
    const std::uint64_t same = path.audit[static_cast<std::size_t>(observe::AuditResult::same)];
    const std::uint64_t different =
        path.audit[static_cast<std::size_t>(observe::AuditResult::different)];
    const observe::AuditEstimate estimate = observe::estimate_audit(same + different, different);
    out["wrong_per_million"] = estimate.wrong_per_million;
    out["at_most_per_million"] = estimate.at_most_per_million;
    if (different > 0)
        out["wrong_age_seconds"] = json::object{{"p50", path.wrong_age.quantile(0.5)},
                                                {"p99", path.wrong_age.quantile(0.99)}};
    return out;
}

json::object to_route(const observe::PathTotals& path, const ByWord& by_word) {
    json::object out{{"path", path.path}};
    const json::object requests = to_requests(by_word);
    out.insert(requests.begin(), requests.end());
    observe::DurationTotals duration;
    for (const observe::SeriesTotals& one : by_word) duration.add(one.duration);
    out["latency"] = to_latency(duration);
    out["age"] = {{"count", path.age.count()},
                  {"p50_seconds", path.age.quantile(0.5)},
                  {"p99_seconds", path.age.quantile(0.99)}};
    out["origin_seconds_saved"] = static_cast<double>(path.saved_nanoseconds) / 1e9;
    out["not_stored"] = to_reasons(path.not_stored);
    out["fills_discarded"] = to_reasons(path.fills_discarded);
    if (path.shadow[0] + path.shadow[1] + path.shadow[2] > 0)
        out["shadow"] = to_object<observe::ShadowResult>(path.shadow);
    if (path.audit[0] + path.audit[1] + path.audit[2] > 0) out["audit"] = to_audit(path);
    return out;
}

json::object to_trouble(const observe::RedisTrouble& trouble) {
    return {{"concerns", trouble.concerns}, {"kind", trouble.kind},
            {"text", trouble.text},         {"command", trouble.command},
            {"remedy", trouble.remedy},     {"seconds_ago", trouble.seconds_ago}};
}

json::object to_redis(const observe::Snapshot& snapshot) {
    constexpr std::array<const char*, 3> breaker_words{"closed", "probing", "open"};
    json::object operations;
    for (std::size_t i = 0; i < snapshot.redis_operations.size(); ++i)
        if (snapshot.redis_operations[i].count() > 0)
            operations[view(observe::to_word(static_cast<observe::RedisOperation>(i)))] =
                to_latency(snapshot.redis_operations[i]);
    json::array troubles;
    for (const observe::RedisTrouble& trouble : snapshot.gauges.redis_troubles) {
        json::object one = to_trouble(trouble);
        one["for_seconds"] = trouble.for_seconds;
        troubles.push_back(std::move(one));
    }
    json::array nodes;
    for (const observe::RedisNodeState& node : snapshot.gauges.redis_nodes)
        nodes.push_back({{"address", node.address},
                         {"up", node.up},
                         {"breaker", breaker_words[static_cast<std::size_t>(node.breaker)]}});
    const auto& last = snapshot.gauges.redis_last_refusal;
    return {{"configured", snapshot.gauges.redis_configured},
            {"up", snapshot.gauges.redis_up},
            {"breaker", breaker_words[static_cast<std::size_t>(snapshot.gauges.redis_breaker)]},
            {"nodes", std::move(nodes)},
            {"errors", to_object<observe::RedisFailure>(snapshot.gauges.redis_failures)},
            {"last_refusal",
             last.empty() ? json::value(nullptr) : json::value(to_trouble(last.front()))},
            {"troubles", std::move(troubles)},
            {"operations", operations}};
}

json::array to_addresses(const observe::OriginState& state) {
    json::array out;
    for (const observe::OriginAddress& one : state.addresses)
        out.push_back(json::object{{"address", one.address},
                                   {"up", one.up},
                                   {"reachable", one.reachable},
                                   {"connections", one.connections},
                                   {"requests", one.requests}});
    return out;
}

json::array to_origins(const observe::Snapshot& snapshot) {
    json::array out;
    for (const observe::ServerTotals& server : snapshot.servers) {
        const auto& states = snapshot.gauges.origins;
        const auto state = std::find_if(states.begin(), states.end(), [&](const auto& one) {
            return one.server == server.server;
        });
        if (state == states.end() && server.duration.count() == 0) continue;
        json::object one{{"server", server.server}, {"latency", to_latency(server.duration)}};
        one["up"] = state == states.end() ? json::value(nullptr) : json::value(state->up);
        one["errors"] = to_object<observe::OriginFailure>(server.failures);
        if (state != states.end()) one["addresses"] = to_addresses(*state);
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace

json::object to_stats(const observe::Snapshot& snapshot) {
    ByWord all;
    json::array routes;
    for (const observe::PathTotals& path : snapshot.paths) {
        const ByWord by_word = by_word_of(path);
        for (std::size_t i = 0; i < all.size(); ++i) all[i].add(by_word[i]);
        routes.push_back(to_route(path, by_word));
    }
    json::object requests = to_requests(all);
    requests["coalesced"] = snapshot.coalesced;
    requests["bytes_in"] = snapshot.bytes_in;
    requests["bytes_out"] = snapshot.bytes_out;
    json::object latency;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i].duration.count() > 0)
            latency[view(to_word(static_cast<cache::XCache>(i)))] = to_latency(all[i].duration);
    json::object purges;
    for (std::size_t i = 0; i < snapshot.purges.size(); ++i)
        purges[view(to_word(static_cast<observe::PurgeSource>(i)))] = snapshot.purges[i].count();
    purges["pending"] = snapshot.gauges.purges_pending;
    return {{"version", snapshot.version},
            {"uptime_seconds", snapshot.uptime.count()},
            {"config_last_reload_successful", snapshot.reload_successful},
            {"requests", std::move(requests)},
            {"latency", std::move(latency)},
            {"routes", std::move(routes)},
            {"redis", to_redis(snapshot)},
            {"memory",
             {{"bytes", snapshot.gauges.memory_bytes},
              {"entries", snapshot.gauges.memory_entries},
              {"evictions", snapshot.gauges.memory_evictions}}},
            {"origins", to_origins(snapshot)},
            {"purges", std::move(purges)},
            {"client_connections", snapshot.gauges.client_connections}};
}

}  // namespace larder::admin
