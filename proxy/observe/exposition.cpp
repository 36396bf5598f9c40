#include "observe/exposition.hpp"

#include <initializer_list>
#include <string_view>
#include <utility>

namespace larder::observe {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::initializer_list<std::pair<const char*, std::string_view>>;

constexpr double nanoseconds_per_second = 1e9;

MetricFamily family(const char* name, const char* help, MetricType type) {
    return {name, help, type, {}};
}

ClientMetric& sample(MetricFamily& into, Labels labels) {
    ClientMetric& metric = into.metric.emplace_back();
    metric.label.reserve(labels.size());
    for (const auto& [name, value] : labels) metric.label.push_back({name, std::string(value)});
    return metric;
}

void count(MetricFamily& into, Labels labels, double value) {
    sample(into, labels).counter.value = value;
}
void count(MetricFamily& into, Labels labels, std::uint64_t value) {
    count(into, labels, static_cast<double>(value));
}
void gauge(MetricFamily& into, Labels labels, double value) {
    sample(into, labels).gauge.value = value;
}

/// Adds nothing where nothing was measured: a histogram is some twenty series, and most routes,
/// servers and operations never see most events. The bucket beyond the last bound is only in the
/// sample count, which the serializer writes as +Inf.
template <const auto& scale>
void histogram(MetricFamily& into, Labels labels, const HistogramTotals<scale>& totals,
               double unit) {
    if (totals.count() == 0) return;
    auto& out = sample(into, labels).histogram;
    out.bucket.reserve(scale.bounds_count);
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < scale.bounds_count; ++i) {
        cumulative += totals.buckets[i];
        out.bucket.push_back({cumulative, static_cast<double>(scale.bound(i)) / unit});
    }
    out.sample_count = cumulative + totals.buckets[scale.bounds_count];
    out.sample_sum = static_cast<double>(totals.sum) / unit;
}

MetricFamily single_count(const char* name, const char* help, std::uint64_t value) {
    MetricFamily result = family(name, help, MetricType::Counter);
    count(result, {}, value);
    return result;
}

MetricFamily single_gauge(const char* name, const char* help, double value) {
    MetricFamily result = family(name, help, MetricType::Gauge);
    gauge(result, {}, value);
    return result;
}

/// One counter for each value of a closed label.
template <class Enum, std::size_t N>
void count_each(MetricFamily& into, const char* label, const std::array<std::uint64_t, N>& values) {
    for (std::size_t i = 0; i < N; ++i)
        count(into, {{label, to_word(static_cast<Enum>(i))}}, values[i]);
}

// The labels of a series without a route. This series is there from the start, so that the
// counter's family is never empty.
constexpr std::size_t first_method = 0;
constexpr int first_status = 200;
constexpr cache::XCache first_word = cache::XCache::bypass;

void append_requests(const Snapshot& snapshot, std::vector<MetricFamily>& out) {
    MetricFamily durations =
        family("larder_request_duration_seconds",
               "Time from a request's head to the end of its response.", MetricType::Histogram);
    MetricFamily requests =
        family("larder_requests_total", "Requests answered.", MetricType::Counter);
    for (std::size_t id = 0; id < snapshot.paths.size(); ++id) {
        const PathTotals& path = snapshot.paths[id];
        auto series = path.series;
        if (id == 0) series[{first_method, first_word}].statuses[first_status] += 0;
        for (const auto& [labels, totals] : series) {
            const std::string_view method = method_word(labels.first);
            const std::string_view word = to_word(labels.second);
            histogram(durations, {{"method", method}, {"path", path.path}, {"cache_status", word}},
                      totals.duration, nanoseconds_per_second);
            for (const auto& [status, number] : totals.statuses)
                count(requests,
                      {{"method", method},
                       {"path", path.path},
                       {"status", std::to_string(status)},
                       {"cache_status", word}},
                      number);
        }
    }
    out.push_back(std::move(durations));
    out.push_back(std::move(requests));
}

/// Reasons that have happened, and `always` from the start.
void count_reasons(MetricFamily& into, std::string_view path,
                   const std::array<std::uint64_t, detail_count>& reasons, cache::Detail always) {
    for (std::size_t i = 1; i < reasons.size(); ++i) {
        const auto reason = static_cast<cache::Detail>(i);
        if (reasons[i] > 0 || reason == always)
            count(into, {{"path", path}, {"reason", to_token(reason)}}, reasons[i]);
    }
}

