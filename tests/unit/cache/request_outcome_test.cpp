#include "cache/request_outcome.hpp"

#include <doctest/doctest.h>

#include "unit/support/allocation_count.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {

std::string fields_of(const Outcome& outcome, const settings::Headers& headers = {},
                      std::string_view key = {}) {
    std::string out;
    outcome.append_fields(headers, key, Outcome::AgeField::shown, out);
    return out;
}

/// "HIT; hit; ttl=42": X-Cache, then larder's member of Cache-Status; "Age=3" in front where sent.
std::string shown(const Outcome& outcome) {
    const std::string text = fields_of(outcome);
    const auto value = [&](std::string_view name) -> std::string {
        const std::size_t at = text.find(name);
        if (at == std::string::npos) return {};
        const std::size_t begin = at + name.size();
        return text.substr(begin, text.find("\r\n", begin) - begin);
    };
    const std::string age = value("Age: ");
    return (age.empty() ? "" : "Age=" + age + " ") + value("X-Cache: ") + " | " +
           value("Cache-Status: larder; ");
}

/// Stored at noon for a minute, after an exchange of half a second.
Stored minute_entry() {
    const auto entry = draft("200 OK\nCache-Control: max-age=60\nETag: \"a\"");
    entry->freshness.requested_at = entry->freshness.received_at - Milliseconds(500);
    return make_stored(*entry);
}

struct Row {
    const char* situation;
    Outcome outcome;
    const char* expected;
};

void check(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        CAPTURE(std::string(row.situation));
        CHECK(shown(row.outcome) == row.expected);
    }
}

MissedRead with(bool MissedRead::*what) {
    MissedRead read;
    read.*what = true;
    return read;
}

FetchedResult not_stored(Detail why) {
    FetchedResult result;
    result.not_stored = why;
    return result;
}

}  // namespace

TEST_CASE("what comes from the cache is a hit, with the ttl that is left") {
    const auto entry = minute_entry();
    check({
        {"fresh", Outcome::hit(*entry, noon + 18s), "Age=18 HIT | hit; ttl=42"},
        {"max-stale of the client", Outcome::hit(*entry, noon + 63s), "Age=63 STALE | hit; ttl=-3"},
        {"refreshed meanwhile", Outcome::updating(*entry, false, noon + 63s),
         "Age=63 UPDATING | hit; ttl=-3; detail=revalidating"},
        {"purged softly", Outcome::updating(*entry, true, noon + 18s),
         "Age=18 UPDATING | hit; ttl=-1; detail=revalidating"},
        {"purged softly, expired too", Outcome::updating(*entry, true, noon + 63s),
         "Age=63 UPDATING | hit; ttl=-3; detail=revalidating"},
        {"purged softly, and the origin failed", Outcome::stale(*entry, true, noon + 18s),
         "Age=18 STALE | hit; ttl=-1; detail=origin-error"},
        {"the origin failed", Outcome::stale(*entry, false, noon + 90s),
         "Age=90 STALE | hit; ttl=-30; detail=origin-error"},
    });
}

TEST_CASE("a fetched response says why it was fetched, and whether it is stored") {
    const FetchedResult stored;
    FetchedResult missed;
    missed.missed = Detail::redis_timeout;
    FetchedResult doubted;
    doubted.doubt = Detail::redis_down;
    FetchedResult of_head;
    of_head.get = false;
    of_head.status = 404;
    MissedRead joined_expired = with(&MissedRead::expired);
    joined_expired.joined = true;
    check({
        {"not there", Outcome::fetched({}, stored), "MISS | fwd=uri-miss; fwd-status=200; stored"},
        {"another variant", Outcome::fetched(with(&MissedRead::other_variant), stored),
         "MISS | fwd=vary-miss; fwd-status=200; stored"},
        {"expired", Outcome::fetched(with(&MissedRead::expired), stored),
         "EXPIRED | fwd=stale; fwd-status=200; stored"},
        {"joined", Outcome::fetched(with(&MissedRead::joined), stored),
         "MISS | fwd=uri-miss; fwd-status=200; stored; collapsed"},
        {"joined, expired", Outcome::fetched(joined_expired, stored),
         "EXPIRED | fwd=stale; fwd-status=200; stored; collapsed"},
        {"not stored", Outcome::fetched({}, not_stored(Detail::no_store)),
         "MISS | fwd=uri-miss; fwd-status=200; detail=no-store"},
        {"what Redis holds came too late", Outcome::fetched({}, missed),
         "MISS | fwd=uri-miss; fwd-status=200; stored; detail=redis-timeout"},
        {"Redis refused the last fill", Outcome::fetched({}, doubted),
         "MISS | fwd=uri-miss; fwd-status=200; detail=redis-down"},
        {"HEAD is not stored", Outcome::fetched({}, of_head),
         "MISS | fwd=uri-miss; fwd-status=404"},
    });
}

