#include <array>

#include "cache/freshness.hpp"
#include "cache/preconditions.hpp"
#include "cache/ranges.hpp"
#include "cache/reuse.hpp"
#include "cache/stored_head.hpp"
#include "cache/vary.hpp"
#include "flow/read_plan.hpp"
#include "flow/send_response.hpp"

namespace larder::flow {
namespace {

// Fields of a 304 (RFC 9110, 15.4.5): all but those that describe the body that is not sent.
void append_not_modified_head(const cache::StoredResponse& entry, std::string& out) {
    out += "HTTP/1.1 304 Not Modified\r\n";
    std::vector<http::Field> fields;
    cache::parse_stored_head(entry.head, fields);
    for (const http::Field& field : fields) {
        switch (field.id) {
            case http::FieldId::content_length:
            case http::FieldId::content_encoding:
            case http::FieldId::content_type:
            case http::FieldId::content_range:
                continue;
            default:
                out.append(field.name).append(": ").append(field.value).append("\r\n");
        }
    }
}

void append_partial_head(const cache::StoredResponse& entry, int status,
                         const std::string& content_range, std::uint64_t size, std::string& out) {
    out += "HTTP/1.1 ";
    append_decimal(out, status);
    out += ' ';
    out += reason_phrase(status);
    out += "\r\n";
    std::vector<http::Field> fields;
    cache::parse_stored_head(entry.head, fields);
    for (const http::Field& field : fields)
        if (field.id != http::FieldId::content_length && field.id != http::FieldId::content_range)
            out.append(field.name).append(": ").append(field.value).append("\r\n");
    out.append("Content-Range: ").append(content_range).append("\r\nContent-Length: ");
    append_decimal(out, static_cast<std::int64_t>(size));
    out += "\r\n";
}

}  // namespace

void show_hit(Exchange& exchange, const cache::StoredResponse& entry, cache::XCache word,
              cache::Detail detail, WallTime now) {
    exchange.outcome = {};
    exchange.outcome.x_cache = word;
    exchange.outcome.detail = detail;
    exchange.outcome.age = cache::current_age(entry.freshness, now).count();
    exchange.saved = entry.freshness.received_at - entry.freshness.requested_at;
    if (word == cache::XCache::hit || word == cache::XCache::updating ||
        word == cache::XCache::stale) {
        exchange.outcome.forward = Forward::none;
        exchange.outcome.ttl = cache::remaining_lifetime(entry.freshness, now).count();
        // A client may ask for it with max-stale.
        if (word == cache::XCache::hit && exchange.outcome.ttl < 0)
            exchange.outcome.x_cache = cache::XCache::stale;
    }
}

net::Task<void> answer_from_entry(Client& client, cache::Stored entry) {
    Exchange& exchange = client.exchange();
    ResponseSender sender(client);
    std::string lines;
    std::string_view body = entry->body;
    int status = entry->status;
    std::string_view head = entry->head;
    const bool get = exchange.request.method == http::Method::get;
    if (cache::evaluate_preconditions(exchange.request, *entry, wall_now()) ==
        cache::Precondition::not_modified) {
        append_not_modified_head(*entry, lines);
        status = 304;
        head = lines;
        body = {};
    } else if (get && status == 200 && exchange.request.fields.has(http::FieldId::range)) {
        const cache::RangeDecision range = cache::decide_range(exchange.request, *entry);
        const std::string size_text = std::to_string(entry->body.size());
        if (range.verdict == cache::RangeVerdict::partial) {
            body = body.substr(static_cast<std::size_t>(range.range.first),
                               static_cast<std::size_t>(range.range.last - range.range.first + 1));
            status = 206;
            append_partial_head(*entry, status,
                                "bytes " + std::to_string(range.range.first) + "-" +
                                    std::to_string(range.range.last) + "/" + size_text,
                                body.size(), lines);
            head = lines;
        } else if (range.verdict == cache::RangeVerdict::unsatisfiable) {
            body = {};
            status = 416;
            append_partial_head(*entry, status, "bytes */" + size_text, 0, lines);
            head = lines;
        }
    }
    sender.set_head(head, status, body.size(), true);
    const bool sent = co_await sender.body(body, true);
    static_cast<void>(sent);
}

bool answer_read_at_once(Client& client) {
    Exchange& exchange = client.exchange();
    const ReadPlan plan = make_read_plan(exchange.request, *exchange.match.route);
    const store::MemoryHit hit = client.services.memory.find(
        exchange.key, exchange.request, plan.with_host, plan.route->rules, exchange.began);
    if (!hit.entry) return false;
    const WallTime now = wall_now();
    if (cache::decide_reuse(*hit.entry, plan.directives, plan.personal, hit.soft_purged, now) !=
        cache::Verdict::serve)
        return false;
    if (!cache::accepts_coding(exchange.request, *hit.entry)) return false;
    if (has_condition_or_range(exchange.request)) return false;

    const cache::StoredResponse& entry = *hit.entry;
    show_hit(exchange, entry, cache::XCache::hit, cache::Detail::none, now);
    const settings::Headers& headers = client.settings().headers;
    std::string& text = exchange.text;
    text.clear();
    if (headers.via) text += "Via: 1.1 larder\r\n";
    append_outcome(text, exchange.outcome, headers, exchange.key);
    exchange.keep_alive =
        exchange.keep_alive && exchange.request.keep_alive && !client.services.draining;
    if (!exchange.keep_alive) {
        text += "Connection: close\r\n";
    } else if (exchange.request.minor_version == 0) {
        text += "Connection: keep-alive\r\n";
    }
    text += "\r\n";
    const std::string_view body = exchange.request.method == http::Method::head
                                      ? std::string_view{}
                                      : std::string_view(entry.body);
    std::array<iovec, 3> pieces{iovec{const_cast<char*>(entry.head.data()), entry.head.size()},
                                iovec{text.data(), text.size()},
                                iovec{const_cast<char*>(body.data()), body.size()}};
    const std::size_t size = entry.head.size() + text.size() + body.size();
    exchange.status = entry.status;
    exchange.bytes_out = size;
    exchange.answered = true;
    const net::IoResult result = client.stream.try_write(pieces.data(), pieces.size());
    if (result.kind == net::IoResult::Kind::done && result.bytes == size) return true;
    if (result.kind == net::IoResult::Kind::failed) {
        exchange.keep_alive = false;
        return true;
    }
    exchange.rest_of = hit.entry;
    exchange.rest_sent = result.bytes;
    return true;
}

}  // namespace larder::flow
