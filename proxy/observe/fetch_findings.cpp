#include "observe/fetch_findings.hpp"

namespace larder::observe {

// Only a key with a single appended parameter shows which parameter made the difference.
void FetchFindings::note_parameters(const FetchFinding& finding, RouteFinding& route) {
    const std::string_view name = finding.appended.substr(0, finding.appended.find('='));
    const bool is_one = finding.appended.find('&') == std::string_view::npos;
    if (name.empty() || !is_one || name.front() == '!') return;
    std::string key(finding.bare_key);
    key.append("?").append(name);
    const auto known = bodies_.find(key);
    if (known == bodies_.end()) {
        if (bodies_.size() >= bodies_max) bodies_.erase(bodies_.begin());
        bodies_.emplace(std::move(key), LastBody{finding.body_hash, std::string(finding.appended)});
        return;
    }
    LastBody& last = known->second;
    auto parameter = route.parameters.find(name);
    if (parameter == route.parameters.end() && route.parameters.size() < parameters_max)
        parameter = route.parameters.emplace(name, ParameterFinding{}).first;
    const bool other_value = last.appended != finding.appended;
    if (parameter != route.parameters.end() && other_value)
        ++(last.hash == finding.body_hash ? parameter->second.same : parameter->second.different);
    last = {finding.body_hash, std::string(finding.appended)};
}

void FetchFindings::note(const FetchFinding& finding) {
    const std::scoped_lock lock(mutex_);
    auto found = routes_.find(finding.route);
    if (found == routes_.end()) {
        if (routes_.size() >= routes_max) return;
        found = routes_.emplace(finding.route, RouteFinding{}).first;
    }
    RouteFinding& route = found->second;
    ++route.stored;
    if (finding.has_tags) ++route.with_tags;
    if (finding.replaces) ++(finding.same_body ? route.refetched_same : route.refetched_changed);
    note_parameters(finding, route);
}

std::map<std::string, RouteFinding> FetchFindings::by_route() const {
    const std::scoped_lock lock(mutex_);
    return {routes_.begin(), routes_.end()};
}

}  // namespace larder::observe
