#include "flow/answer_from_fetch.hpp"

#include <algorithm>
#include <optional>

#include "cache/preconditions.hpp"
#include "cache/ranges.hpp"
#include "cache/response_form.hpp"
#include "cache/reuse.hpp"
#include "cache/vary.hpp"
#include "flow/answer_from_entry.hpp"
#include "flow/hold_up_watch.hpp"
#include "flow/request_trace.hpp"
#include "flow/send_response.hpp"

namespace larder::flow {
namespace {

using cache::Detail;
using store::Fetch;
using store::FetchState;

// What the response shows of the fetch (proxy/README.md, "What a response shows").
cache::Outcome fetched_outcome(const Exchange& exchange, FetchRole role,
                               const store::FetchedHead& head) {
    cache::MissedRead read = missed_read(exchange, role);
    const cache::RequestDirectives& directives = exchange.plan.directives;
    read.asked |= directives.no_cache || directives.no_store;
    cache::FetchedResult result;
    result.status = head.status;
    result.get = exchange.request.method != http::Method::head;
    result.not_stored = head.not_stored;
    result.doubt = head.doubt;
    result.missed = head.missed;
    return cache::Outcome::fetched(read, result);
}

// What the response shows if an entry ended the fetch.
cache::Outcome resolved_outcome(const Exchange& exchange, const FetchPart& part,
                                const cache::StoredResponse& entry) {
    const cache::MissedRead read = missed_read(exchange, part.role);
    const Detail not_stored = part.fetch->not_stored();
    switch (part.fetch->resolution()) {
        case store::Resolution::found:
            return cache::Outcome::hit(entry, wall_now());
        case store::Resolution::updated:
            return cache::Outcome::updated(entry, not_stored, wall_now());
        case store::Resolution::revalidated:
            return cache::Outcome::revalidated(read, entry, not_stored, wall_now());
        case store::Resolution::joined:
            break;
    }
    return cache::Outcome::fetched_elsewhere(read, entry, wall_now());
}

// Looks the entry up again, because it may have been purged while the origin was asked. Null in the
// exchange's lookup: none may answer instead of the origin.
net::Task<void> look_for_stale(Client& client) {
    Exchange& exchange = client.exchange();
    Lookup& lookup = exchange.lookup;
    if (lookup.entry && client.services.redis) {
        redis::RedisBudget budget;
        const redis::EntryName name = entry_name(exchange);
        redis::Found found = co_await client.services.redis->find(name, budget);
        lookup.entry = std::move(found.entry);
        lookup.soft_purged = found.soft_purged;
    }
    cache::Stored& stale = lookup.entry;
    if (stale && !client.services.redis && !client.services.memory.may_serve(exchange.key, *stale))
        stale.reset();
    if (stale && !cache::may_serve_on_error(*stale, exchange.plan.directives, lookup.soft_purged,
                                            wall_now()))
        stale.reset();
}

net::Task<void> answer_failure(Client& client, const FetchPart& part) {
    Exchange& exchange = client.exchange();
    const cache::MissedRead read = missed_read(exchange, part.role);
    co_await look_for_stale(client);
    if (const cache::Stored stale = exchange.lookup.entry) {
        exchange.outcome = cache::Outcome::stale(*stale, exchange.lookup.soft_purged, wall_now());
        co_await answer_from_entry(client, stale);
        co_return;
    }
    const store::FetchFailure failure = part.fetch->failure();
    exchange.outcome = cache::Outcome::fetch_failed(read, failure.detail);
    co_await answer_error(client, failure.status, failure.detail, failure.message, KeepAlive::yes);
}

// Whether the request wants a part of a large response that is not stored: then the origin need not
// send the rest.
bool better_asked_for_a_part(const http::RequestHead& request, const ReadPlan& plan,
                             const store::FetchedHead& head) {
    constexpr std::uint64_t large_bytes = 256 * 1024;
    if (head.status != 200 || head.shareable || plan.route->rule.shadow || !head.length ||
        *head.length < large_bytes)
        return false;
    return request.method == http::Method::get && request.fields.has(http::FieldId::range);
}

net::Task<void> stream_body(Client& client, Fetch::Reader& reader, const FetchPart& part) {
    const store::FetchedHead& head = part.fetch->head();
    const cache::ResponseFacts facts(head.status, head.etag, head.last_modified, head.length);
    const cache::ResponseForm form = cache::decide_form(client.request(), facts, wall_now());
    const bool whole = form.kind == cache::ResponseForm::Kind::whole;
    std::string changed;
    const std::span<const std::string> omit =
        part.role == FetchRole::leads ? std::span<const std::string>() : head.omit;
    const std::string_view lines = cache::head_of_form(form, head.lines, omit, changed);
    const BodyLength length{form.length, !whole || head.lines_have_length};
    begin_response(client, lines, form.status, length);
    if (!form.has_body()) {
        const bool sent = co_await client.send_body(std::string_view(), Follows::nothing);
        static_cast<void>(sent);
        co_return;
    }
    cache::BodyWindow window(form);
    bool head_sent = false;
    while (true) {
        const Fetch::Reader::View view = reader.next();
        if (!view.data.empty()) {
            const std::string_view shown = window.cut(view.data);
            if (!shown.empty() || !head_sent) {
                const bool sent = co_await client.send_body(shown, Follows::more);
                if (!sent) co_return;
                head_sent = true;
            }
            if (window.passed()) break;
            continue;
        }
        if (view.state == FetchState::cut) {
            if (!head_sent) {
                const bool sent = co_await client.send_body(std::string_view(), Follows::more);
                static_cast<void>(sent);
            }
            client.break_off();
            co_return;
        }
        if (view.at_end) break;
        if (!head_sent) {
            const bool sent = co_await client.send_body(std::string_view(), Follows::more);
            if (!sent) co_return;
            head_sent = true;
            continue;  // the fetch may have made progress meanwhile
        }
        const bool goes_on = co_await reader.wait_for_change(SteadyTime::max());
        if (!goes_on) {
            client.break_off();
            co_return;
        }
    }
    const bool sent = co_await client.end_body(part.fetch->trailers());
    static_cast<void>(sent);
}

// Whether this process knows of no purge of one of the tags since the fetch began.
bool tags_valid_here(Client& client, const Fetch& fetch, const std::vector<std::string>& tags) {
    return std::all_of(tags.begin(), tags.end(), [&](const std::string& tag) {
        const std::uint32_t slot = store::Generations::slot_of_response_tag(tag);
        return client.services.generations.valid({&slot, 1}, fetch.guards.sequence);
    });
}

}  // namespace

net::Task<bool> tags_current(Client& client, store::FetchPtr fetch, redis::RedisBudget& budget) {
    std::vector<std::string> tags;
    if (fetch->state() == FetchState::resolved) {
        const cache::Stored entry = fetch->entry();
        for (const cache::TagView tag : entry->response_tags()) tags.emplace_back(tag.name);
    } else {
        tags = fetch->head().tags;
    }
    if (!tags_valid_here(client, *fetch, tags)) co_return false;
    const std::shared_ptr<const redis::Lease> lease = fetch->lease();
    if (!client.services.redis || !lease || tags.empty()) co_return true;
    const bool current = co_await client.services.redis->tags_current(*lease, tags, budget);
    // If Redis had no room for the purge clock, the purges that this process heard of decide.
    co_return current&& tags_valid_here(client, *fetch, tags);
}

net::Task<FetchAnswer> answer_from_fetch(Client& client, FetchPart part) {
    const Exchange& exchange = client.exchange();
    const ReadPlan& plan = exchange.plan;
    const bool joined = part.role == FetchRole::joins;
    Fetch::Reader reader(part.fetch, client.services.executor());
    const HoldUpWatch watch(client, reader);
    if (reader.too_late()) co_return FetchAnswer::alone;
    const SteadyTime give_up = joined ? steady_now() + plan.route->rule.wait : SteadyTime::max();
    std::optional<OriginWait> wait;  // until the head is there
    if (!joined) wait.emplace(client.exchange());
    std::optional<TraceStep> joined_wait;
    if (joined) joined_wait.emplace(client.exchange(), "wait");
    while (true) {
        const FetchState state = reader.state();
        if (!joined) {
            const std::vector<std::string> interim = reader.take_interim();
            for (const std::string& lines : interim) {
                const bool sent = co_await client.send_interim(lines);
                static_cast<void>(sent);
            }
        }
        if (state != FetchState::pending) {
            wait.reset();
            joined_wait.reset();
        }
        if (state == FetchState::failed) {
            // A second try may succeed after an error. After a timeout all have waited long enough.
            const bool again = joined && !part.retried && !exchange.lookup.entry &&
                               part.fetch->failure().detail == Detail::origin_error;
            if (again) co_return FetchAnswer::failed;
            co_await answer_failure(client, part);
            co_return FetchAnswer::sent;
        }
        if (state == FetchState::resolved) {
            const cache::Stored entry = part.fetch->entry();
            if (joined) {
                const bool current = co_await tags_current(client, part.fetch, *part.budget);
                if (!current) co_return FetchAnswer::purged;
                std::string variant;
                cache::build_variant(client.request(), entry->vary(), plan.with_host, variant);
                if (variant != entry->variant() || !cache::accepts_coding(client.request(), *entry))
                    co_return FetchAnswer::variant;
            }
            client.exchange().outcome = resolved_outcome(exchange, part, *entry);
            co_await answer_from_entry(client, entry);
            co_return FetchAnswer::sent;
        }
        if (state != FetchState::pending) break;
        if (joined && (part.fetch->waiters_released() || steady_now() >= give_up))
            co_return FetchAnswer::alone;
        const bool goes_on = co_await reader.wait_for_change(give_up);
        if (!goes_on) {
            client.exchange().keep_alive = false;
            co_return FetchAnswer::sent;
        }
    }
    const store::FetchedHead& head = part.fetch->head();
    if (!joined && better_asked_for_a_part(client.request(), plan, head))
        co_return FetchAnswer::alone;
    if (joined) {
        if (!head.shareable) co_return FetchAnswer::alone;
        const bool current = co_await tags_current(client, part.fetch, *part.budget);
        if (!current) co_return FetchAnswer::purged;
        std::string variant;
        cache::build_variant(client.request(), head.vary, plan.with_host, variant);
        if (variant != head.variant) co_return FetchAnswer::variant;
    }
    client.exchange().outcome = fetched_outcome(exchange, part.role, head);
    co_await stream_body(client, reader, part);
    co_return FetchAnswer::sent;
}

}  // namespace larder::flow
