#pragma once
#include <boost/json/object.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "observe/fetch_findings.hpp"
#include "observe/key_ranks.hpp"
#include "observe/purge_records.hpp"
#include "observe/snapshot.hpp"
#include "route/route_table.hpp"

/// What the traffic says about the configuration (`larder advise`). Pure.
namespace larder::admin {

struct Advice {
    std::string kind;   ///< "uncached-route", "ttl-too-short", ...
    std::string route;  ///< path template, or the shape of a path
    std::string text;   ///< a sentence or two, with the figures
    boost::json::object figures;
};

/// What the advice is made of, all since the start.
struct AdviceFacts {
    const route::RouteTable& routes;
    observe::Snapshot snapshot;
    std::map<std::string, observe::RouteFinding> findings;
    std::vector<observe::RankedKey> uncached;       ///< shapes of paths, by requests
    std::vector<observe::RankedKey> uncached_time;  ///< the same, by nanoseconds at the origin
    std::vector<std::shared_ptr<const observe::PurgeRecord>> purges;
};

/// The most useful first.
[[nodiscard]] std::vector<Advice> advise(const AdviceFacts& facts);

/// The answer of GET /advise.
[[nodiscard]] boost::json::object to_json(const std::vector<Advice>& advice);

}  // namespace larder::admin
