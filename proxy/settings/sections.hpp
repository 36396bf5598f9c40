#pragma once
#include "settings/node.hpp"
#include "settings/settings.hpp"

/// One reader for each top-level key of the configuration. Each reports what is wrong, and leaves
/// the default in its place.
namespace larder::settings {

void read_listen(const Node& node, std::vector<Listener>& listen);
void read_admin(const Node& node, Admin& admin);
void read_origin(const Node& node, Origin& origin);
void read_origins(const Node& node, std::map<std::string, Origin>& origins);
void read_redis(const Node& node, std::optional<Redis>& redis);
void read_memory(const Node& node, std::size_t& memory_bytes);
void read_limits(const Node& node, Limits& limits);
void read_log(const Node& node, Log& log);
void read_state(const Node& node, std::string& state);
void read_headers(const Node& node, Headers& headers);
/// `credentials`: what a route may ignore beside the fields that larder knows.
void read_routes(const Node& node, const std::vector<std::string>& credentials,
                 std::vector<Route>& routes);
void read_examples(const Node& node, std::vector<Example>& examples);

/// Set a single listener, admin, origin or Redis from one text, as the short forms and the command
/// line give it. They return what was expected, or the empty string where all is well.
std::string set_listen(std::string_view text, std::vector<Listener>& listen);
std::string set_admin(std::string_view text, Admin& admin);
std::string set_origin(std::string_view text, Origin& origin);
std::string set_redis(std::string_view text, std::optional<Redis>& redis);

}  // namespace larder::settings
