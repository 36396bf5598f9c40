#include "flow/note_hit.hpp"

#include "cache/coded_form.hpp"
#include "flow/audit_hit.hpp"

namespace larder::flow {
namespace {

void compress_if_asked_again(Client& client, const cache::Stored& entry) {
    const settings::Route& rule = client.exchange().plan.route->rule;
    if (rule.compress->empty() || !rule.memory || entry->has_coded()) return;
    if (!cache::count_hit(*entry) || !cache::may_be_coded(*entry)) return;
    client.services.compressor->add(client.exchange().key, entry, *rule.compress);
}

}  // namespace

void note_hit(Client& client, const cache::Stored& entry, const cache::StoredResponse& form) {
    compress_if_asked_again(client, entry);
    const bool coded = &form != entry.get();
    if (coded && client.request().method != http::Method::head)
        client.services.metrics.record_compressed(entry->body().size() - form.body().size());
    // What is served stale is known to be old.
    if (client.exchange().outcome.x_cache() == cache::XCache::hit) audit_if_chosen(client, entry);
}

}  // namespace larder::flow
