#include "server/make_config.hpp"

#include <stdexcept>

#include "route/compiled_route.hpp"

namespace larder::server {
namespace {

// What is known of the same origin's servers stays known.
const origin::Upstream* known_as(const flow::Config* before, const std::string& name) {
    if (!before) return nullptr;
    if (name.empty()) return before->upstreams.front().get();
    const auto& origins = before->settings.origins;
    const auto found = origins.find(name);
    if (found == origins.end()) return nullptr;
    return before->upstreams[1 + static_cast<std::size_t>(std::distance(origins.begin(), found))]
        .get();
}

void add_upstreams(flow::Config& config, settings::Problems& problems, const flow::Config* before) {
    const auto add = [&](const std::string& name, const settings::Origin& settings) {
        try {
            config.upstreams.push_back(
                std::make_shared<origin::Upstream>(settings, known_as(before, name)));
        } catch (const std::runtime_error& error) {
            const std::string path = name.empty() ? "origin" : "origins." + name;
            problems.push_back({settings::Problem::Severity::error, {}, path, error.what()});
        }
    };
    add("", config.settings.origin);
    for (const auto& [name, settings] : config.settings.origins) add(name, settings);
}

}  // namespace

std::shared_ptr<const flow::Config> make_config(settings::Settings settings,
                                                observe::Metrics& metrics,
                                                settings::Problems& problems,
                                                const flow::Config* before) {
    auto config = std::make_shared<flow::Config>();
    config->settings = std::move(settings);
    config->routes =
        route::RouteTable::compile(config->settings, problems, before ? &before->routes : nullptr);
    if (settings::has_errors(problems)) return nullptr;
    add_upstreams(*config, problems, before);
    if (settings::has_errors(problems)) return nullptr;
    config->trusted_proxies = net::Networks(config->settings.trusted_proxies);
    config->purge_from = net::Networks(config->settings.purge_from);
    for (const auto& route : config->routes.routes())
        config->path_ids.push_back(metrics.path(route->path_template));
    for (const auto& upstream : config->upstreams) {
        std::vector<observe::ServerId>& ids = config->server_ids.emplace_back();
        for (const auto& server : upstream->servers()) ids.push_back(metrics.server(server->url));
    }
    return config;
}

}  // namespace larder::server
