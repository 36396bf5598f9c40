#include "admin/list_entries.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "admin/entry_json.hpp"
#include "admin/query.hpp"
#include "base/json_text.hpp"
#include "base/text.hpp"

namespace larder::admin {
namespace {

namespace json = boost::json;

constexpr std::size_t limit_max = 1000;
constexpr Milliseconds looks_for{2000};  // one request; the next one goes on

std::string take(std::string_view name, std::string value, EntriesQuestion& question) {
    if (name == "route") {
        question.route = std::move(value);
    } else if (name == "prefix") {
        question.prefix = std::move(value);
    } else if (name == "after") {
        if (!parse_cursor(value)) return "after must be the `next` of a former answer";
        question.after = std::move(value);
    } else if (name == "limit") {
        const auto limit = parse_decimal(value);
        if (!limit || *limit == 0 || *limit > limit_max)
            return "limit must be a number from 1 to " + std::to_string(limit_max);
        question.limit = static_cast<std::size_t>(*limit);
    } else {
        return "unknown parameter; known are route, prefix, after and limit";
    }
    return {};
}

}  // namespace

std::variant<EntriesQuestion, std::string> parse_entries_query(std::string_view query) {
    EntriesQuestion question;
    std::string complaint =
        for_each_parameter(query, [&](std::string_view name, std::string value) {
            return take(name, std::move(value), question);
        });
    if (!complaint.empty()) return complaint;
    return question;
}

net::Task<void> list_entries(flow::Services& services, std::shared_ptr<const flow::Config> config,
                             EntriesQuestion question, std::function<void(JsonAnswer)> done) {
    json::array entries;
    json::object out;
    EntryWalk walk = parse_cursor(question.after).value_or(EntryWalk{});
    walk.prefix = std::move(question.prefix);
    const SteadyTime give_up = steady_now() + looks_for;
    while (walk.part != EntryWalk::Part::over && entries.size() < question.limit) {
        std::vector<ShownKey> met;
        const redis::RedisState state = co_await walk_entries(services, walk, met);
        for (const ShownKey& key : met) {
            const std::string route = route_of(config->routes, *key.entries.front().entry);
            if (question.route.empty() || route == question.route)
                entries.push_back(to_listed(key, route, wall_now()));
        }
        if (state != redis::RedisState::ok)
            out["redis"] = state == redis::RedisState::down ? "down" : "timeout";
        if (steady_now() >= give_up) break;
    }
    out["entries"] = std::move(entries);
    out["next"] = nullptr;
    if (walk.part != EntryWalk::Part::over) out["next"] = json::string(to_cursor(walk));
    done({200, json_text(out)});
}

}  // namespace larder::admin