void append_paths(const Snapshot& snapshot, std::vector<MetricFamily>& out) {
    MetricFamily not_stored =
        family("larder_not_stored_total", "Fetched responses that were not stored, by reason.",
               MetricType::Counter);
    MetricFamily discarded = family(
        "larder_fills_discarded_total",
        "Storable responses that were dropped instead of stored, by reason.", MetricType::Counter);
    MetricFamily saved = family("larder_origin_seconds_saved_total",
                                "Time the origin would have taken for what the cache answered.",
                                MetricType::Counter);
    MetricFamily age = family("larder_response_age_seconds", "Age of responses from the cache.",
                              MetricType::Histogram);
    MetricFamily shadow =
        family("larder_shadow_total",
               "What routes in shadow mode would have served, against what the origin answered.",
               MetricType::Counter);
    MetricFamily refreshed =
        family("larder_refresh_ahead_total",
               "Refreshes that a hit started before its entry expired.", MetricType::Counter);
    MetricFamily audit =
        family("larder_audit_total", "Hits that were compared with the origin's answer, by result.",
               MetricType::Counter);
    for (const PathTotals& path : snapshot.paths) {
        count(refreshed, {{"path", path.path}}, path.refresh_ahead);
        for (std::size_t i = 0; i < path.audit.size(); ++i)
            count(audit, {{"path", path.path}, {"result", to_word(static_cast<AuditResult>(i))}},
                  path.audit[i]);
        count_reasons(not_stored, path.path, path.not_stored, cache::Detail::no_lifetime);
        count_reasons(discarded, path.path, path.fills_discarded,
                      cache::Detail::purged_during_fetch);
        count(saved, {{"path", path.path}},
              static_cast<double>(path.saved_nanoseconds) / nanoseconds_per_second);
        histogram(age, {{"path", path.path}}, path.age, 1);
        // All results once a route has one, so that the first mismatch counts as an increase.
        const bool shadowed = path.shadow != decltype(path.shadow){};
        for (std::size_t i = 0; i < path.shadow.size() && (shadowed || &path == &snapshot.paths[0]);
             ++i)
            count(shadow, {{"path", path.path}, {"result", to_word(static_cast<ShadowResult>(i))}},
                  path.shadow[i]);
    }
    for (MetricFamily* one : {&not_stored, &discarded, &saved, &age, &shadow, &refreshed, &audit})
        out.push_back(std::move(*one));
}

void append_origins(const Snapshot& snapshot, std::vector<MetricFamily>& out) {
    MetricFamily durations =
        family("larder_origin_request_duration_seconds",
               "Time from sending a request to an origin server to the end of its response.",
               MetricType::Histogram);
    MetricFamily failures =
        family("larder_origin_errors_total", "Requests to an origin server that failed, by reason.",
               MetricType::Counter);
    MetricFamily up =
        family("larder_origin_up", "Whether the origin server is in use (1) or taken out (0).",
               MetricType::Gauge);
    // `other` stands for servers beyond the limit, and for the family where no server is known yet.
    for (std::size_t id = 0; id < snapshot.servers.size(); ++id) {
        const ServerTotals& server = snapshot.servers[id];
        if (id == 0 && snapshot.servers.size() > 1 && server.duration.count() == 0) continue;
        histogram(durations, {{"server", server.server}}, server.duration, nanoseconds_per_second);
        for (std::size_t i = 0; i < server.failures.size(); ++i)
            count(failures,
                  {{"server", server.server}, {"reason", to_word(static_cast<OriginFailure>(i))}},
                  server.failures[i]);
    }
    for (const OriginState& origin : snapshot.gauges.origins)
        gauge(up, {{"server", origin.server}}, origin.up ? 1 : 0);
    for (MetricFamily* one : {&durations, &failures, &up}) out.push_back(std::move(*one));
}

