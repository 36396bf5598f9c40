#include "cache/preconditions.hpp"

#include <optional>
#include <vector>

#include "cache/stored_head.hpp"
#include "http/etag.hpp"
#include "http/http_date.hpp"

namespace larder::cache {
namespace {

using http::Field;
using http::FieldId;

bool is_not_modified_since(std::string_view since, std::string_view modified,
                           std::optional<http::HttpTime> stand_in, WallTime now) {
    if (!modified.empty() && since == modified) return true;
    const auto limit = http::parse_http_date(since, now);
    if (!limit) return false;
    const auto last = modified.empty() ? stand_in : http::parse_http_date(modified, now);
    return last && *last <= *limit;
}

Precondition evaluate(const http::RequestHead& request, std::string_view etag,
                      std::string_view last_modified, std::optional<http::HttpTime> date,
                      WallTime now) {
    bool has_none_match = false;
    bool listed = false;
    std::size_t since_lines = 0;
    std::string_view since;
    for (const Field& line : request.fields) {
        if (line.id == FieldId::if_none_match) {
            has_none_match = true;
            listed = listed || http::none_match_lists(line.value, http::parse_entity_tag(etag));
        }
        if (line.id == FieldId::if_modified_since) {
            ++since_lines;
            since = line.value;
        }
    }
    // QUERY has conditions as GET has (RFC 10008).
    if (request.method != http::Method::get && request.method != http::Method::head &&
        request.method != http::Method::query)
        return Precondition::pass;
    if (has_none_match) return listed ? Precondition::not_modified : Precondition::pass;
    const bool unmodified =
        since_lines == 1 && is_not_modified_since(since, last_modified, date, now);
    return unmodified ? Precondition::not_modified : Precondition::pass;
}

}  // namespace

Precondition evaluate_preconditions(const http::RequestHead& request, std::string_view etag,
                                    std::string_view last_modified) {
    // Only a two-digit year needs `now`. The representation's own time is near enough to decide the
    // century.
    const WallTime about =
        http::parse_http_date(last_modified, WallTime{}).value_or(http::HttpTime{});
    return evaluate(request, etag, last_modified, std::nullopt, about);
}

Precondition evaluate_preconditions(const http::RequestHead& request, const ResponseFacts& response,
                                    WallTime now) {
    if (response.status != 200) return Precondition::pass;
    std::optional<http::HttpTime> date;
    if (response.last_modified.empty() && !response.head.empty() &&
        request.fields.has(FieldId::if_modified_since)) {
        std::vector<Field> lines;
        parse_stored_head(response.head, lines);
        date = http::parse_http_date(http::Fields(lines).value(FieldId::date), now);
        if (!date) date = http::whole_second(response.received_at);
    }
    return evaluate(request, response.etag, response.last_modified, date, now);
}

}  // namespace larder::cache
