#include "flow/store_fetched.hpp"

#include "flow/response_tags.hpp"

namespace larder::flow {

using cache::Detail;

namespace {

// Why nothing can be stored under a lease.
Detail no_lease_reason(const redis::Lease& lease) {
    if (!lease.foreign_key.empty()) return Detail::foreign_key;
    if (lease.held) return Detail::purged_during_fetch;
    return lease.state == redis::RedisState::timeout ? Detail::redis_timeout : Detail::redis_down;
}

// The values that a key takes from headers, cookies and bodies are not for the log.
void tell_foreign(FetchJob& job) {
    const std::string& rule_key = job.plan.route->rule.key;
    const auto takes = [&](std::string_view what) {
        return rule_key.find(what) != std::string::npos;
    };
    const bool secret = takes("{header:") || takes("{cookie:") || takes("{body");
    job.use.redis->tell_foreign(job.lease,
                                secret ? std::string_view(rule_key) : std::string_view{});
}

}  // namespace

cache::Detail not_stored_in_redis(FetchJob& job) {
    if (!job.use.redis || job.lease.can_store()) return Detail::none;
    const Detail reason = no_lease_reason(job.lease);
    if (reason == Detail::foreign_key) tell_foreign(job);
    return reason;
}

std::size_t object_bytes_max(const FetchJob& job) {
    return job.plan.route->rule.max_object.value_or(job.config->settings.limits.max_object);
}

bool usable_by_waiters(const FetchJob& job, const cache::StoredResponse& entry) {
    const cache::Verdict verdict =
        cache::decide_reuse(entry, {}, job.plan.personal, false, wall_now());
    return verdict == cache::Verdict::serve || verdict == cache::Verdict::serve_and_refresh;
}

bool answers_stale_instead(const FetchJob& job, int status) {
    // Above 599 is what HTTP does not define: a server's failure (RFC 9110, 15).
    const bool error =
        status == 500 || status == 502 || status == 503 || status == 504 || status >= 600;
    return error &&
           cache::may_serve_on_error(*job.stale, job.plan.directives, job.soft_purged, wall_now());
}

store::FetchedHead fetched_head(FetchJob& job, const OriginExchange& exchange,
                                const cache::StoreDecision& decision) {
    const http::ResponseHead& response = exchange.head;
    const settings::Route& rule = job.plan.route->rule;
    store::FetchedHead head;
    head.status = response.status;
    append_passed_head(response, rule.strip, false, job.config->settings.headers,
                       exchange.received_at, head.lines);
    if (response.framing == http::Framing::length || response.framing == http::Framing::none)
        head.length = response.content_length;
    if (job.asks_head() && !response.fields.has(http::FieldId::content_length)) head.length.reset();
    head.lines_have_length = response.fields.has(http::FieldId::content_length);
    head.etag = response.fields.value(http::FieldId::etag);
    head.last_modified = response.fields.value(http::FieldId::last_modified);
    head.not_stored = decision.reason;
    if (head.not_stored == Detail::none && job.plan.directives.no_store)
        head.not_stored = Detail::no_store;
    head.shareable = head.not_stored == Detail::none;
    head.shared = decision.freshness.shared;
    head.reusable = !decision.freshness.no_cache &&
                    cache::time_left(decision.freshness, exchange.received_at) > Seconds(0);
    if (head.not_stored == Detail::none && head.length && *head.length > object_bytes_max(job)) {
        head.not_stored = Detail::too_large;
        head.shareable = false;
    }
    if (head.not_stored == Detail::none) head.not_stored = not_stored_in_redis(job);
    if (head.not_stored == Detail::none && job.lease.too_slow) {
        const bool into_memory = rule.memory && job.config->settings.memory_bytes != 0;
        (into_memory ? head.missed : head.not_stored) = Detail::redis_timeout;
    }
    if (head.not_stored == Detail::none && job.use.redis && !job.use.redis->stores())
        head.doubt = Detail::redis_down;
    ResponseTags tags =
        response_tags_of(*job.config, *job.plan.route, job.request.head(), response);
    if (head.not_stored == Detail::none && !tags.may_be_kept) {
        head.not_stored = Detail::limit;
        head.shareable = false;
    }
    if (tags.may_be_kept) head.tags = std::move(tags.names);
    std::vector<std::uint32_t> tag_slots;
    for (const std::string& tag : head.tags)
        tag_slots.push_back(store::Generations::slot_of_response_tag(tag));
    const bool purged =
        !job.use.generations.valid(job.fetch->guards.slots, job.fetch->guards.sequence) ||
        !job.use.generations.valid(tag_slots, job.fetch->guards.sequence) ||
        (!job.use.redis && !job.use.generations.may_store(job.fetch->guards.sequence));
    if (head.not_stored == Detail::none && purged) head.not_stored = Detail::purged_during_fetch;
    head.omit = decision.omit;
    head.vary = decision.vary;
    cache::build_variant(job.request.head(), decision.vary, job.plan.with_host, head.variant);
    return head;
}

boost::intrusive_ptr<cache::StoredResponse> stored_response(FetchJob& job,
                                                            const OriginExchange& exchange,
                                                            const cache::StoreDecision& decision) {
    boost::intrusive_ptr<cache::StoredResponse> entry(new cache::StoredResponse);
    const settings::Route& rule = job.plan.route->rule;
    entry->status = exchange.head.status;
    entry->freshness = decision.freshness;
    entry->body = job.fetch->body();
    cache::append_stored_head(exchange.head, decision.omit, rule.strip, entry->body.size(),
                              exchange.received_at, entry->head);
    cache::index_stored_head(*entry);
    entry->target = job.request.head().target;
    entry->vary = decision.vary;
    cache::build_variant(job.request.head(), decision.vary, job.plan.with_host, entry->variant);
    for (const std::string& tag : job.fetch->head().tags) entry->response_tags.push_back({tag, {}});
    return entry;
}

net::Task<void> store_entry(FetchJob& job, boost::intrusive_ptr<cache::StoredResponse> entry) {
    const bool into_memory = job.plan.route->rule.memory;
    // Also where Redis noted a later position for it: a purge since the fetch began counts.
    const store::Provenance made{job.plan.route->rules, job.fetch->guards.sequence,
                                 job.fetch->guards.slots.size()};
    const auto set_guards = [&job, &entry] {
        entry->guards = job.fetch->guards.slots;
        for (const cache::TagId& tag : entry->response_tags)
            entry->guards.push_back(store::Generations::slot_of_response_tag(tag.name));
        entry->sequence = job.fetch->guards.sequence;
    };
    if (!job.use.redis) {
        set_guards();
        if (!job.use.generations.valid(entry->guards, entry->sequence) ||
            !job.use.generations.may_store(entry->sequence)) {
            job.use.metrics.record_fill_discarded(job.path_id(), Detail::purged_during_fetch);
        } else if (into_memory) {
            job.use.memory.insert(job.key, entry, made);
        }
        co_return;
    }
    if (job.lease.state != redis::RedisState::ok) co_return;
    const redis::RedisStore::Filled filled =
        co_await job.use.redis->fill(job.name(), job.lease, entry);
    job.lease_given_back = true;  // by the fill, whatever came of it
    switch (filled.outcome) {
        case redis::FillOutcome::stored:
            if (filled.tracked && into_memory) job.use.memory.insert(job.key, entry, made);
            break;
        case redis::FillOutcome::purged:
            job.use.metrics.record_fill_discarded(job.path_id(), Detail::purged_during_fetch);
            break;
        case redis::FillOutcome::foreign:
            job.use.metrics.record_fill_discarded(job.path_id(), Detail::foreign_key);
            break;
        case redis::FillOutcome::unavailable:
            job.use.metrics.record_fill_discarded(job.path_id(), Detail::redis_down);
            break;
    }
}

void release_lease(FetchJob& job, bool uncacheable) {
    if (std::exchange(job.lease_given_back, true)) return;
    if (job.use.redis && job.lease.state == redis::RedisState::ok)
        job.use.redis->release(job.lease, uncacheable);
}

void remember_not_stored(FetchJob& job, Detail reason, int status) {
    // What a purge or Redis prevented, and what failed, may well be storable next time.
    const bool lasting = status < 500 && reason != Detail::purged_during_fetch &&
                         reason != Detail::redis_down && reason != Detail::redis_timeout &&
                         reason != Detail::foreign_key && reason != Detail::partial;
    const bool for_all = lasting && job.shared;
    release_lease(job, for_all);
    if (for_all)
        job.use.uncacheable.remember(uncacheable_hash(job.key, *job.plan.route),
                                     job.fetch->guards.sequence, steady_now());
    if (reason == Detail::purged_during_fetch || reason == Detail::redis_down ||
        reason == Detail::redis_timeout)
        job.use.metrics.record_fill_discarded(job.path_id(), reason);
}

void record_shadow(FetchJob& job, int status) {
    observe::ShadowResult result = observe::ShadowResult::miss;
    if (job.would_serve) {
        const bool same =
            job.would_serve->status == status && job.would_serve->body == job.fetch->body();
        result = same ? observe::ShadowResult::match : observe::ShadowResult::mismatch;
    }
    job.use.metrics.record_shadow(job.path_id(), result);
}

}  // namespace larder::flow
