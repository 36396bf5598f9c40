#include "cache/validation.hpp"

#include <algorithm>

#include "cache/client_head.hpp"
#include "cache/storable.hpp"
#include "cache/stored_head.hpp"
#include "http/etag.hpp"
#include "http/hop_by_hop.hpp"
#include "http/http_date.hpp"

// RFC 9111, 4.3: validating a stored response with the origin.
namespace larder::cache {
namespace {

using http::Field;
using http::FieldId;

std::string_view reason_phrase(std::string_view head) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    return line.size() > 13 ? line.substr(13) : std::string_view{};
}

// Whether a line of the newer response replaces the stored ones of its name (RFC 9111, 3.2). The
// body stays as it is, so what describes its bytes stays too.
bool updates(const Field& line, const http::ConnectionOptions& connection) {
    switch (line.id) {
        case FieldId::content_length:
        case FieldId::content_encoding:
        case FieldId::content_range:
        case FieldId::age:
        case FieldId::x_cache:
            return false;
        default:
            return !http::is_hop_by_hop(line.id) && !http::is_proxy_specific(line) &&
                   !connection.names(line);
    }
}

// The stored lines, updated by the newer ones: the newer lines of a name stand in the place of its
// first stored line, and new names stand at the end. Sorting keeps this within O(n log n) whatever
// the fields.
std::vector<Field> merge_fields(const std::vector<Field>& stored, const std::vector<Field>& newer) {
    const auto less = [](const Field& a, const Field& b) {
        return std::lexicographical_compare(
            a.name.begin(), a.name.end(), b.name.begin(), b.name.end(),
            [](char x, char y) { return to_lower(x) < to_lower(y); });
    };
    std::vector<Field> sorted = newer;
    std::stable_sort(sorted.begin(), sorted.end(), less);
    std::vector<bool> placed(sorted.size());
    std::vector<Field> out;
    for (const Field& line : stored) {
        const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), line, less);
        if (first == last) {
            out.push_back(line);
            continue;
        }
        const auto index = static_cast<std::size_t>(first - sorted.begin());
        if (placed[index]) continue;
        placed[index] = true;
        out.insert(out.end(), first, last);
    }
    for (const Field& line : newer) {
        const auto first = std::lower_bound(sorted.begin(), sorted.end(), line, less);
        if (!placed[static_cast<std::size_t>(first - sorted.begin())]) out.push_back(line);
    }
    return out;
}

// Whether the 304 is about the stored response (4.3.4). larder asked with the validators of that
// response alone, so a 304 without a validator is about it.
bool selects(const StoredResponse& stored, const http::Fields& fields) {
    const http::EntityTag tag = http::parse_entity_tag(fields.value(FieldId::etag));
    const std::string_view etag = origin_etag(stored);
    if (!tag.opaque.empty() && !etag.empty()) {
        const http::EntityTag stored_tag = http::parse_entity_tag(etag);
        return tag.weak ? http::weakly_equal(tag, stored_tag)
                        : http::strongly_equal(tag, stored_tag);
    }
    const std::string_view modified = fields.value(FieldId::last_modified);
    return modified.empty() || stored.last_modified().empty() || modified == stored.last_modified();
}

// Whether conditional_fields has a validator to send. Without one, the origin was asked
// unconditionally, and its answer confirms nothing.
bool can_be_confirmed(const StoredResponse& stored) {
    if (stored.status() != 200 && stored.status() != 203) return false;
    return !origin_etag(stored).empty() || !stored.last_modified().empty();
}

// Whether the answer names a validator that the stored response has (RFC 9111, 4.3.5). A length
// alone proves nothing: two representations may have the same length.
bool names_same_validator(const StoredResponse& stored, const http::Fields& fields) {
    const http::EntityTag tag = http::parse_entity_tag(fields.value(FieldId::etag));
    if (!tag.opaque.empty() && fields.value(FieldId::etag) == origin_etag(stored)) return true;
    const std::string_view modified = fields.value(FieldId::last_modified);
    return !modified.empty() && modified == stored.last_modified();
}

