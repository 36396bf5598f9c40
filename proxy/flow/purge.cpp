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

// Both without response tags.
void append(store::PurgeOrder& to, const store::PurgeOrder& from) {
    append(to.set, from.set);
    to.scan_patterns.insert(to.scan_patterns.end(), from.scan_patterns.begin(),
                            from.scan_patterns.end());
    to.everything |= from.everything;
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

// The token of the client's announcement, which ends with the purge that gets it. Empty: there is
// none.
std::string take_token(Client& client) {
    const std::shared_ptr<const Announcement> announced =
        std::exchange(client.exchange().announced, nullptr);
    return announced ? announced->token : std::string();
}

// Whether other instances may serve what a purge that Redis has not acknowledged names. They serve
// nothing of it where Redis holds it certainly: it is purged when that ends.
bool leaves_stale(const Client& client, store::PurgeOutcome outcome, const std::string& token) {
    if (outcome == store::PurgeOutcome::done) return false;
    return token.empty() || !client.services.redis->holds(token);
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

void add_newest_rules(Services& services, const Config& used, const http::RequestHead& request,
                      const http::ResponseHead* response, const std::string* body,
                      route::Secrets secrets, store::PurgeOrder& order) {
    services.follow_reload();
    if (services.config.get() == &used) return;
    const route::Match match = services.config->routes.match(request.method, request.method_name,
                                                             request.host, request.path);
    const store::PurgeOrder more =
        order_after_write(*services.config, request, match, response, body, secrets);
    append(order.set, more.set);
}

store::PurgeOrder renamed_since(const Config& before, const Config& now) {
    store::PurgeOrder order;
    std::vector<std::string> patterns;
    now.routes.collect_renamed(&before.routes, patterns);
    for (std::string& pattern : patterns) {
        if (pattern == "*") {
            order.everything = true;
        } else if (now.routes.is_tag_pattern(pattern)) {
            order.set.patterns.push_back(std::move(pattern));
        } else {
            order.scan_patterns.push_back(std::move(pattern));
        }
    }
    return order;
}

store::PurgeOrder order_now(Services& services, const WritePurge& purged) {
    services.follow_reload();
    store::PurgeOrder order = purged.order;
    if (purged.config && purged.config != services.config && !order.empty())
        append(order, renamed_since(*purged.config, *services.config));
    return order;
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
        add_newest_rules(client.services, *client.config, client.request(), response, body,
                         route::Secrets::masked, more);
        for (std::string& key : more.set.keys) record.keys.push_back(std::move(key));
        for (std::string& pattern : more.set.patterns)
            record.patterns.push_back(std::move(pattern));
    }
    observe::bound(record);
    return std::make_shared<const observe::PurgeRecord>(std::move(record));
}

// `settle`: the origin's reads may lag behind the write, and what they gave meanwhile was stored.
net::Task<void> purge_when_settled(Client& client, const WritePurge& purged) {
    const route::CompiledRoute* route = client.exchange().match.route;
    if (!route || route->rule.settle.count() == 0 || purged.order.empty()) co_return;
    client.services.late_writes.purge_after(purged, route->rule.settle);
    co_await client.services.late_writes.until_kept();
}

net::Task<WritePurge> purge_after_write(Client& client, const http::ResponseHead* response,
                                        const std::string* body, Announced becomes) {
    Exchange& exchange = client.exchange();
    const SteadyTime began = steady_now();
    const std::shared_ptr<const Announcement> announced = exchange.announced;
    store::PurgeOrder done;
    store::PurgeOutcome of_done = store::PurgeOutcome::done;
    bool stale = false;
    if (announced) {
        done = redis::order_of(announced->items);
        std::string token = becomes == Announced::ends ? take_token(client) : std::string();
        of_done = co_await purge(client.services, done, exchange.redis_budget, std::move(token));
        stale = leaves_stale(client, of_done, announced->token);
    }
    const route::Match& match = exchange.match;
    store::PurgeOrder order =
        announced ? order_of_answer(*client.config, client.request(), match, response)
                  : order_after_write(*client.config, client.request(), match, response, body);
    add_newest_rules(client.services, *client.config, client.request(), response, body,
                     route::Secrets::shown, order);
    const std::shared_ptr<const Config> by_rules_of = client.services.config;
    if (order.empty() && done.empty()) co_return WritePurge{};
    const TraceStep step(exchange, "purge");
    const bool was_announced = order.empty();
    store::PurgeOutcome outcome = store::PurgeOutcome::done;
    if (!order.empty()) outcome = co_await purge(client.services, order, exchange.redis_budget);
    // What only the answer names was not announced.
    stale = stale || leaves_stale(client, outcome, {});
    if (of_done == store::PurgeOutcome::pending) outcome = of_done;
    append(order.set, done.set);
    const std::shared_ptr<const observe::PurgeRecord> record =
        full_record(client, response, body, order);
    keep_record(client.services, *record, began, outcome);
    if (outcome == store::PurgeOutcome::pending) exchange.outcome = exchange.outcome.purge_owed();
    exchange.purge_failed = refuses_unpurged_writes(client) && response && stale;
    WritePurge purged{std::move(order), by_rules_of, record, was_announced};
    co_await purge_when_settled(client, purged);
    co_return purged;
}

net::Task<store::PurgeOutcome> purge_at_end(Client& client, const WritePurge& purged) {
    const SteadyTime began = steady_now();
    const std::string token = take_token(client);
    store::PurgeOrder order = order_now(client.services, purged);
    if (purged.config)
        add_newest_rules(client.services, *purged.config, client.request(), nullptr, nullptr,
                         route::Secrets::shown, order);
    const store::PurgeOutcome outcome =
        co_await purge(client.services, order, client.exchange().redis_budget, token);
    const bool all_announced = purged.was_announced && purged.config == client.services.config;
    const bool stale = leaves_stale(client, outcome, all_announced ? token : std::string());
    client.exchange().purge_failed = refuses_unpurged_writes(client) && stale;
    // One that went well is the same purge to people: many an API sends head and body apart.
    if (outcome == store::PurgeOutcome::pending)
        keep_repeat(client.services, *purged.record, began, outcome);
    co_await purge_when_settled(client, purged);
    co_return outcome;
}

}  // namespace larder::flow
