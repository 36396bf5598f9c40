#include "store/memory_store.hpp"

#include <doctest/doctest.h>

#include "cache/decisions.hpp"
#include "unit/support/allocation_count.hpp"
#include "unit/support/heads.hpp"

namespace larder::store {
namespace {

using test::Request;
constexpr std::size_t megabyte = 1 << 20;
constexpr std::string_view get = "GET /a\nHost: a.example\nAccept-Language: de";

struct Tier {
    explicit Tier(std::size_t bytes = megabyte) : store(bytes, generations) { store.trust_until(SteadyTime::max()); }

    cache::Stored put(std::string_view key, std::string_view request_text, std::vector<std::string> vary = {}, std::string body = "body",
                      std::vector<std::uint32_t> more_guards = {}) {
        const Request request(request_text);
        boost::intrusive_ptr<cache::StoredResponse> entry(new cache::StoredResponse);
        entry->body = std::move(body);
        entry->vary = std::move(vary);
        cache::build_variant(request, entry->vary, true, entry->variant);
        entry->guards = guard_slots(key, key.find('?') == key.npos ? key.size() : key.find('?'), {});
        entry->guards.insert(entry->guards.end(), more_guards.begin(), more_guards.end());
        entry->sequence = generations.now();
        last_kept = store.insert(key, entry);
        return entry;
    }
    MemoryHit find(std::string_view key, std::string_view request_text = get, SteadyTime now = SteadyTime()) const {
        const Request request(request_text);
        return store.find(key, request, true, now);
    }

