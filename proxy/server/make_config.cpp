#include "server/make_config.hpp"

#include <stdexcept>

#include "route/compiled_route.hpp"

namespace larder::server {

std::shared_ptr<const flow::Config> make_config(settings::Settings settings,
                                                observe::Metrics& metrics,
                                                settings::Problems& problems,
                                                const flow::Config* before) {
    auto config = std::make_shared<flow::Config>();
    config->settings = std::move(settings);
    config->routes =
        route::RouteTable::compile(config->settings, problems, before ? &before->routes : nullptr);
    if (settings::has_errors(problems)) return nullptr;
    try {
        config->upstream = std::make_shared<origin::Upstream>(
            config->settings.origin, before ? before->upstream.get() : nullptr);
    } catch (const std::runtime_error& error) {
        problems.push_back({settings::Problem::Severity::error, {}, "origin", error.what()});
        return nullptr;
    }
    config->trusted_proxies = net::Networks(config->settings.trusted_proxies);
    config->purge_from = net::Networks(config->settings.purge_from);
    for (const auto& route : config->routes.routes())
        config->path_ids.push_back(metrics.path(route->path_template));
    for (const auto& server : config->upstream->servers())
        config->server_ids.push_back(metrics.server(server->url));
    return config;
}

}  // namespace larder::server
