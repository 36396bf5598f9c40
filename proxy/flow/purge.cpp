#include "flow/purge.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "cache/invalidation.hpp"
#include "cache/origin_tags.hpp"
#include "flow/announce_write.hpp"
#include "flow/client_address.hpp"
#include "flow/purge_record.hpp"
#include "flow/request_trace.hpp"
#include "http/write_methods.hpp"
#include "redis/purge_text.hpp"
#include "route/compiled_route.hpp"

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
        const boost::json::value* found =
            value_.find_pointer(boost::json::string_view(pointer.data(), pointer.size()), error);
        if (!found || found->is_object() || found->is_array() || found->is_null())
            return std::nullopt;
        if (found->is_string()) return std::string(found->get_string());
        // The parser loses the original text of a number with a fraction or an exponent, but `7.0`
        // and `7` are two keys.
        if (found->is_double()) return std::nullopt;
        return boost::json::serialize(*found);
    }

private:
    boost::json::value value_;
    bool usable_ = false;
};

void append(route::PurgeSet& to, const route::PurgeSet& from) {
    to.keys.insert(to.keys.end(), from.keys.begin(), from.keys.end());
    to.patterns.insert(to.patterns.end(), from.patterns.begin(), from.patterns.end());
}

// Collects the entries of the URLs that a write's response names: as clients name them, and as the
// write's origin does.
void collect_related(const Config& config, const http::RequestHead& request,
                     const route::Match& match, const http::ResponseHead& response,
                     route::PurgeSet& out) {
    const std::string& origin_host = config.upstream_of(match.route)->settings().host;
    for (const std::string& target : cache::related_targets(request, response, origin_host)) {
        config.routes.collect_url_purges(request, target, out);
        for (const std::string& mapped : config.routes.client_targets(match, target))
            config.routes.collect_url_purges(request, mapped, out);
    }
}

}  // namespace

void purge_here(store::Generations& generations, store::MemoryStore& memory,
                store::FetchBoard& board, const store::PurgeOrder& order) {
    const auto mark = [&](std::uint32_t slot) {
        if (order.soft) {
            generations.purge_soft(slot);
        } else {
            memory.note_purge(slot, generations.purge(slot));
        }
    };
    for (const std::string& key : order.set.keys) {
        mark(store::Generations::slot_of_key(key));
        mark(store::Generations::slot_of_extensions(key));
        if (!order.soft) static_cast<void>(memory.remove(key));
    }
    for (const std::string& pattern : order.set.patterns)
        mark(store::Generations::slot_of_tag(pattern));
    for (const std::string& tag : order.tags) mark(store::Generations::slot_of_response_tag(tag));
    if (order.everything) {
        generations.purge_all();
        memory.forget();
    }
    for (const std::string& pattern : order.scan_patterns) {
        memory.purge_matching(pattern, order.soft);
        board.close_matching(pattern);
    }
}

net::Task<store::PurgeOutcome> purge(Services& services, const store::PurgeOrder& order,
                                     redis::RedisBudget& budget, std::string token) {
    purge_here(services.generations, services.memory, services.board, order);
    store::PurgeOutcome outcome = store::PurgeOutcome::done;
    if (services.redis) {
        outcome = co_await services.redis->purge(order, budget, std::move(token));
        // A read may have taken the old entry from Redis before Redis purged it. Such a read began
        // before this second mark.
        purge_here(services.generations, services.memory, services.board, order);
    }
    const bool passes_on = services.relay != nullptr && services.relay->must_hear(outcome);
    if (passes_on) co_await services.relay->pass_on(services.executor(), order, outcome);
    co_return outcome;
}

bool needs_response_body(const route::Match& match) {
    if (!match.route || match.route->rule.kind != settings::RouteKind::write) return false;
    for (const std::string& pattern : match.route->rule.purge)
        if (pattern.find("{json:") != std::string::npos) return true;
    return false;
}

// Ends the announcement with a purge, whatever the outcome of the write: Redis holds the announced
// names until then.
net::Task<store::PurgeOrder> purge_announced(Client& client) {
    Exchange& exchange = client.exchange();
    const std::shared_ptr<const Announcement> announced =
        std::exchange(exchange.announced, nullptr);
    store::PurgeOrder order = redis::order_of(announced->items);
    const store::PurgeOutcome outcome =
        co_await purge(client.services, order, exchange.redis_budget, announced->token);
    // No stale entry is left: the announcement purged the names before the write, and its hold
    // keeps new entries out until it expires.
    if (outcome == store::PurgeOutcome::pending) exchange.outcome = exchange.outcome.purge_owed();
    co_return order;
}

// What the answer of a write names in addition to the rule: the entries of its URLs, and groups.
store::PurgeOrder order_of_answer(const Config& config, const http::RequestHead& request,
                                  const route::Match& match, const http::ResponseHead* response) {
    store::PurgeOrder order;
    if (!response || !route::may_change(match, request) ||
        !cache::invalidates(request, response->status))
        return order;
    if (!config.routes.changes_nothing(match, request))
        collect_related(config, request, match, *response, order.set);
    cache::collect_invalidated_groups(*response, order.tags);
    return order;
}