TEST_CASE("a fetch past the cache is a BYPASS") {
    MissedRead personal;
    personal.personal = Detail::cookie;
    MissedRead shadow_asked = with(&MissedRead::shadow);
    shadow_asked.asked = true;
    check({
        {"Redis is down", Outcome::fetched({}, not_stored(Detail::redis_down)),
         "BYPASS | fwd=bypass; detail=redis-down"},
        {"Redis is slow", Outcome::fetched({}, not_stored(Detail::redis_timeout)),
         "BYPASS | fwd=bypass; detail=redis-timeout"},
        {"credentials", Outcome::fetched(personal, not_stored(Detail::cookie)),
         "BYPASS | fwd=bypass; detail=cookie"},
        {"credentials, but another reason", Outcome::fetched(personal, not_stored(Detail::status)),
         "MISS | fwd=uri-miss; fwd-status=200; detail=status"},
        {"credentials, but marked as shared", Outcome::fetched(personal, {}),
         "MISS | fwd=uri-miss; fwd-status=200; stored"},
        {"the client asked", Outcome::fetched(with(&MissedRead::asked), {}),
         "BYPASS | fwd=request; stored"},
        {"shadow mode", Outcome::fetched(with(&MissedRead::shadow), {}),
         "BYPASS | fwd=bypass; detail=shadow"},
        {"shadow mode comes first", Outcome::fetched(shadow_asked, not_stored(Detail::no_store)),
         "BYPASS | fwd=bypass; detail=shadow"},
    });
}

TEST_CASE("an entry that a fetch brought is no hit") {
    const auto entry = minute_entry();
    const MissedRead expired = with(&MissedRead::expired);
    MissedRead joined = expired;
    joined.joined = true;
    MissedRead asked = expired;
    asked.asked = true;
    const WallTime now = noon + 2s;
    check({
        {"confirmed", Outcome::revalidated(expired, *entry, Detail::none, now),
         "Age=2 REVALIDATED | fwd=stale; fwd-status=304; stored"},
        {"confirmed for one who joined", Outcome::revalidated(joined, *entry, Detail::none, now),
         "Age=2 REVALIDATED | fwd=stale; fwd-status=304; stored; collapsed"},
        {"confirmed, but purged meanwhile",
         Outcome::revalidated(expired, *entry, Detail::purged_during_fetch, now),
         "Age=2 REVALIDATED | fwd=stale; fwd-status=304; detail=purged-during-fetch"},
        {"the client asked", Outcome::revalidated(asked, *entry, Detail::none, now),
         "Age=2 BYPASS | fwd=request; stored"},
        {"HEAD brought it up to date", Outcome::updated(*entry, Detail::none, now),
         "Age=2 EXPIRED | fwd=stale; fwd-status=200; stored"},
        {"HEAD, not stored", Outcome::updated(*entry, Detail::redis_down, now),
         "Age=2 EXPIRED | fwd=stale; fwd-status=200; detail=redis-down"},
        {"another instance fetched it", Outcome::fetched_elsewhere({}, *entry, now),
         "Age=2 MISS | fwd=uri-miss; collapsed"},
        {"another instance refreshed it", Outcome::fetched_elsewhere(expired, *entry, now),
         "Age=2 EXPIRED | fwd=stale; collapsed"},
        {"asked, and another instance fetched", Outcome::fetched_elsewhere(asked, *entry, now),
         "Age=2 BYPASS | fwd=request; collapsed"},
    });
}

TEST_CASE("what passes by the cache says why, a write by its method") {
    using http::Method;
    check({
        {"nothing decided", Outcome(), "BYPASS | fwd=bypass"},
        {"Redis is down", Outcome::bypass(Detail::redis_down),
         "BYPASS | fwd=bypass; detail=redis-down"},
        {"no route", Outcome::passed(Method::get, Detail::no_route),
         "BYPASS | fwd=bypass; detail=no-route"},
        {"HEAD", Outcome::passed(Method::head, Detail::pass), "BYPASS | fwd=bypass; detail=pass"},
        {"a write", Outcome::passed(Method::post, Detail::no_route), "BYPASS | fwd=method"},
        {"the origin's status is the response's own",
         Outcome::passed(Method::get, Detail::pass).forwarded(200),
         "BYPASS | fwd=bypass; detail=pass"},
        {"a write that was answered", Outcome::method().forwarded(201), "BYPASS | fwd=method"},
        {"a write that Redis has not acknowledged", Outcome::method().forwarded(201).purge_owed(),
         "BYPASS | fwd=method; detail=redis-down"},
    });
}

