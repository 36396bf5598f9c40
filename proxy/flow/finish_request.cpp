#include "flow/finish_request.hpp"

#include "flow/client_address.hpp"
#include "flow/request_id.hpp"
#include "observe/key_ranks.hpp"
#include "observe/request_events.hpp"
#include "route/compiled_route.hpp"

namespace larder::flow {
namespace {

// The key without what it takes from header fields, cookies and, as `log.query` says, the query.
std::string shown_key(const Exchange& exchange, settings::LogQuery query) {
    const route::CompiledRoute* route = exchange.match.route;
    const bool hides_query = query == settings::LogQuery::names && exchange.request.has_query;
    if (!route || exchange.key.empty() || (!route->has_secrets && !hides_query))
        return exchange.key;
    return route::masked_key(
        *route, exchange.match.captures, exchange.request,
        hides_query ? route::Secrets::masked_with_query : route::Secrets::masked);
}

std::string_view value_of(const http::RequestHead& request, std::string_view name) {
    const http::Field* field = request.fields.first_named(name);
    return field ? field->value : std::string_view{};
}

void log(Client& client, std::chrono::nanoseconds duration) {
    Exchange& exchange = client.exchange();
    const boost::asio::ip::address believed = believed_address(client);
    const bool on_socket = exchange.request.peer == "unix" && believed == client.peer;
    const std::string address = on_socket ? "unix" : believed.to_string();
    const std::string target =
        observe::shown_target(exchange.request.target, client.services.access_log.query());
    const std::string key = shown_key(exchange, client.services.access_log.query());
    observe::AccessEntry entry;
    entry.client = address;
    entry.method = exchange.request.method_name;
    entry.host = exchange.request.host;
    entry.target = target;
    entry.status = exchange.status;
    entry.bytes = exchange.bytes_out;
    entry.duration = duration;
    entry.x_cache = exchange.outcome.x_cache();
    entry.detail = exchange.outcome.detail();
    if (exchange.match.route) entry.route = exchange.match.route->path_template;
    entry.key = key;
    entry.user_agent = value_of(exchange.request, "User-Agent");
    entry.request_id = request_id(exchange);
    entry.trace = observe::parse_traceparent(value_of(exchange.request, "traceparent"));
    client.services.access_log.write(entry);
}

void publish(Client& client, const observe::RequestRecord& record) {
    Exchange& exchange = client.exchange();
    auto event = std::make_shared<observe::RequestEvent>();
    event->time = wall_now();
    event->client = believed_address(client).to_string();
    event->method = exchange.request.method_name;
    event->target = observe::shown_target(exchange.request.target, settings::LogQuery::names);
    if (exchange.match.route) event->route = exchange.match.route->path_template;
    event->request_id = request_id(exchange);
    event->status = record.status;
    event->x_cache = record.x_cache;
    event->detail = exchange.outcome.detail();
    event->duration = record.duration;
    event->origin_time = exchange.origin_time;
    client.services.events->publish(std::move(event));
}

bool is_from_cache(cache::XCache word) {
    return word == cache::XCache::hit || word == cache::XCache::updating ||
           word == cache::XCache::stale;
}

// A GET that no read route takes: caching it might pay.
void rank_uncached(Client& client, const observe::RequestRecord& record, SteadyTime now) {
    const Exchange& exchange = client.exchange();
    if (exchange.request.method != http::Method::get || record.status != 200 ||
        exchange.outcome.detail() != cache::Detail::no_route)
        return;
    const std::uint32_t weight = client.services.ranks->uncached_sampler.weight(now);
    if (weight > 0)
        client.services.ranks->add_uncached(exchange.request.path, weight, exchange.origin_time);
}

// Counts the key among the heaviest. Of many hits only some are looked at, with more weight.
void rank(Client& client, const observe::RequestRecord& record, SteadyTime now) {
    const Exchange& exchange = client.exchange();
    if (record.x_cache == cache::XCache::bypass) return rank_uncached(client, record, now);
    if (exchange.key.empty()) return;
    observe::KeyRanks& ranks = *client.services.ranks;
    observe::KeyRanks::Use use;
    use.hit = is_from_cache(record.x_cache);
    if (use.hit) use.weight = ranks.sampler.weight(now);
    if (use.weight == 0) return;
    const route::CompiledRoute& route = *exchange.match.route;
    std::string masked;
    if (route.has_secrets)
        masked = route::masked_key(route, exchange.match.captures, exchange.request);
    use.key = route.has_secrets ? masked : exchange.key;
    use.route = route.path_template;
    use.bytes = record.bytes_out;
    use.origin_time = exchange.origin_time;
    ranks.add(use);
}

}  // namespace

void finish_request(Client& client) {
    Exchange& exchange = client.exchange();
    const SteadyTime now = steady_now();
    const std::chrono::nanoseconds duration = now - exchange.began;
    observe::RequestRecord record;
    if (exchange.match.route) record.path = client.config->path_ids[exchange.match.route->index];
    record.method = exchange.request.method;
    record.status = exchange.status != 0 ? exchange.status : 499;
    record.x_cache = exchange.outcome.x_cache();
    record.duration = duration;
    record.bytes_in = exchange.bytes_in;
    record.bytes_out = exchange.bytes_out;
    record.age = exchange.outcome.age();
    record.saved = exchange.outcome.saved();
    record.coalesced = exchange.outcome.coalesced();
    record.not_stored = exchange.outcome.not_stored();
    client.services.metrics.record(record);
    if (client.services.ranks) rank(client, record, now);
    if (client.services.access_log.logs(record.status)) log(client, duration);
    const observe::RequestEvents* events = client.services.events;
    if (events != nullptr && events->has_listeners()) publish(client, record);
}

}  // namespace larder::flow