    Generations generations;
    MemoryStore store;
    bool last_kept = false;
};

TEST_CASE("an entry is found under its key and Host, without allocating") {
    Tier tier;
    const cache::Stored entry = tier.put("articles:42", "GET /a\nHost: a-rather-long-host-name.example");
    const Request same("GET /a\nHost: A-Rather-Long-Host-Name.example");
    CHECK(tier.store.find("articles:42", same, true, SteadyTime()).entry == entry);
    const std::size_t before = test::allocations();
    CHECK(tier.store.find("articles:42", same, true, SteadyTime()).entry == entry);
    CHECK(test::allocations() == before);
    CHECK_FALSE(tier.find("articles:42", "GET /a\nHost: b.example").entry);
    CHECK_FALSE(tier.find("articles:4", "GET /a\nHost: a-rather-long-host-name.example").entry);
}

TEST_CASE("without proof of honesty nothing is found") {
    Tier tier;
    const cache::Stored entry = tier.put("k", get);
    const SteadyTime now{Seconds(100)};
    tier.store.trust_until(now);
    CHECK_FALSE(tier.find("k", get, now).entry);
    CHECK(tier.find("k", get, now - Milliseconds(1)).entry == entry);
    CHECK(tier.store.variants("k", now).empty());
    tier.store.distrust();
    CHECK_FALSE(tier.find("k", get, now - Milliseconds(1)).entry);
    tier.store.trust_until(SteadyTime::max());
    CHECK_FALSE(tier.find("k", get, now - Milliseconds(1)).entry);
}

TEST_CASE("a retired tier serves nothing, whoever trusts it, and comes back empty") {
    Tier tier;
    tier.put("k", get);
    tier.store.retire();
    tier.store.trust_until(SteadyTime::max());
    tier.store.distrust();
    CHECK(tier.store.is_retired());
    const cache::Stored during = tier.put("k", get);
    CHECK_FALSE(tier.find("k").entry);
    tier.store.end_retirement();
    CHECK_FALSE(tier.store.is_retired());
    CHECK_FALSE(tier.store.insert("k", during));
    tier.store.trust_until(SteadyTime::max());
    CHECK_FALSE(tier.find("k").entry);
    const cache::Stored after = tier.put("k", get);
    CHECK(tier.find("k").entry == after);
}

TEST_CASE("each purge takes out what it is about") {
    constexpr std::uint32_t tag = 12345;
    Tier tier;
    struct Row {
        const char* what;
        void (*purge)(Tier&);
        bool found;
        bool soft;
    };
    const Row rows[] = {
        {"nothing", [](Tier&) {}, true, false},
        {"its key", [](Tier& t) { t.generations.purge(Generations::slot_of_key("k?a=1")); }, false, false},
        {"the key it extends", [](Tier& t) { t.generations.purge(Generations::slot_of_extensions("k")); }, false, false},
        {"another key", [](Tier& t) { t.generations.purge(Generations::slot_of_key("k?a=2")); }, true, false},
        {"a tag", [](Tier& t) { t.generations.purge(tag); }, false, false},
        {"all", [](Tier& t) { t.generations.purge_all(); }, false, false},
        {"softly", [](Tier& t) { t.generations.purge_soft(tag); }, true, true},
        {"a change Redis told of", [](Tier& t) { t.generations.note_change(tag); }, false, false},
        {"removed", [](Tier& t) { CHECK(t.store.remove("k?a=1")); }, false, false},
        {"removed by pattern", [](Tier& t) { CHECK(t.store.remove_matching("k*1") == 1); }, false, false},
        {"another pattern", [](Tier& t) { CHECK(t.store.remove_matching("k*2") == 0); }, true, false},
        {"softly by pattern", [](Tier& t) { t.store.purge_matching_softly("k*"); }, true, true},
        {"softly by another pattern", [](Tier& t) { t.store.purge_matching_softly("l*"); }, true, false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.what);
        tier.put("k?a=1", get, {}, "body", {tag});
        row.purge(tier);
        const MemoryHit hit = tier.find("k?a=1");
        CHECK((hit.entry != nullptr) == row.found);
        CHECK(hit.soft_purged == row.soft);
        tier.put("k?a=1", get);
        CHECK(tier.find("k?a=1").entry);
    }
}

TEST_CASE("what began before a purge is not taken") {
    Tier tier;
    const std::uint64_t before = tier.generations.now();
    boost::intrusive_ptr<cache::StoredResponse> older(new cache::StoredResponse);
    older->guards = guard_slots("k", 1, {});
    older->sequence = before;
    SUBCASE("of its key") {
        tier.generations.purge(Generations::slot_of_key("k"));
        CHECK_FALSE(tier.store.insert("k", older));
    }
    SUBCASE("of keys that are looked for") {
        tier.generations.begin_scan();
        CHECK_FALSE(tier.store.insert("k", older));
    }
    tier.put("k", get);
    CHECK(tier.last_kept);
}

TEST_CASE("variants stand beside each other, the newest first") {
    Tier tier;
    const cache::Stored german = tier.put("k", get, {"accept-language"});
    CHECK(tier.find("k").entry == german);
    const MemoryHit other = tier.find("k", "GET /a\nHost: a.example\nAccept-Language: fr");
    CHECK_FALSE(other.entry);
    CHECK(other.other_variant);
    const cache::Stored newer = tier.put("k", get, {"accept-language"});
    CHECK(tier.find("k").entry == newer);
    CHECK(tier.store.entries() == 1);
    CHECK(tier.store.variants("k", SteadyTime()).size() == 1);
}

TEST_CASE("the budget holds") {
    Tier tier;
    for (int i = 0; i < 2000; ++i) tier.put("k" + std::to_string(i), get, {}, std::string(2000, 'x'));
    CHECK(tier.store.bytes() <= megabyte);
    CHECK(tier.store.entries() > 100);
    CHECK(tier.store.evictions() > 1000);
    tier.put("large", get, {}, std::string(2 * megabyte, 'x'));
    CHECK_FALSE(tier.last_kept);
    Tier nothing(0);
    nothing.put("k", get);
    CHECK_FALSE(nothing.last_kept);
}

}  // namespace
}  // namespace larder::store
