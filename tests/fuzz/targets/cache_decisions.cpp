#include <algorithm>

#include "cache/freshness.hpp"
#include "cache/invalidation.hpp"
#include "cache/origin_directives.hpp"
#include "cache/origin_tags.hpp"
#include "cache/personal.hpp"
#include "cache/preconditions.hpp"
#include "cache/ranges.hpp"
#include "cache/request_bypass.hpp"
#include "cache/request_directives.hpp"
#include "cache/reuse.hpp"
#include "cache/storable.hpp"
#include "cache/stored_head.hpp"
#include "cache/validation.hpp"
#include "cache/vary.hpp"
#include "fuzz/fuzz.hpp"
#include "http/head_parser.hpp"
#include "http/hop_by_hop.hpp"

namespace larder::fuzz {
namespace {

using cache::Detail;
using http::FieldId;

constexpr WallTime noon{std::chrono::seconds(784111777)};
constexpr http::HeadLimits limits{8192, 128, 4096};

/// A head from text with LF, through the real parser. Owns what the head looks at.
template <class Head>
struct Parsed {
    std::string bytes;
    http::HeadStorage storage;
    Head head;
    bool good = false;

    explicit Parsed(std::string_view text) : bytes(with_crlf(text) + "\r\n\r\n") {
        if constexpr (std::is_same_v<Head, http::RequestHead>) {
            good = http::parse_request_head(bytes, limits, storage, head).status ==
                   http::HeadStatus::complete;
        } else {
            good = http::parse_response_head(bytes, limits, false, storage, head).status ==
                   http::HeadStatus::complete;
        }
    }
};

settings::Route rule_of(unsigned bits, unsigned more) {
    settings::Route rule;
    rule.kind = settings::RouteKind::read;
    if (bits & 1) rule.ttl = std::chrono::seconds(60);
    if (bits & 2) rule.heuristic = 0.1;
    if (bits & 4) rule.stale_while_revalidate = std::chrono::seconds(30);
    if (bits & 8) rule.stale_if_error = std::chrono::seconds(30);
    if (bits & 16) rule.status_ttl.push_back({404, std::chrono::seconds(10)});
    if (bits & 32) rule.honour_client_no_cache = true;
    if (bits & 64) rule.strip.push_back("set-cookie");
    rule.ignore.cache_control = (more & 1) != 0;
    rule.ignore.set_cookie = (more & 2) != 0;
    rule.ignore.cookie = (more & 4) != 0;
    rule.ignore.authorization = (more & 8) != 0;
    rule.ignore.vary = (more & 16) != 0;
    return rule;
}

void check_stored_head(std::string_view head) {
    require(head.ends_with("\r\n") && head.find("\r\n\r\n") == std::string::npos,
            "a stored head is lines");
    std::vector<http::Field> lines;
    cache::parse_stored_head(head, lines);
    const auto ends = static_cast<std::size_t>(std::count(head.begin(), head.end(), '\n'));
    require(lines.size() + 1 == ends, "every line of a stored head is a field");
    for (const http::Field& line : lines) {
        require(!http::is_hop_by_hop(line.id) && !http::is_proxy_specific(line),
                "hop-by-hop fields are not stored");
        require(line.id != FieldId::age && line.id != FieldId::x_cache,
                "Age and X-Cache are written anew");
    }
    require(http::Fields(lines).count(FieldId::content_length) <= 1, "one Content-Length");
}

void check_allowed(const cache::StoreDecision& decision, const http::ResponseHead& response,
                   const settings::Route& rule, Detail personal) {
    const cache::OriginDirectives origin = cache::read_origin_directives(response.fields, rule);
    require(!origin.control.no_store && !origin.control.private_,
            "no-store and private are not stored");
    require(personal == Detail::none || origin.shared(),
            "what is personal is stored only where it is marked as shared");
    require(response.status != 206 && response.status != 304 && response.status >= 200,
            "no part, no 304, no 1xx is stored");
    const bool cookie_goes =
        rule.ignore.set_cookie || !rule.strip.empty() ||
        std::find(decision.omit.begin(), decision.omit.end(), "set-cookie") != decision.omit.end();
    require(cookie_goes || !response.fields.has(FieldId::set_cookie), "Set-Cookie is not stored");
    require(std::is_sorted(decision.vary.begin(), decision.vary.end()),
            "the names of Vary are sorted");
    require(std::find(decision.vary.begin(), decision.vary.end(), "*") == decision.vary.end(),
            "Vary: * is not stored");
}

cache::Stored make_stored(const cache::StoreDecision& decision, const http::ResponseHead& response,
                          const settings::Route& rule) {
    cache::Draft draft;
    draft.status = response.status;
    draft.freshness = decision.freshness;
    draft.vary = decision.vary;
    draft.body = "meow";
    cache::append_stored_head(response, decision.omit, rule.strip, draft.body.size(), noon,
                              draft.head);
    cache::index_stored_head(draft);
    check_stored_head(draft.head);
    return cache::make_stored(draft);
}

void check_reuse(const cache::StoredResponse& stored, const http::RequestHead& request,
                 const settings::Route& rule, Detail personal) {
    const cache::RequestDirectives directives = cache::request_directives(request, rule);
    for (const int later : {0, 1, 59, 60, 3600}) {
        const WallTime now = noon + std::chrono::seconds(later);
        const cache::Verdict verdict =
            cache::decide_reuse(stored, directives, personal, false, now);
        require(cache::current_age(stored.freshness(), now).count() >= 0, "an age is not negative");
        if (verdict != cache::Verdict::serve) continue;
        const bool fresh = cache::remaining_lifetime(stored.freshness(), now).count() > 0;
        require(fresh || directives.max_stale, "what is stale is not served as fresh");
        require(personal == Detail::none || stored.shared(),
                "a personal request gets what is shared only");
        require(!stored.freshness().no_cache, "no-cache is not served unvalidated");
    }
    cache::may_serve_on_error(stored, directives, false, noon + std::chrono::seconds(70));
    const cache::RangeDecision range = cache::decide_range(request, stored);
    if (range.verdict == cache::RangeVerdict::partial)
        require(range.range.first <= range.range.last && range.range.last < stored.body().size(),
                "a range lies in the body");
    cache::evaluate_preconditions(request, stored, noon);
    cache::accepts_coding(request, stored);
    std::string variant;
    cache::build_variant(request, stored.vary(), true, variant);
    for (const char c : variant) require(c >= ' ' && c < 0x7f, "a variant is printable");
    const std::string conditions = cache::conditional_fields(stored);
    require(conditions.empty() || conditions.ends_with("\r\n"), "conditions are lines");
}

}  // namespace

// A rule, a request, its response and a second response to it, through every decision of the cache.
void cache_decisions(std::string_view input) {
    const unsigned bits = take_byte(input);
    const settings::Route rule = rule_of(bits, take_byte(input));
    const Parsed<http::RequestHead> request(take_until(input, "\n\n"));
    const Parsed<http::ResponseHead> response(take_until(input, "\n\n"));
    const Parsed<http::ResponseHead> second(take_until(input, "\n\n"));
    if (!request.good || !response.good) return;

    cache::request_bypass(request.head);
    const Detail personal = cache::personal(request.head, rule, {});
    std::vector<std::string> tags;
    cache::collect_origin_tags(response.head, settings::Settings().tag_headers, tags);
    cache::collect_invalidated_groups(response.head, tags);
    for (const std::string& target : cache::related_targets(request.head, response.head))
        require(target.starts_with('/'), "related targets are in origin-form");

    const cache::StoreDecision decision =
        cache::decide_storable(request.head, response.head, rule, personal, noon, noon);
    if (decision.reason != Detail::none) return;
    check_allowed(decision, response.head, rule, personal);
    const auto stored = make_stored(decision, response.head, rule);
    check_reuse(*stored, request.head, rule, personal);
    if (!second.good) return;

    Detail reason = Detail::none;
    const WallTime later = noon + std::chrono::seconds(61);
    const auto fresh =
        cache::freshen(*stored, request.head, second.head, rule, personal, later, later, reason);
    const auto by_head = cache::freshen_from_head(*stored, request.head, second.head, rule,
                                                  personal, later, later, reason);
    for (const auto* result : {fresh.get(), by_head.get()}) {
        if (!result) continue;
        check_stored_head(result->head);
        require(result->body == stored->body() && result->status == stored->status(),
                "a validation changes no body");
    }
}

}  // namespace larder::fuzz
