#include "flow/finish_request.hpp"

#include "flow/forward_heads.hpp"

namespace larder::flow {
namespace {

void log(Client& client, std::chrono::nanoseconds duration) {
    const Exchange& x = client.x();
    const std::string address = believed_address(client).to_string();
    observe::AccessEntry entry;
    entry.client = address;
    entry.method = x.request.method_name;
    entry.host = x.request.host;
    entry.target = x.request.target;
    entry.status = x.status;
    entry.bytes = x.bytes_out;
    entry.duration = duration;
    entry.x_cache = x.outcome.x_cache;
    entry.detail = x.outcome.detail;
    if (x.match.route) entry.route = x.match.route->path_template;
    entry.key = x.key;
    entry.user_agent = x.request.fields.first_named("User-Agent")
                           ? x.request.fields.first_named("User-Agent")->value
                           : std::string_view{};
    const http::Field* id = x.request.fields.first_named("X-Request-Id");
    if (id) entry.request_id = id->value;
    client.use.access_log.write(entry);
}

}  // namespace

void finish_request(Client& client) {
    Exchange& x = client.x();
    const std::chrono::nanoseconds duration = steady_now() - x.began;
    observe::RequestRecord record;
    if (x.match.route) record.path = client.config->path_ids[x.match.route->index];
    record.method = x.request.method;
    record.status = x.status != 0 ? x.status : 499;
    record.x_cache = x.outcome.x_cache;
    record.duration = duration;
    record.bytes_in = x.bytes_in;
    record.bytes_out = x.bytes_out;
    record.age = x.outcome.age;
    record.saved = x.saved;
    record.coalesced = x.coalesced;
    record.not_stored = x.not_stored;
    client.use.metrics.record(record);
    if (client.use.access_log.wants(record.status)) log(client, duration);
}

}  // namespace larder::flow
