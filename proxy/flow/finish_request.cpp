#include "flow/finish_request.hpp"

#include "flow/forward_heads.hpp"

namespace larder::flow {
namespace {

void log(Client& client, std::chrono::nanoseconds duration) {
    const Exchange& exchange = client.exchange();
    const boost::asio::ip::address believed = believed_address(client);
    const bool on_socket = exchange.request.peer == "unix" && believed == client.peer;
    const std::string address = on_socket ? "unix" : believed.to_string();
    observe::AccessEntry entry;
    entry.client = address;
    entry.method = exchange.request.method_name;
    entry.host = exchange.request.host;
    entry.target = exchange.request.target;
    entry.status = exchange.status;
    entry.bytes = exchange.bytes_out;
    entry.duration = duration;
    entry.x_cache = exchange.outcome.x_cache();
    entry.detail = exchange.outcome.detail();
    if (exchange.match.route) entry.route = exchange.match.route->path_template;
    entry.key = exchange.key;
    entry.user_agent = exchange.request.fields.first_named("User-Agent")
                           ? exchange.request.fields.first_named("User-Agent")->value
                           : std::string_view{};
    const http::Field* id = exchange.request.fields.first_named("X-Request-Id");
    if (id) entry.request_id = id->value;
    client.services.access_log.write(entry);
}

}  // namespace

void finish_request(Client& client) {
    Exchange& exchange = client.exchange();
    const std::chrono::nanoseconds duration = steady_now() - exchange.began;
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
    if (client.services.access_log.logs(record.status)) log(client, duration);
}

}  // namespace larder::flow
