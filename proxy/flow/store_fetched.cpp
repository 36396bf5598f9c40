#include "flow/store_fetched.hpp"

#include <algorithm>

#include "base/checksum.hpp"
#include "cache/client_head.hpp"
#include "cache/freshness.hpp"
#include "cache/reuse.hpp"
#include "cache/storable.hpp"
#include "cache/stored_head.hpp"
#include "cache/vary.hpp"
#include "flow/response_tags.hpp"
#include "observe/fetch_findings.hpp"

namespace larder::flow {

using cache::Detail;

namespace {

// Why nothing can be stored under a lease.
Detail no_lease_reason(const redis::Lease& lease) {
    if (!lease.foreign_key.empty()) return Detail::foreign_key;
    if (lease.held) return Detail::purged_during_fetch;
    return lease.state == redis::RedisState::timeout ? Detail::redis_timeout : Detail::redis_down;
}

// Values from headers, cookies and bodies may be secret: log the rule's key template instead of the
// key.
void tell_foreign(FetchTask& task) {
    const std::string& rule_key = task.plan.route->rule.key;
    const auto takes = [&](std::string_view what) {
        return rule_key.find(what) != std::string::npos;
    };
    const bool secret = takes("{header:") || takes("{cookie:") || takes("{body");
    task.services.redis->tell_foreign(*task.lease,
                                      secret ? std::string_view(rule_key) : std::string_view{});
}

}  // namespace

cache::Detail not_stored_in_redis(FetchTask& task) {
    if (!task.services.redis || task.lease->can_store()) return Detail::none;
    const Detail reason = no_lease_reason(*task.lease);
    if (reason == Detail::foreign_key) tell_foreign(task);
    return reason;
}

std::size_t object_bytes_max(const FetchTask& task) {
    const settings::Route& rule = task.plan.route->rule;
    const std::size_t most = rule.max_object.value_or(task.config->settings.limits.max_object);
    const bool memory_only =
        !task.services.redis && rule.memory && task.config->settings.memory_bytes > 0;
    return memory_only ? std::min(most, task.services.memory.largest_object()) : most;
}

bool usable_by_waiters(const FetchTask& task, const cache::StoredResponse& entry) {
    const cache::Verdict verdict =
        cache::decide_reuse(entry, {}, task.plan.personal, false, wall_now());
    return verdict == cache::Verdict::serve || verdict == cache::Verdict::serve_and_refresh;
}

bool answers_stale_instead(const FetchTask& task, int status) {
    // HTTP does not define a status above 599; it counts as a server's failure (RFC 9110, 15).
    const bool error =
        status == 500 || status == 502 || status == 503 || status == 504 || status >= 600;
    return error && cache::may_serve_on_error(*task.stale, task.plan.directives, task.soft_purged,
                                              wall_now());
}

store::FetchedHead fetched_head(FetchTask& task, const origin::Exchange& exchange,
                                const cache::StoreDecision& decision) {
    const http::ResponseHead& response = exchange.head;
    const settings::Route& rule = task.plan.route->rule;
    store::FetchedHead head;
    head.status = response.status;
    append_passed_head(response, rule.strip, false, task.config->settings.headers,
                       exchange.received_at, head.lines);
    if (response.framing == http::Framing::length || response.framing == http::Framing::none)
        head.length = response.content_length;
    if (task.asks_head() && !response.fields.has(http::FieldId::content_length))
        head.length.reset();
    head.lines_have_length = response.fields.has(http::FieldId::content_length);
    head.etag = response.fields.value(http::FieldId::etag);
    head.last_modified = response.fields.value(http::FieldId::last_modified);
    head.not_stored = decision.reason;
    if (head.not_stored == Detail::none && task.plan.directives.no_store)
        head.not_stored = Detail::no_store;
    head.shareable = head.not_stored == Detail::none;
    if (head.shareable) head.lines = cache::lines_for_clients(head.lines, rule);
    head.reusable = !decision.freshness.no_cache &&
                    cache::time_left(decision.freshness, exchange.received_at) > Seconds(0);
    if (head.not_stored == Detail::none && head.length && *head.length > object_bytes_max(task)) {
        head.not_stored = Detail::too_large;
        head.shareable = false;
    }
    if (head.not_stored == Detail::none) head.not_stored = not_stored_in_redis(task);
    if (head.not_stored == Detail::none && task.too_slow) {
        const bool into_memory = rule.memory && task.config->settings.memory_bytes != 0;
        (into_memory ? head.missed : head.not_stored) = Detail::redis_timeout;
    }
    if (head.not_stored == Detail::none && task.services.redis && !task.services.redis->stores())
        head.doubt = Detail::redis_down;
    ResponseTags tags =
        response_tags_of(*task.config, *task.plan.route, task.request.head(), response);
    if (head.not_stored == Detail::none && !tags.may_be_kept) {
        head.not_stored = Detail::limit;
        head.shareable = false;
    }
    if (tags.may_be_kept) head.tags = std::move(tags.names);
    std::vector<std::uint32_t> tag_slots;
    for (const std::string& tag : head.tags)
        tag_slots.push_back(store::Generations::slot_of_response_tag(tag));
    const bool purged =
        !task.services.generations.valid(task.fetch->guards.slots, task.fetch->guards.sequence) ||
        !task.services.generations.valid(tag_slots, task.fetch->guards.sequence) ||
        (!task.services.redis && !task.services.generations.may_store(task.fetch->guards.sequence));
    if (head.not_stored == Detail::none && purged) head.not_stored = Detail::purged_during_fetch;
    head.omit = decision.omit;
    head.vary = decision.vary;
    cache::build_variant(task.request.head(), decision.vary, task.plan.with_host, head.variant);
    return head;
}

std::unique_ptr<cache::Draft> draft_response(FetchTask& task, const origin::Exchange& exchange,
                                             const cache::StoreDecision& decision) {
    auto draft = std::make_unique<cache::Draft>();
    const settings::Route& rule = task.plan.route->rule;
    draft->status = exchange.head.status;
    draft->freshness = decision.freshness;
    draft->body = task.fetch->body();
    cache::append_stored_head(exchange.head, decision.omit, rule.strip, draft->body.size(),
                              exchange.received_at, draft->head);
    cache::index_stored_head(*draft);
    cache::rewrite_for_clients(*draft, rule);
    cache::note_left_out(*draft, exchange.head.fields, decision.omit, rule.strip);
    draft->target = task.request.head().target;
    draft->vary = decision.vary;
    cache::build_variant(task.request.head(), decision.vary, task.plan.with_host, draft->variant);
    for (const std::string& tag : task.fetch->head().tags)
        draft->response_tags.push_back({tag, {}});
    return draft;
}

namespace {

void end_before_planned_purge(const FetchTask& task, cache::Draft& draft) {
    const WallTime wall = wall_now();
    const SteadyTime steady = steady_now();
    cache::Freshness& freshness = draft.freshness;
    const SteadyTime requested_at = steady - std::max(wall - freshness.requested_at, {});
    const auto end = task.services.generations.planned().end_of(draft.guards, requested_at);
    if (!end) return;
    cache::end_at(freshness, wall + std::chrono::ceil<Milliseconds>(*end - steady));
}

}  // namespace

cache::Stored finish_draft(const FetchTask& task, cache::Draft& draft) {
    draft.key = task.key;
    draft.guards = task.fetch->guards.slots;
    for (const cache::TagId& tag : draft.response_tags)
        draft.guards.push_back(store::Generations::slot_of_response_tag(tag.name));
    draft.sequence = task.fetch->guards.sequence;
    end_before_planned_purge(task, draft);
    return cache::make_stored(draft);
}

void note_finding(const FetchTask& task, const cache::StoredResponse& entry) {
    if (task.services.findings == nullptr || task.plan.route->has_secrets) return;
    const std::string_view key = task.key;
    const std::size_t bare = std::min(task.key_info.bare_size, key.size());
    observe::FetchFinding finding;
    finding.route = task.plan.route->path_template;
    finding.bare_key = key.substr(0, bare);
    finding.appended = key.substr(std::min(bare + 1, key.size()));
    finding.body_hash = checksum_of(entry.body());
    finding.replaces = task.stale != nullptr && !task.soft_purged;
    finding.same_body = finding.replaces && task.stale->body() == entry.body();
    finding.has_tags = !entry.response_tags().empty();
    task.services.findings->note(finding);
}

net::Task<void> store_entry(FetchTask& task, std::unique_ptr<cache::Draft> draft,
                            cache::Stored entry) {
    const bool into_memory = task.plan.route->rule.memory;
    // The sequence of the fetch, even if Redis noted a later position: a purge since the fetch
    // began counts.
    const store::Provenance made{task.plan.route->rules, task.fetch->guards.sequence,
                                 task.fetch->guards.slots.size()};
    if (!task.services.redis) {
        if (!task.services.generations.valid(entry->guards(), entry->sequence()) ||
            !task.services.generations.may_store(entry->sequence())) {
            task.services.metrics.record_fill_discarded(task.path_id(),
                                                        Detail::purged_during_fetch);
        } else if (into_memory) {
            task.services.memory.insert(task.key, entry, made);
        }
        co_return;
    }
    if (!task.lease.shared() || task.lease->state != redis::RedisState::ok) co_return;
    using Older = redis::RedisStore::Older;
    const Older older = task.too_slow ? Older::left : Older::replaced;
    const redis::RedisStore::Filled filled =
        co_await task.services.redis->fill(task.name(), task.lease.shared(), *draft, older);
    task.lease.filled();
    switch (filled.outcome) {
        case redis::FillOutcome::stored:
            // Not `entry`, which knows nothing of what the fill has told.
            if (filled.tracked && into_memory)
                task.services.memory.insert(task.key, cache::make_stored(*draft), made);
            break;
        case redis::FillOutcome::purged:
            task.services.metrics.record_fill_discarded(task.path_id(),
                                                        Detail::purged_during_fetch);
            break;
        case redis::FillOutcome::foreign:
            task.services.metrics.record_fill_discarded(task.path_id(), Detail::foreign_key);
            break;
        case redis::FillOutcome::unavailable:
            task.services.metrics.record_fill_discarded(task.path_id(), Detail::redis_down);
            break;
    }
}

void remember_not_stored(FetchTask& task, Detail reason, int status) {
    // If a purge, Redis or a failure prevented storing, the next response may be storable.
    const bool lasting = status < 500 && reason != Detail::purged_during_fetch &&
                         reason != Detail::redis_down && reason != Detail::redis_timeout &&
                         reason != Detail::foreign_key && reason != Detail::partial;
    const bool for_all = lasting && task.shared;
    task.lease.give_back(for_all ? redis::LeaseEnd::uncacheable : redis::LeaseEnd::unstored);
    if (for_all && !task.has_entries)
        task.services.uncacheable.remember(
            uncacheable_hash(task.key, task.plan, task.request.head()), task.fetch->guards.sequence,
            steady_now());
    if (reason == Detail::purged_during_fetch || reason == Detail::redis_down ||
        reason == Detail::redis_timeout)
        task.services.metrics.record_fill_discarded(task.path_id(), reason);
}

void record_shadow(FetchTask& task, int status) {
    observe::ShadowResult result = observe::ShadowResult::miss;
    if (task.would_serve) {
        const bool same =
            task.would_serve->status() == status && task.would_serve->body() == task.fetch->body();
        result = same ? observe::ShadowResult::match : observe::ShadowResult::mismatch;
    }
    task.services.metrics.record_shadow(task.path_id(), result);
}

}  // namespace larder::flow