std::unique_ptr<Draft> merge(const StoredResponse& stored, const http::RequestHead& request,
                             const http::ResponseHead& newer, const settings::Route& rule,
                             Detail personal_reason, WallTime requested_at, WallTime received_at,
                             Detail& reason) {
    const http::ConnectionOptions connection = http::parse_connection(newer.fields);
    std::vector<Field> updating;
    for (const Field& line : newer.fields)
        if (updates(line, connection)) updating.push_back(line);
    const std::string date = http::format_http_date(http::whole_second(received_at));
    if (!newer.fields.has(FieldId::date)) updating.push_back({"Date", date, FieldId::date});

    std::vector<Field> kept;
    origin_fields(stored, kept);
    std::vector<Field> merged = merge_fields(kept, updating);
    // The Age of the newer response counts for the freshness; append_stored_head drops it again.
    for (const Field& line : newer.fields)
        if (line.id == FieldId::age) merged.push_back(line);

    http::ResponseHead head;
    head.status = stored.status();
    head.reason = reason_phrase(stored.head());
    head.fields = http::Fields(merged);
    StoreDecision decision =
        decide_storable(request, head, rule, personal_reason, requested_at, received_at);
    reason = decision.reason;
    if (reason != Detail::none) return nullptr;

    auto out = std::make_unique<Draft>();
    out->status = stored.status();
    out->freshness = decision.freshness;
    out->vary = std::move(decision.vary);
    append_stored_head(head, decision.omit, rule.strip, stored.body().size(), received_at,
                       out->head);
    index_stored_head(*out);
    out->body = stored.copy_body();
    out->target = stored.target();
    out->variant = stored.variant();
    out->tags = stored.tags().to_ids();
    out->response_tags = stored.response_tags().to_ids();
    out->soft_id = stored.soft_id();
    rewrite_for_clients(*out, rule);
    note_left_out(*out, head.fields, decision.omit, rule.strip);
    return out;
}

}  // namespace

std::string conditional_fields(const StoredResponse& stored) {
    std::string out;
    if (!can_be_confirmed(stored)) return out;
    const std::string_view etag = origin_etag(stored);
    if (!etag.empty()) out.append("If-None-Match: ").append(etag).append("\r\n");
    if (!stored.last_modified().empty())
        out.append("If-Modified-Since: ").append(stored.last_modified()).append("\r\n");
    return out;
}

std::unique_ptr<Draft> freshen(const StoredResponse& stored, const http::RequestHead& request,
                               const http::ResponseHead& not_modified, const settings::Route& rule,
                               Detail personal_reason, WallTime requested_at, WallTime received_at,
                               Detail& reason) {
    reason = Detail::none;
    if (!can_be_confirmed(stored) || !selects(stored, not_modified.fields)) return nullptr;
    return merge(stored, request, not_modified, rule, personal_reason, requested_at, received_at,
                 reason);
}

std::unique_ptr<Draft> freshen_from_head(const StoredResponse& stored,
                                         const http::RequestHead& request,
                                         const http::ResponseHead& response,
                                         const settings::Route& rule, Detail personal_reason,
                                         WallTime requested_at, WallTime received_at,
                                         Detail& reason) {
    reason = Detail::none;
    const auto contradicts = [&](FieldId id, std::string_view stored_value) {
        const Field* line = response.fields.first(id);
        return line && line->value != stored_value;
    };
    if (response.status != stored.status() || !names_same_validator(stored, response.fields) ||
        contradicts(FieldId::etag, origin_etag(stored)) ||
        contradicts(FieldId::last_modified, stored.last_modified()) ||
        contradicts(FieldId::content_encoding, stored.content_encoding()) ||
        contradicts(FieldId::content_length, std::to_string(stored.body().size())))
        return nullptr;
    return merge(stored, request, response, rule, personal_reason, requested_at, received_at,
                 reason);
}

}  // namespace larder::cache
