#include "flow/purge.hpp"

#include <boost/json.hpp>

#include "cache/decisions.hpp"
#include "flow/forward_heads.hpp"
#include "flow/send_response.hpp"

namespace larder::flow {
namespace {

class JsonBody final : public route::JsonLookup {
public:
    explicit JsonBody(std::string_view text) {
        boost::system::error_code error;
        value_ = boost::json::parse(boost::json::string_view(text.data(), text.size()), error);
        usable_ = !error;
    }
    [[nodiscard]] std::optional<std::string> find(std::string_view pointer) const override {
        if (!usable_) return std::nullopt;
        boost::system::error_code error;
        const boost::json::value* found = value_.find_pointer(boost::json::string_view(pointer.data(), pointer.size()), error);
        if (!found || found->is_object() || found->is_array() || found->is_null()) return std::nullopt;
        if (found->is_string()) return std::string(found->get_string());
        // The text as it stood is lost of a number with a fraction or an exponent: `7.0` and `7` are two keys.
        if (found->is_double()) return std::nullopt;
        return boost::json::serialize(*found);
    }

private:
    boost::json::value value_;
    bool usable_ = false;
};

// How many entries of the order the memory tier holds; they are gone then.
std::size_t remove_from_memory(Services& use, const store::PurgeOrder& order) {
    std::size_t removed = 0;
    for (const std::string& key : order.set.keys) removed += use.memory.remove(key) + use.memory.remove_matching(key + "?*");
    for (const std::string& pattern : order.set.patterns) removed += use.memory.remove_matching(pattern);
    return removed;
}

}  // namespace

void purge_here(store::Generations& generations, store::MemoryStore& memory, store::FetchBoard& board, const store::PurgeOrder& order) {
    const auto mark = [&](std::uint32_t slot) { order.soft ? generations.purge_soft(slot) : generations.purge(slot); };
    for (const std::string& key : order.set.keys) {
        mark(store::Generations::slot_of_key(key));
        mark(store::Generations::slot_of_extensions(key));
        if (!order.soft) static_cast<void>(memory.remove(key));
    }
    for (const std::string& pattern : order.set.patterns) mark(store::Generations::slot_of_tag(pattern));
    for (const std::string& tag : order.tags) mark(store::Generations::slot_of_response_tag(tag));
    if (!order.scan_patterns.empty()) generations.begin_scan();
    for (const std::string& pattern : order.scan_patterns) {
        board.close_matching(pattern);
        if (order.soft) memory.purge_matching_softly(pattern);
        if (!order.soft) static_cast<void>(memory.remove_matching(pattern));
    }
}

net::Task<store::PurgeOutcome> purge(Services& use, const store::PurgeOrder& order, store::RedisBudget& budget) {
    purge_here(use.generations, use.memory, use.board, order);
    store::PurgeOutcome outcome = store::PurgeOutcome::done;
    if (use.redis) {
        outcome = co_await use.redis->purge(order, budget);
        // A read may have fetched the old entry from Redis between the two: it began before this second mark.
        purge_here(use.generations, use.memory, use.board, order);
    }
    const bool passes_on = use.relay != nullptr && use.relay->wants(outcome);
    if (passes_on) co_await use.relay->pass_on(use.executor(), order, outcome);
    co_return outcome;
}

bool needs_response_body(const route::Match& match) {
    if (!match.route || match.route->rule.kind != settings::RouteKind::write) return false;
    for (const std::string& pattern : match.route->rule.purge)
        if (pattern.find("{json:") != std::string::npos) return true;
    return false;
}

store::PurgeOrder order_after_write(const Config& config, const http::RequestHead& request, const route::Match& match,
                                    const http::ResponseHead* response, const std::string* body) {
    store::PurgeOrder order;
    if (http::is_safe(request.method)) return order;
    if (response && !cache::invalidates(request.method, response->status)) return order;
    std::optional<JsonBody> json;
    if (body) json.emplace(*body);
    config.routes.collect_write_purges(match, request, json ? &*json : nullptr, order.set);
    if (response) {
        for (const std::string& target : cache::related_targets(request, *response)) config.routes.collect_url_purges(request.host, target, order.set);
        cache::collect_invalidated_groups(*response, order.tags);
    }
    return order;
}

net::Task<store::PurgeOrder> purge_after_write(Client& client, const http::ResponseHead* response, const std::string* body) {
    store::PurgeOrder order = order_after_write(*client.config, client.request(), client.x().match, response, body);
    if (order.empty()) co_return order;
    client.use.metrics.record_purge(observe::PurgeSource::write);
    store::RedisBudget budget;
    const store::PurgeOutcome outcome = co_await purge(client.use, order, budget);
    if (outcome == store::PurgeOutcome::pending) client.x().outcome.detail = cache::Detail::redis_down;
    co_return order;
}

net::Task<void> answer_purge(Client& client) {
    Exchange& x = client.x();
    x.outcome = {};
    x.outcome.forward = Forward::method;
    if (!client.config->purge_from.contains(believed_address(client))) {
        co_await answer_error(client, 405, cache::Detail::purge_denied, "PURGE is not allowed from this address", false);
        co_return;
    }
    store::PurgeOrder order;
    client.config->routes.collect_url_purges(x.request.host, x.request.target, order.set);
    const std::size_t in_memory = remove_from_memory(client.use, order);
    store::RedisBudget budget;
    std::uint64_t in_redis = 0;
    if (client.use.redis) in_redis = co_await client.use.redis->count_present(order.set, budget);
    client.use.metrics.record_purge(observe::PurgeSource::purge);
    const store::PurgeOutcome outcome = co_await purge(client.use, std::move(order), budget);
    if (outcome == store::PurgeOutcome::pending) x.outcome.detail = cache::Detail::redis_down;
    const bool met = in_memory + in_redis > 0 || outcome == store::PurgeOutcome::pending;
    const std::string_view body = met ? "{\"purged\": true}\n" : "{\"purged\": false, \"detail\": \"nothing was stored for this URL\"}\n";
    ResponseSender sender(client);
    sender.set_head(met ? "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" : "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n",
                    met ? 200 : 404, body.size(), false);
    const bool sent = co_await sender.body(body, true);
    static_cast<void>(sent);
}

}  // namespace larder::flow