void append_redis(const Snapshot& snapshot, std::vector<MetricFamily>& out) {
    const Gauges& gauges = snapshot.gauges;
    out.push_back(
        single_gauge("larder_redis_up", "Whether Redis can be asked.", gauges.redis_up ? 1 : 0));
    out.push_back(single_gauge("larder_redis_breaker_state",
                               "The breaker before Redis: 0 closed, 1 probing, 2 open.",
                               static_cast<double>(gauges.redis_breaker)));
    MetricFamily durations =
        family("larder_redis_operation_duration_seconds",
               "Time from a command to Redis to its reply.", MetricType::Histogram);
    for (std::size_t i = 0; i < snapshot.redis_operations.size(); ++i)
        histogram(durations, {{"operation", to_word(static_cast<RedisOperation>(i))}},
                  snapshot.redis_operations[i], nanoseconds_per_second);
    out.push_back(std::move(durations));
    MetricFamily failures =
        family("larder_redis_errors_total", "Failures of Redis, by reason.", MetricType::Counter);
    count_each<RedisFailure>(failures, "reason", gauges.redis_failures);
    out.push_back(std::move(failures));
}

void append_cache(const Snapshot& snapshot, std::vector<MetricFamily>& out) {
    const Gauges& gauges = snapshot.gauges;
    out.push_back(single_gauge("larder_memory_bytes",
                               "Bytes held by the memory tier, bookkeeping included.",
                               static_cast<double>(gauges.memory_bytes)));
    out.push_back(single_gauge("larder_memory_entries", "Responses held by the memory tier.",
                               static_cast<double>(gauges.memory_entries)));
    out.push_back(single_gauge("larder_memory_serving",
                               "Whether the memory tier serves: 0 where it is off, or where Redis "
                               "does not tell of changes.",
                               gauges.memory_serves ? 1 : 0));
    out.push_back(single_count("larder_memory_evictions_total",
                               "Responses the memory tier gave up for others.",
                               gauges.memory_evictions));
    MetricFamily purges =
        family("larder_purges_total", "Purges, by who asked for them.", MetricType::Counter);
    MetricFamily durations =
        family("larder_purge_duration_seconds",
               "Time from a purge's order to the acknowledgement of Redis, or to the journal.",
               MetricType::Histogram);
    for (std::size_t i = 0; i < snapshot.purges.size(); ++i) {
        const std::string_view source = to_word(static_cast<PurgeSource>(i));
        count(purges, {{"source", source}}, snapshot.purges[i].count());
        histogram(durations, {{"source", source}}, snapshot.purges[i], nanoseconds_per_second);
    }
    out.push_back(std::move(purges));
    out.push_back(std::move(durations));
    out.push_back(single_gauge("larder_purges_pending", "Purges that have not reached Redis yet.",
                               static_cast<double>(gauges.purges_pending)));
    out.push_back(single_count("larder_purge_stream_malformed_total",
                               "Entries of redis.purge_stream that are no purges.",
                               gauges.stream_malformed));
    out.push_back(single_count("larder_coalesced_requests_total",
                               "Requests answered by a fetch that another one began.",
                               snapshot.coalesced));
    out.push_back(single_count(
        "larder_compressed_bytes_saved_total",
        "Bytes that bodies sent in a coding that larder made were shorter (`compress`).",
        snapshot.compressed_bytes_saved));
}

}  // namespace

std::vector<MetricFamily> to_families(const Snapshot& snapshot) {
    std::vector<MetricFamily> out;
    append_requests(snapshot, out);
    append_paths(snapshot, out);
    append_origins(snapshot, out);
    append_redis(snapshot, out);
    append_cache(snapshot, out);
    out.push_back(single_gauge("larder_client_connections", "Connections of clients that are open.",
                               static_cast<double>(snapshot.gauges.client_connections)));
    out.push_back(single_count(
        "larder_internal_errors_total",
        "Failures inside larder that ended a connection, a fetch or a background task.",
        snapshot.gauges.internal_errors));
    out.push_back(single_gauge("larder_config_last_reload_successful",
                               "Whether the last load of the configuration was accepted.",
                               snapshot.reload_successful ? 1 : 0));
    MetricFamily build = family("larder_build_info", "The running version.", MetricType::Gauge);
    gauge(build, {{"version", snapshot.version}}, 1);
    out.push_back(std::move(build));
    return out;
}

}  // namespace larder::observe
