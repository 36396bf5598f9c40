#include "admin/explain_offline.hpp"

#include <boost/json.hpp>

#include "route/compiled_route.hpp"

namespace larder::admin {

namespace json = boost::json;

json::array array_of(const std::vector<std::string>& texts) {
    json::array out;
    for (const std::string& text : texts) out.push_back(json::string(text));
    return out;
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

}  // namespace larder::admin