TEST_CASE("an error keeps what was known and says its own reason") {
    const MissedRead expired = with(&MissedRead::expired);
    check({
        {"only-if-cached", Outcome::missed({}).error(Detail::only_if_cached),
         "MISS | fwd=uri-miss; detail=only-if-cached"},
        {"only-if-cached, another variant",
         Outcome::missed(with(&MissedRead::other_variant)).error(Detail::only_if_cached),
         "MISS | fwd=vary-miss; detail=only-if-cached"},
        {"the origin is down", Outcome::fetch_failed({}, Detail::origin_error),
         "MISS | fwd=uri-miss; detail=origin-error"},
        {"the origin is slow", Outcome::fetch_failed(expired, Detail::origin_timeout),
         "EXPIRED | fwd=stale; detail=origin-timeout"},
        {"a purge that cannot be done", Outcome::method().error(Detail::purge_failed),
         "BYPASS | fwd=method; detail=purge-failed"},
        {"a broken request", Outcome().error(Detail::bad_request),
         "BYPASS | fwd=bypass; detail=bad-request"},
        {"a pass through a known uncacheable",
         Outcome::missed({}).kept_out(Detail::uncacheable).forwarded(200),
         "MISS | fwd=uri-miss; fwd-status=200; detail=uncacheable"},
        {"a stalled client", Outcome::fetched({}, {}).client_stalled(),
         "MISS | fwd=uri-miss; fwd-status=200; stored; detail=client-timeout"},
    });
}

TEST_CASE("metrics learn what was saved, shared and not stored") {
    const auto entry = minute_entry();
    const MissedRead joined = with(&MissedRead::joined);
    CHECK(Outcome::hit(*entry, noon).saved() == 500ms);
    CHECK(Outcome::stale(*entry, false, noon).saved() == 500ms);
    CHECK(Outcome::revalidated({}, *entry, Detail::none, noon).saved() == 0ms);
    CHECK(Outcome::hit(*entry, noon + 7s).age() == 7);
    CHECK(Outcome::fetched({}, {}).age() == -1);
    CHECK(Outcome::fetched(joined, {}).coalesced());
    CHECK(Outcome::fetched_elsewhere({}, *entry, noon).coalesced());
    CHECK(Outcome::fetch_failed(joined, Detail::origin_error).coalesced());
    CHECK_FALSE(Outcome::hit(*entry, noon).coalesced());
    CHECK(Outcome::fetched({}, not_stored(Detail::vary_star)).not_stored() == Detail::vary_star);
    CHECK(Outcome::missed({}).kept_out(Detail::cookie).not_stored() == Detail::cookie);
    CHECK(Outcome::missed({}).kept_out(Detail::cookie).error(Detail::limit).not_stored() ==
          Detail::cookie);
}

TEST_CASE("the configuration says which fields are sent") {
    const auto entry = minute_entry();
    const Outcome hit = Outcome::hit(*entry, noon);
    settings::Headers headers;
    headers.cache_key = true;
    CHECK(fields_of(hit, headers, "a\"b\\c\x01") ==
          "Age: 0\r\nX-Cache: HIT\r\nCache-Status: larder; hit; ttl=60; key=\"a\\\"b\\\\c\"\r\n");
    CHECK(fields_of(hit, headers) ==
          "Age: 0\r\nX-Cache: HIT\r\nCache-Status: larder; hit; ttl=60\r\n");
    headers.x_cache = false;
    CHECK(fields_of(hit, headers) == "Age: 0\r\nCache-Status: larder; hit; ttl=60\r\n");
    headers.cache_status = false;
    CHECK(fields_of(hit, headers) == "Age: 0\r\n");
}

TEST_CASE("a hit is shown without an allocation") {
    const auto entry = minute_entry();
    std::string out;
    out.reserve(200);
    const std::size_t before = allocations();
    Outcome::hit(*entry, noon + 5s).append_fields({}, "articles:42", Outcome::AgeField::shown, out);
    CHECK(allocations() == before);
}