store::PurgeOrder order_after_write(const Config& config, const http::RequestHead& request,
                                    const route::Match& match, const http::ResponseHead* response,
                                    const std::string* body, route::Secrets secrets) {
    if (!route::may_change(match, request)) return {};
    if (response && !cache::invalidates(request, response->status)) return {};
    store::PurgeOrder order = order_of_answer(config, request, match, response);
    std::optional<JsonBody> json;
    if (body) json.emplace(*body);
    config.routes.collect_write_purges(match, request, json ? &*json : nullptr, order.set, secrets);
    return order;
}

// If a reload came during the write, later reads use the new rules: purge by these too.
void add_newest_rules(Client& client, const http::ResponseHead* response, const std::string* body,
                      route::Secrets secrets, store::PurgeOrder& order) {
    client.services.follow_reload();
    if (client.services.config == client.config) return;
    const http::RequestHead& request = client.request();
    const route::Match match = client.services.config->routes.match(
        request.method, request.method_name, request.host, request.path);
    store::PurgeOrder more =
        order_after_write(*client.services.config, request, match, response, body, secrets);
    append(order.set, more.set);
}

bool any_secrets(const Config& config) {
    const auto& routes = config.routes.routes();
    return std::any_of(routes.begin(), routes.end(),
                       [](const auto& route) { return route->has_secrets; });
}

observe::PurgeRecord record_of_write(const Config& config, const http::RequestHead& request,
                                     const route::Match& match, const http::ResponseHead* response,
                                     const std::string* body, const store::PurgeOrder& purged) {
    observe::PurgeRecord record = record_of(observe::PurgeSource::write, purged);
    if (match.route) record.route = match.route->rule.match;
    if (!any_secrets(config)) return record;
    store::PurgeOrder shown =
        order_after_write(config, request, match, response, body, route::Secrets::masked);
    record.keys = std::move(shown.set.keys);
    record.patterns = std::move(shown.set.patterns);
    return record;
}

// The same, with who sent the write and what the newest rules add.
std::shared_ptr<const observe::PurgeRecord> full_record(Client& client,
                                                        const http::ResponseHead* response,
                                                        const std::string* body,
                                                        const store::PurgeOrder& purged) {
    observe::PurgeRecord record = record_of_write(*client.config, client.request(),
                                                  client.exchange().match, response, body, purged);
    record.who = believed_address(client).to_string();
    if (any_secrets(*client.config)) {
        store::PurgeOrder more;
        add_newest_rules(client, response, body, route::Secrets::masked, more);
        for (std::string& key : more.set.keys) record.keys.push_back(std::move(key));
        for (std::string& pattern : more.set.patterns)
            record.patterns.push_back(std::move(pattern));
    }
    observe::bound(record);
    return std::make_shared<const observe::PurgeRecord>(std::move(record));
}

// `settle`: the origin's reads may lag behind the write, and what they gave meanwhile was stored.
void purge_when_settled(Client& client, const WritePurge& purged) {
    const route::CompiledRoute* route = client.exchange().match.route;
    if (!route || route->rule.settle.count() == 0 || purged.order.empty()) return;
    client.services.late_writes.purge_after(purged, route->rule.settle);
}

net::Task<WritePurge> purge_after_write(Client& client, const http::ResponseHead* response,
                                        const std::string* body) {
    const SteadyTime began = steady_now();
    const bool announced = client.exchange().announced != nullptr;
    store::PurgeOrder done;
    if (announced) done = co_await purge_announced(client);
    const route::Match& match = client.exchange().match;
    store::PurgeOrder order =
        announced ? order_of_answer(*client.config, client.request(), match, response)
                  : order_after_write(*client.config, client.request(), match, response, body);
    add_newest_rules(client, response, body, route::Secrets::shown, order);
    if (order.empty() && done.empty()) co_return WritePurge{};
    store::PurgeOutcome outcome = store::PurgeOutcome::done;
    const TraceStep step(client.exchange(), "purge");
    if (!order.empty())
        outcome = co_await purge(client.services, order, client.exchange().redis_budget);
    append(order.set, done.set);
    const bool owed = client.exchange().outcome.detail() == cache::Detail::redis_down;
    const std::shared_ptr<const observe::PurgeRecord> record =
        full_record(client, response, body, order);
    keep_record(client.services, *record, began, owed ? store::PurgeOutcome::pending : outcome);
    if (outcome == store::PurgeOutcome::pending)
        client.exchange().outcome = client.exchange().outcome.purge_owed();
    // What only the answer names was not announced, so other instances may still serve stale
    // entries.
    client.exchange().purge_failed =
        refuses_unpurged_writes(client) && response && outcome == store::PurgeOutcome::pending;
    WritePurge purged{std::move(order), record};
    purge_when_settled(client, purged);
    co_return purged;
}

}  // namespace larder::flow
