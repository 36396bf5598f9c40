#include "admin/advise.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <boost/json.hpp>

#include "observe/audit_estimate.hpp"
#include "route/compiled_route.hpp"
#include "route/explain.hpp"

namespace larder::admin {
namespace {

namespace json = boost::json;
using cache::XCache;
using observe::AuditResult;
using observe::RankedKey;
using observe::RouteFinding;

// Below these numbers, figures tell nothing yet.
constexpr std::uint64_t requests_min = 50;
constexpr std::uint64_t refetches_min = 10;
constexpr std::uint64_t stores_min = 20;
constexpr std::uint64_t comparisons_min = 5;
constexpr std::size_t uncached_shown = 5;

double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// Reads and writes of one path template, as the configuration has them.
struct Rules {
    const settings::Route* read = nullptr;
    bool purged = false;  ///< a write rule names its path
};

class Adviser {
public:
    explicit Adviser(const AdviceFacts& facts) : facts_(facts) {}

    std::vector<Advice> run() {
        for (const RankedKey& path : facts_.uncached) uncached(path);
        for (const observe::PathTotals& path : facts_.snapshot.paths) {
            const Rules rules = rules_of(path.path);
            if (rules.read == nullptr) continue;
            wrong_hits(path);
            const auto finding = facts_.findings.find(path.path);
            if (finding == facts_.findings.end()) continue;
            lifetime(path, rules, finding->second);
            parameters(path.path, finding->second);
            unused(path, finding->second);
        }
        tags();
        return std::move(out_);
    }

private:
    [[nodiscard]] Rules rules_of(const std::string& path) const {
        Rules rules;
        for (const auto& route : facts_.routes.routes()) {
            if (route->path_template != path) continue;
            if (route->rule.kind == settings::RouteKind::read && rules.read == nullptr)
                rules.read = &route->rule;
            rules.purged |= route->rule.kind == settings::RouteKind::write;
        }
        return rules;
    }

    void uncached(const RankedKey& path) {
        const auto time = std::find_if(facts_.uncached_time.begin(), facts_.uncached_time.end(),
                                       [&](const RankedKey& key) { return key.key == path.key; });
        if (path.value < requests_min || time == facts_.uncached_time.end() ||
            uncached_ >= uncached_shown)
            return;
        ++uncached_;
        const double milliseconds =
            static_cast<double>(time->value) / 1e6 / static_cast<double>(path.value);
        add("uncached-route", path.key,
            fmt::format("GET {} was asked about {} times, and no route caches it; the origin took "
                        "{:.1f} ms each time. If its answers may be shared, add a route with a key "
                        "and a ttl.",
                        path.key, path.value, milliseconds),
            {{"requests", path.value}, {"origin_milliseconds", milliseconds}});
    }

    // An audit does not count what a purge ended meanwhile, so no write through larder explains
    // these.
    void wrong_hits(const observe::PathTotals& path) {
        const auto count = [&path](AuditResult result) {
            return path.audit[static_cast<std::size_t>(result)];
        };
        const std::uint64_t changed = count(AuditResult::different);
        if (changed == 0) return;
        const std::uint64_t compared = changed + count(AuditResult::same);
        const double at_most = observe::estimate_audit(compared, changed).at_most_per_million;
        add("changed-past-larder", path.path,
            fmt::format("Of {} hits of {} that were compared with the origin, {} had changed "
                        "without a purge: something writes past larder. Let what writes purge, or "
                        "shorten the ttl. If the origin answers differently each time, do not "
                        "cache it. At most {:.0f} of a million hits are wrong (95 %).",
                        compared, path.path, changed, at_most),
            {{"compared", compared}, {"changed", changed}, {"at_most_per_million", at_most}});
    }

