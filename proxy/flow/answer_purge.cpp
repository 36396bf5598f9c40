#include "flow/answer_purge.hpp"

#include <algorithm>

#include "cache/origin_tags.hpp"
#include "flow/client_address.hpp"
#include "flow/purge.hpp"
#include "flow/purge_record.hpp"
#include "flow/send_response.hpp"

namespace larder::flow {
namespace {

/// The tags that a PURGE names.
struct NamedTags {
    bool any_field = false;  ///< the request names tags, not its URL
    bool soft = false;
    std::vector<std::string> tags;
};

NamedTags named_tags(const http::RequestHead& request,
                     const std::vector<std::string>& tag_headers) {
    NamedTags out;
    for (const http::Field& field : request.fields) {
        const auto is_name = [&](const std::string& name) { return iequals(field.name, name); };
        const bool soft = iequals(field.name, "xkey-softpurge");
        if (!soft && !iequals(field.name, "xkey-purge") &&
            std::none_of(tag_headers.begin(), tag_headers.end(), is_name))
            continue;
        out.any_field = true;
        out.soft = out.soft || soft;
        cache::add_named_tags(field.value, out.tags);
    }
    cache::remove_repeats(out.tags);
    return out;
}

net::Task<void> answer(Client& client, int status, std::string body) {
    constexpr std::string_view fields = "Content-Type: application/json\r\n";
    co_await answer_with(client, status, fields, body);
}

net::Task<store::PurgeOutcome> purge_and_record(Client& client, const store::PurgeOrder& order,
                                                redis::RedisBudget& budget, std::string url) {
    const SteadyTime began = steady_now();
    const store::PurgeOutcome outcome = co_await purge(client.services, order, budget);
    observe::PurgeRecord record = record_of(observe::PurgeSource::purge, order);
    record.who = believed_address(client).to_string();
    if (!url.empty()) record.urls.push_back(std::move(url));
    keep_record(client.services, std::move(record), began, outcome);
    Exchange& exchange = client.exchange();
    if (outcome == store::PurgeOutcome::pending) exchange.outcome = exchange.outcome.purge_owed();
    co_return outcome;
}

net::Task<void> purge_tags(Client& client, NamedTags named) {
    if (named.tags.empty()) {
        co_await answer_error(client, 400, cache::Detail::bad_request,
                              "the field that should name tags is empty: name at least one, or "
                              "leave it out to purge the URL",
                              KeepAlive::yes);
        co_return;
    }
    store::PurgeOrder order;
    order.soft = named.soft;
    order.tags = std::move(named.tags);
    redis::RedisBudget budget;
    const store::PurgeOutcome outcome = co_await purge_and_record(client, order, budget, "");
    static_cast<void>(outcome);  // done, or kept and done before anything is served from Redis
    std::string body = "{\"purged\": true, \"tags\": " + std::to_string(order.tags.size()) +
                       (order.soft ? ", \"soft\": true}\n" : "}\n");
    co_await answer(client, 200, std::move(body));
}

net::Task<void> purge_url(Client& client) {
    const Exchange& exchange = client.exchange();
    store::PurgeOrder order;
    client.config->routes.collect_url_purges(exchange.request, exchange.request.target, order.set);
    const bool in_memory = client.services.memory.holds_any(order.set);
    redis::RedisBudget budget;
    std::uint64_t in_redis = 0;
    if (client.services.redis)
        in_redis = co_await client.services.redis->count_present(order.set, budget);
    const store::PurgeOutcome outcome =
        co_await purge_and_record(client, order, budget, std::string(exchange.request.target));
    const bool met = in_memory || in_redis > 0 || outcome == store::PurgeOutcome::pending;
    std::string body =
        met ? "{\"purged\": true}\n"
            : "{\"purged\": false, \"detail\": \"nothing was stored for this URL\"}\n";
    const int status = met ? 200 : 404;
    co_await answer(client, status, std::move(body));
}

}  // namespace

net::Task<void> answer_purge(Client& client) {
    Exchange& exchange = client.exchange();
    exchange.outcome = cache::Outcome::method();
    if (!comes_from(client, client.config->purge_from)) {
        co_await answer_error(client, 405, cache::Detail::purge_denied,
                              "PURGE is not allowed from this address", KeepAlive::yes);
        co_return;
    }
    NamedTags named = named_tags(exchange.request, client.settings().tag_headers);
    if (named.any_field) {
        co_await purge_tags(client, std::move(named));
        co_return;
    }
    co_await purge_url(client);
}

}  // namespace larder::flow
