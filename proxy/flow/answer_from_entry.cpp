#include "flow/answer_from_entry.hpp"

#include "cache/coded_form.hpp"
#include "cache/response_form.hpp"
#include "cache/reuse.hpp"
#include "cache/vary.hpp"
#include "flow/answer_read.hpp"
#include "flow/fetch_for_read.hpp"
#include "flow/note_hit.hpp"
#include "flow/request_trace.hpp"
#include "flow/send_response.hpp"

namespace larder::flow {
namespace {

// What most requests get, without a look at the entry's validators. `client.has_rest` after it.
void send_whole(Client& client, const cache::Stored& entry) {
    Exchange& exchange = client.exchange();
    exchange.status = entry->status();
    exchange.text.clear();
    append_own_fields(client, exchange.text);
    if (exchange.trace) append_explanation(client, entry->head(), exchange.text);
    client.send_entry_at_once(entry);
}

net::Task<void> send_by_condition(Client& client, cache::Stored entry) {
    const cache::ResponseForm form = cache::decide_form(client.request(), *entry, wall_now());
    std::string changed;
    const std::string_view head = cache::head_of_form(form, entry->head(), {}, changed);
    const BodyLength length{form.length, true};
    begin_response(client, head, form.status, length);
    cache::BodyWindow window(form);
    const std::string_view body = form.has_body() ? window.cut(entry->body()) : std::string_view{};
    const bool sent = co_await client.send_body(body, Follows::nothing);
    static_cast<void>(sent);
}

}  // namespace

net::Task<void> answer_from_entry(Client& client, cache::Stored entry) {
    const cache::Stored form(&cache::form_for(client.request(), *entry));
    if (notes_hits(client.exchange().plan.route->rule)) note_hit(client, entry, *form);
    if (has_condition_or_range(client.request())) return send_by_condition(client, form);
    send_whole(client, form);
    return client.has_rest() ? client.send_rest() : net::Task<void>::ended();
}

bool answer_read_at_once(Client& client) {
    Exchange& exchange = client.exchange();
    const ReadPlan& plan = exchange.plan;
    const store::MemoryHit hit = client.services.memory.find(
        exchange.key, exchange.request, plan.with_host, plan.route->rules, exchange.began);
    if (!hit.entry) return false;
    const WallTime now = wall_now();
    if (cache::decide_reuse(*hit.entry, plan.directives, plan.personal, hit.soft_purged, now) !=
        cache::Verdict::serve)
        return false;
    if (!cache::accepts_coding(exchange.request, *hit.entry)) return false;
    if (has_condition_or_range(exchange.request)) return false;

    exchange.outcome = cache::Outcome::hit(*hit.entry, now);
    if (plan.route->rule.refresh_ahead > 0) refresh_if_due(client, hit.entry);
    if (!notes_hits(plan.route->rule)) {
        send_whole(client, hit.entry);
        return true;
    }
    const cache::Stored form(&cache::form_for(exchange.request, *hit.entry));
    note_hit(client, hit.entry, *form);
    send_whole(client, form);
    return true;
}

}  // namespace larder::flow
