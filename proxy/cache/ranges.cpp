#include "cache/ranges.hpp"

#include <algorithm>

#include "cache/stored_head.hpp"
#include "http/etag.hpp"
#include "http/http_date.hpp"
#include "http/range.hpp"

// RFC 9110, 13.1.5 and 14.
namespace larder::cache {
namespace {

using http::FieldId;

bool if_range_allows(std::string_view condition, std::string_view etag,
                     std::string_view last_modified) {
    const bool is_tag = condition.starts_with('"') || condition.starts_with("W/");
    if (is_tag)
        return http::strongly_equal(http::parse_entity_tag(condition),
                                    http::parse_entity_tag(etag));
    return !condition.empty() && condition == last_modified;
}

// The satisfiable part of a range; nothing where it lies beyond the end.
std::optional<ByteRange> clip(const http::RangeSpec& spec, std::uint64_t size) {
    if (spec.is_suffix) {
        if (spec.first == 0 || size == 0) return std::nullopt;
        return ByteRange{size - std::min(spec.first, size), size - 1};
    }
    if (spec.first >= size) return std::nullopt;
    return ByteRange{spec.first, std::min(spec.last, size - 1)};
}

// Joins ranges that overlap or touch. True: one range is left, in `ranges.front()`.
bool coalesce(std::vector<ByteRange>& ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const ByteRange& a, const ByteRange& b) { return a.first < b.first; });
    ByteRange joined = ranges.front();
    for (const ByteRange& range : ranges) {
        if (range.first > joined.last + 1) return false;
        joined.last = std::max(joined.last, range.last);
    }
    ranges.front() = joined;
    return true;
}

// A suffix of an empty representation is satisfiable (RFC 9110, 14.1.2), but no 206 can say so.
bool asks_for_suffix(const std::vector<http::RangeSpec>& specs) {
    return std::any_of(specs.begin(), specs.end(),
                       [](const auto& spec) { return spec.is_suffix && spec.first > 0; });
}

}  // namespace

RangeDecision decide_range(const http::RequestHead& request, std::string_view etag,
                           std::string_view last_modified, std::uint64_t size) {
    if (request.method != http::Method::get) return {};
    const http::Field* range = nullptr;
    const http::Field* condition = nullptr;
    for (const http::Field& line : request.fields) {
        if (line.id == FieldId::range) {
            if (range) return {};  // Range is no list field: two lines are invalid
            range = &line;
        }
        if (line.id == FieldId::if_range) condition = &line;
    }
    if (!range || (condition && !if_range_allows(condition->value, etag, last_modified))) return {};
    const auto specs = http::parse_byte_ranges(range->value);
    if (!specs) return {};
    std::vector<ByteRange> ranges;
    for (const http::RangeSpec& spec : *specs)
        if (const auto clipped = clip(spec, size)) ranges.push_back(*clipped);
    if (ranges.empty()) {
        if (size == 0 && asks_for_suffix(*specs)) return {};
        return {RangeVerdict::unsatisfiable, {}};
    }
    if (!coalesce(ranges)) return {};
    return {RangeVerdict::partial, ranges.front()};
}

RangeDecision decide_range(const http::RequestHead& request, const ResponseFacts& response) {
    if (response.status != 200 || !response.length || request.method != http::Method::get ||
        !request.fields.has(FieldId::range))
        return {};
    std::string_view strong_date = response.last_modified;
    if (!response.head.empty() && !strong_date.empty() && request.fields.has(FieldId::if_range)) {
        std::vector<http::Field> lines;
        parse_stored_head(response.head, lines);
        const WallTime now = response.received_at;
        const auto date = http::parse_http_date(http::Fields(lines).value(FieldId::date), now);
        const auto modified = http::parse_http_date(strong_date, now);
        if (!date || !modified || *date - *modified < Seconds(1)) strong_date = {};
    }
    return decide_range(request, response.etag, strong_date, *response.length);
}

}  // namespace larder::cache