    void lifetime(const observe::PathTotals& path, const Rules& rules,
                  const RouteFinding& finding) {
        const std::uint64_t refetched = finding.refetched_same + finding.refetched_changed;
        if (refetched < refetches_min) return;
        const double changed = share(finding.refetched_changed, refetched);
        const json::object figures{{"refetched", refetched},
                                   {"changed", finding.refetched_changed}};
        const std::string ttl =
            rules.read->ttl ? route::lifetime_text(*rules.read->ttl) : "what the origin grants";
        if (changed <= 0.05)
            add("ttl-too-short", path.path,
                fmt::format("Of {} entries of {} that had expired (ttl {}), {} had changed. A "
                            "longer ttl would save the origin most of these requests.",
                            refetched, path.path, ttl, finding.refetched_changed),
                figures);
        if (changed >= 0.5 && rules.purged)
            add("ttl-too-long", path.path,
                fmt::format("Of {} entries of {} that had expired (ttl {}), {} had changed without "
                            "a purge: something changes them past larder. Shorten the ttl, or let "
                            "what changes them purge.",
                            refetched, path.path, ttl, finding.refetched_changed),
                figures);
        if (finding.refetched_changed > 0 && !rules.purged)
            add("no-purging-write", path.path,
                fmt::format("{} of {} expired entries of {} had changed, and no write route names "
                            "this path: readers saw old bodies for up to the ttl ({}). Add a route "
                            "with `purge` for the writes that change it.",
                            finding.refetched_changed, refetched, path.path, ttl),
                figures);
    }

    void parameters(const std::string& path, const RouteFinding& finding) {
        for (const auto& [name, seen] : finding.parameters) {
            if (seen.different > 0 || seen.same < comparisons_min) continue;
            add("useless-parameter", path,
                fmt::format("The query parameter {} of {} had another value {} times, and the body "
                            "was the same each time. If it never matters, add it to ignore_query: "
                            "each value has an entry of its own now.",
                            name, path, seen.same),
                {{"parameter", name}, {"same", seen.same}});
        }
    }

    void unused(const observe::PathTotals& path, const RouteFinding& finding) {
        const std::uint64_t hits = path.total(XCache::hit).duration.count() +
                                   path.total(XCache::updating).duration.count() +
                                   path.total(XCache::stale).duration.count();
        if (finding.stored < stores_min || share(hits, finding.stored) > 0.05) return;
        add("unused-entries", path.path,
            fmt::format("{} responses of {} were stored, and entries of it answered {} requests. "
                        "Its key may hold what differs for each request; if so, change the key, or "
                        "pass the route with `cache: off`.",
                        finding.stored, path.path, hits),
            {{"stored", finding.stored}, {"hits", hits}});
    }

    void tags() {
        const bool any_purge = std::any_of(facts_.purges.begin(), facts_.purges.end(),
                                           [](const auto& purge) { return !purge->tags.empty(); });
        std::uint64_t tagged = 0;
        std::string where;
        for (const auto& [path, finding] : facts_.findings) {
            tagged += finding.with_tags;
            if (finding.with_tags > 0) where += (where.empty() ? "" : ", ") + path;
        }
        if (any_purge || tagged < stores_min) return;
        add("unused-tags", where,
            fmt::format(
                "{} stored responses named tags ({}), and nothing purged by a tag. Let what "
                "changes the data purge by tag, or do without them.",
                tagged, where),
            {{"tagged", tagged}});
    }

    void add(std::string kind, std::string route, std::string text, json::object figures) {
        out_.push_back({std::move(kind), std::move(route), std::move(text), std::move(figures)});
    }

    const AdviceFacts& facts_;
    std::vector<Advice> out_;
    std::size_t uncached_ = 0;
};

}  // namespace

std::vector<Advice> advise(const AdviceFacts& facts) { return Adviser(facts).run(); }

json::object to_json(const std::vector<Advice>& advice) {
    json::array list;
    for (const Advice& item : advice)
        list.push_back(json::object{{"kind", item.kind},
                                    {"route", item.route},
                                    {"text", item.text},
                                    {"figures", item.figures}});
    return {{"advice", std::move(list)}};
}

}  // namespace larder::admin
