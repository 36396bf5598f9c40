#include "store/memory_store.hpp"

#include <doctest/doctest.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cache/coded_form.hpp"
#include "cache/vary.hpp"
#include "store/memory_sweeper.hpp"
#include "unit/support/allocation_count.hpp"
#include "unit/support/heads.hpp"

namespace larder::store {
namespace {

using test::Request;
constexpr std::size_t megabyte = 1 << 20;
constexpr std::string_view get = "GET /a\nHost: a.example\nAccept-Language: de";

struct Tier {
    explicit Tier(std::size_t bytes = megabyte) : store(bytes, generations) {
        store.trust_until(SteadyTime::max());
    }

    cache::Stored put(std::string_view key, std::string_view request_text,
                      std::vector<std::string> vary = {}, std::string body = "body",
                      std::vector<std::uint32_t> more_guards = {}) {
        const Request request(request_text);
        cache::Draft draft;
        draft.key = key;
        draft.body = std::move(body);
        draft.vary = std::move(vary);
        cache::build_variant(request, draft.vary, true, draft.variant);
        draft.guards = guard_slots(key, key.find('?') == key.npos ? key.size() : key.find('?'), {});
        draft.guards.insert(draft.guards.end(), more_guards.begin(), more_guards.end());
        draft.sequence = generations.now();
        cache::Stored entry = cache::make_stored(draft);
        last_kept = store.insert(key, entry, {rules, draft.sequence, draft.guards.size()});
        return entry;
    }
    MemoryHit find(std::string_view key, std::string_view request_text = get,
                   SteadyTime now = SteadyTime()) const {
        const Request request(request_text);
        return store.find(key, request, true, rules, now);
    }
    void sweep() {
        Sweep walk = store.begin_sweep();
        while (store.sweep_some(walk)) {
        }
    }

    Generations generations;
    MemoryStore store;
    std::uint32_t rules = 1;
    bool last_kept = false;
};

TEST_CASE("an entry is found under its key and Host, without allocating") {
    Tier tier;
    const cache::Stored entry =
        tier.put("articles:42", "GET /a\nHost: a-rather-long-host-name.example");
    const Request same("GET /a\nHost: A-Rather-Long-Host-Name.example");
    CHECK(tier.store.find("articles:42", same, true, tier.rules, SteadyTime()).entry == entry);
    const std::size_t before = test::allocations();
    CHECK(tier.store.find("articles:42", same, true, tier.rules, SteadyTime()).entry == entry);
    CHECK(test::allocations() == before);
    CHECK_FALSE(tier.find("articles:42", "GET /a\nHost: b.example").entry);
    CHECK_FALSE(tier.find("articles:4", "GET /a\nHost: a-rather-long-host-name.example").entry);
}

TEST_CASE("an entry is replaced by its coded forms only while it is there") {
    Tier tier;
    const cache::Stored old = tier.put("k", get, {}, "old");
    const cache::Stored same = cache::with_coded_forms(*old, {});
    CHECK(tier.store.replace("k", *old, same));
    CHECK(tier.find("k").entry == same);
    const cache::Stored newer = tier.put("k", get, {}, "newer");
    CHECK_FALSE(tier.store.replace("k", *same, old));
    CHECK(tier.find("k").entry == newer);
    static_cast<void>(tier.store.remove("k"));
    CHECK_FALSE(tier.store.replace("k", *newer, newer));
    CHECK_FALSE(tier.find("k").entry);
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
    CHECK_FALSE(tier.store.insert("k", during, {tier.rules, during->sequence(), 1}));
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
        {"its key", [](Tier& t) { t.generations.purge(Generations::slot_of_key("k?a=1")); }, false,
         false},
        {"the key it extends",
         [](Tier& t) { t.generations.purge(Generations::slot_of_extensions("k")); }, false, false},
        {"another key", [](Tier& t) { t.generations.purge(Generations::slot_of_key("k?a=2")); },
         true, false},
        {"a tag", [](Tier& t) { t.generations.purge(tag); }, false, false},
        {"all", [](Tier& t) { t.generations.purge_all(); }, false, false},
        {"softly", [](Tier& t) { t.generations.purge_soft(tag); }, true, true},
        {"a change Redis told of", [](Tier& t) { t.generations.note_change(tag); }, false, false},
        {"removed", [](Tier& t) { CHECK(t.store.remove("k?a=1")); }, false, false},
        {"by pattern", [](Tier& t) { t.store.purge_matching("k*1", false); }, false, false},
        {"another pattern", [](Tier& t) { t.store.purge_matching("k*2", false); }, true, false},
        {"softly by pattern", [](Tier& t) { t.store.purge_matching("k*", true); }, true, true},
        {"softly by another pattern", [](Tier& t) { t.store.purge_matching("l*", true); }, true,
         false},
        {"forgotten", [](Tier& t) { t.store.forget(); }, false, false},
        {"made under other rules", [](Tier& t) { ++t.rules; }, false, false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.what);
        tier.put("k?a=1", get, {}, "body", {tag});
        row.purge(tier);
        for (const bool swept : {false, true}) {
            CAPTURE(swept);
            if (swept) tier.sweep();
            const MemoryHit hit = tier.find("k?a=1");
            CHECK((hit.entry != nullptr) == row.found);
            CHECK(hit.soft_purged == row.soft);
        }
        tier.put("k?a=1", get);
        CHECK(tier.find("k?a=1").entry);
    }
}

TEST_CASE("what began before a purge is not taken") {
    Tier tier;
    const std::uint64_t before = tier.generations.now();
    cache::Draft older;
    older.key = "k";
    older.guards = guard_slots("k", 1, {});
    older.sequence = before;
    const auto insert = [&] {
        return tier.store.insert("k", cache::make_stored(older), {1, before, 1});
    };
    SUBCASE("of its key") {
        tier.generations.purge(Generations::slot_of_key("k"));
        CHECK_FALSE(insert());
    }
    SUBCASE("of keys that are looked for") {
        tier.generations.begin_scan();
        CHECK_FALSE(insert());
    }
    SUBCASE("of its key, where it was noted under a later position than that of its fetch") {
        tier.generations.purge(Generations::slot_of_key("k"));
        older.sequence = tier.generations.now();
        CHECK_FALSE(insert());
    }
    SUBCASE(
        "softly, where it was noted under a later position: nobody would see that it is stale") {
        tier.generations.purge_soft(Generations::slot_of_key("k"));
        older.sequence = tier.generations.now();
        CHECK_FALSE(insert());
    }
    SUBCASE("softly, where it shows") {
        tier.generations.purge_soft(Generations::slot_of_key("k"));
        CHECK(insert());
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

TEST_CASE("an entry that was made for another key, or is kept already, is copied") {
    Tier tier;
    const cache::Stored entry = tier.put("k", get);
    const Provenance made{tier.rules, entry->sequence(), 1};
    CHECK(tier.store.insert("l", entry, made));
    CHECK(tier.store.insert("k", entry, made));
    CHECK(tier.store.entries() == 2);
    CHECK(tier.find("l").entry->body() == "body");
    CHECK(tier.find("k").entry->body() == "body");
    CHECK(tier.find("k").entry != entry);
    CHECK(tier.store.remove("k"));
    CHECK(tier.store.insert("k", entry, made));
    CHECK(tier.find("k").entry);
}

TEST_CASE("no more variants of a key are kept than a lookup may walk") {
    Tier tier;
    const auto german = [](int i) {
        return "GET /a\nHost: a.example\nAccept-Language: de-" + std::to_string(i);
    };
    for (int i = 0; i < 70; ++i) tier.put("k", german(i), {"accept-language"});
    CHECK(tier.store.entries() == 64);
    CHECK_FALSE(tier.find("k", german(5)).entry);
    CHECK(tier.find("k", german(6)).entry);
    CHECK(tier.find("k", german(69)).entry);
    CHECK(tier.store.remove("k"));
    CHECK(tier.store.bytes() == 0);
}

// What a tier without a budget would hold: the variants of each key, the newest first.
struct Model {
    struct Variant {
        int language;
        std::uint32_t rules;
        cache::Stored entry;
    };
    std::map<std::string, std::vector<Variant>> keys;

    void put(const std::string& key, Variant variant) {
        std::vector<Variant>& variants = keys[key];
        std::erase_if(variants, [&](const Variant& old) {
            return old.language == variant.language && old.rules == variant.rules;
        });
        variants.insert(variants.begin(), std::move(variant));
    }
    void drop_rules(std::uint32_t rules) {
        for (auto& [key, variants] : keys)
            std::erase_if(variants, [&](const Variant& old) { return old.rules == rules; });
    }
};

TEST_CASE("variants of many keys come and go, and none is lost or counted twice") {
    Tier tier(256 * megabyte);
    Model model;
    std::mt19937 random(5);
    const auto request_in = [](int language) {
        return "GET /a\nHost: a.example\nAccept-Language: l" + std::to_string(language);
    };
    for (int step = 0; step < 20'000; ++step) {
        const std::string key = "k" + std::to_string(random() % 700);
        const int language = static_cast<int>(random() % 3);
        if (random() % 10 == 0) {
            tier.store.remove(key);
            model.keys.erase(key);
        } else {
            tier.rules = 1 + static_cast<std::uint32_t>(random() % 3);
            cache::Stored entry = tier.put(key, request_in(language), {"accept-language"});
            model.put(key, {language, tier.rules, std::move(entry)});
        }
        if (step % 5'000 != 4'999) continue;
        const std::uint32_t dropped = 1 + static_cast<std::uint32_t>(random() % 3);
        std::vector<std::uint32_t> rest{1, 2, 3};
        std::erase(rest, dropped);
        tier.store.keep_rules(rest);
        tier.sweep();
        model.drop_rules(dropped);
    }
    std::size_t entries = 0;
    for (const auto& [key, variants] : model.keys) {
        entries += variants.size();
        CHECK(tier.store.variants(key, SteadyTime()).size() == variants.size());
        for (const Model::Variant& variant : variants) {
            tier.rules = variant.rules;
            CHECK(tier.find(key, request_in(variant.language)).entry == variant.entry);
        }
        CHECK(tier.store.remove(key) == !variants.empty());
    }
    CHECK(entries > 1000);
    CHECK(tier.store.entries() == 0);
    CHECK(tier.store.bytes() == 0);
}

// A key whose slot is none of theirs: a purge of one key purges all that share its slot, which
// happens by chance.
std::string key_apart_from(const std::vector<std::string>& keys) {
    const auto place = [](const std::string& key) {
        return Generations::slot_of_key(key) % Generations::slot_count;
    };
    std::string apart = "l";
    const auto shares = [&](const std::string& key) { return place(key) == place(apart); };
    while (std::any_of(keys.begin(), keys.end(), shares)) apart += 'l';
    return apart;
}

TEST_CASE("what was purged is freed by the sweep, and only that") {
    Tier tier;
    std::vector<std::string> keys;
    for (int i = 0; i < 400; ++i) keys.push_back("k" + std::to_string(i));
    for (const std::string& key : keys) tier.put(key, get);
    const std::string apart = key_apart_from(keys);
    const cache::Stored kept = tier.put(apart, get);
    tier.sweep();
    CHECK(tier.store.entries() == 401);
    SUBCASE("by a pattern") { tier.store.purge_matching("k*", false); }
    SUBCASE("by its rules") {
        ++tier.rules;
        tier.put(apart, get);
        tier.store.keep_rules({tier.rules});
    }
    SUBCASE("by a tag that all have") {
        for (const std::string& key : keys) tier.generations.purge(Generations::slot_of_key(key));
    }
    CHECK(tier.store.entries() >= 401);
    tier.sweep();
    CHECK(tier.store.entries() == 1);
    CHECK(tier.find(apart).entry);
    tier.store.forget();
    tier.sweep();
    CHECK(tier.store.entries() == 0);
    CHECK(tier.store.bytes() == 0);
}

TEST_CASE("a sweep finds everything, though the table grows on the way") {
    Tier tier(256 * megabyte);
    const auto put = [&](int from, int to) {
        for (int i = from; i < to; ++i) tier.put("k" + std::to_string(i), get);
    };
    put(0, 3000);
    tier.store.purge_matching("k*", false);
    Sweep walk = tier.store.begin_sweep();
    int next = 3000;
    while (tier.store.sweep_some(walk)) {
        if (next >= 20'000) continue;
        put(next, next + 1000);
        next += 1000;
    }
    CHECK(next > 3000);
    CHECK(tier.store.entries() == static_cast<std::size_t>(next - 3000));
    CHECK(tier.find("k3000").entry);
}

TEST_CASE("entries of two rules stand beside each other") {
    Tier tier;
    const cache::Stored first = tier.put("k", get);
    tier.rules = 2;
    CHECK_FALSE(tier.find("k").entry);
    const cache::Stored second = tier.put("k", get);
    CHECK(tier.find("k").entry == second);
    tier.rules = 1;
    CHECK(tier.find("k").entry == first);
}

TEST_CASE("a purge is told whether there was anything, exactly") {
    Tier tier;
    const std::uint32_t tag = Generations::slot_of_tag("me:*");
    const auto holds = [&](std::vector<std::string> keys, std::vector<std::string> patterns = {}) {
        return tier.store.holds_any({std::move(keys), std::move(patterns)});
    };
    const auto purge = [&](std::uint32_t guard) {
        tier.store.note_purge(guard, tier.generations.purge(guard));
    };
    CHECK_FALSE(holds({"me:1"}, {"me:*"}));
    tier.put("me:1?lang=de", get, {}, "body", {tag});
    CHECK(holds({"me:1?lang=de"}));
    CHECK(holds({"me:1"}));
    CHECK(holds({}, {"me:*"}));
    CHECK_FALSE(holds({"me:2"}, {"you:*"}));
    SUBCASE("the extensions") { purge(Generations::slot_of_extensions("me:1")); }
    SUBCASE("the tag") { purge(tag); }
    SUBCASE("evicted or dropped") { tier.store.remove("me:1?lang=de"); }
    SUBCASE("a pattern") {
        tier.store.purge_matching("me*", false);
        tier.sweep();
    }
    CHECK_FALSE(holds({"me:1?lang=de"}));
    // What died by another name counts until it is swept.
    tier.sweep();
    CHECK_FALSE(holds({"me:1"}));
    CHECK_FALSE(holds({}, {"me:*"}));
    // The entry from before leaves the tier only now: it must not count for the new one.
    tier.put("me:1?lang=de", get, {}, "body", {tag});
    CHECK(holds({"me:1"}, {}));
    CHECK(holds({}, {"me:*"}));
}

TEST_CASE("more patterns at once than are kept purge everything") {
    Tier tier;
    tier.put("k", get);
    for (int i = 0; i < 200; ++i) tier.store.purge_matching("x" + std::to_string(i) + "*", false);
    CHECK_FALSE(tier.find("k").entry);
    tier.sweep();
    tier.put("k", get);
    CHECK(tier.find("k").entry);
}

SteadyClock::duration time_of_this_thread() {
    timespec spent{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

TEST_CASE("no purge takes longer for many entries") {
    Tier tier(256 * megabyte);
    for (int i = 0; i < 100'000; ++i) tier.put("k" + std::to_string(i) + "?a", get);
    // Of this thread's time, for the machine may be busy with others.
    const auto quickest = [](auto&& what) {
        SteadyClock::duration best = SteadyClock::duration::max();
        for (int i = 0; i < 5; ++i) {
            const SteadyClock::duration began = time_of_this_thread();
            what();
            best = std::min(best, time_of_this_thread() - began);
        }
        return best;
    };
    constexpr Milliseconds short_time{1};
    CHECK(quickest([&] {
              static_cast<void>(tier.store.holds_any({{"nothing"}, {"k*"}}));
          }) < short_time);
    CHECK(quickest([&] { tier.store.purge_matching("k1*", false); }) < short_time);
    CHECK(quickest([&] { tier.store.purge_matching("k2*", true); }) < short_time);
    CHECK(quickest([&] { tier.store.keep_rules({2}); }) < short_time);
    CHECK(quickest([&] { tier.store.forget(); }) < short_time);
    Sweep walk = tier.store.begin_sweep();
    bool more = true;
    int steps = 0;
    while (more) {
        const SteadyClock::duration taken = quickest([&] {
            if (more) more = tier.store.sweep_some(walk);
        });
        CHECK(taken < short_time);
        ++steps;
    }
    CHECK(steps > 1);
    CHECK(tier.store.entries() == 0);
}

TEST_CASE("a sweeper frees in the background") {
    Tier tier;
    MemorySweeper sweeper(tier.store);
    const auto swept = [&] {
        for (int i = 0; i < 2000 && tier.store.entries() > 0; ++i)
            std::this_thread::sleep_for(Milliseconds(5));
        return tier.store.entries() == 0;
    };
    tier.put("k", get);
    tier.store.purge_matching("k*", false);
    CHECK(swept());
    tier.put("k", get);
    tier.store.distrust();
    CHECK(swept());
}

// What a purge has answered for, no lookup gives any more, whatever fills and sweeps meet it.
TEST_CASE("purges of all kinds hold among fills and sweeps on other threads") {
    constexpr std::uint32_t tag = 12345;
    constexpr int keys = 300;
    Tier tier;
    MemorySweeper sweeper(tier.store);
    std::atomic<int> truth{0};
    std::atomic<bool> done{false};
    const auto fill = [&](unsigned seed) {
        const Request request(get);
        std::mt19937 random(seed);
        while (!done) {
            const std::string key = "k" + std::to_string(random() % keys);
            cache::Draft entry;
            entry.key = key;
            entry.guards = guard_slots(key, 1, {});
            entry.guards.push_back(tag);
            entry.sequence = tier.generations.now();
            entry.body = std::to_string(truth.load());
            cache::build_variant(request, {}, true, entry.variant);
            tier.store.insert(key, cache::make_stored(entry),
                              {tier.rules, entry.sequence, entry.guards.size()});
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2; ++i) threads.emplace_back(fill, i);
    std::mt19937 random(7);
    const SteadyTime end = steady_now() + Milliseconds(300);
    int stale = 0;
    while (steady_now() < end) {
        const std::string key = "k" + std::to_string(random() % keys);
        const int now = ++truth;
        switch (random() % 5) {
            case 0:
                tier.store.note_purge(Generations::slot_of_key(key),
                                      tier.generations.purge(Generations::slot_of_key(key)));
                break;
            case 1:
                tier.store.note_purge(tag, tier.generations.purge(tag));
                break;
            case 2:
                tier.store.purge_matching(key, false);
                break;
            case 3:
                tier.store.purge_matching("k*", false);
                break;
            default:
                tier.store.forget();
                break;
        }
        const MemoryHit hit = tier.find(key);
        stale += hit.entry && std::stoi(std::string(hit.entry->body())) < now;
    }
    done = true;
    for (std::thread& thread : threads) thread.join();
    CHECK(stale == 0);
}

TEST_CASE("a smaller budget evicts, and a larger one makes room") {
    Tier tier(8 * megabyte);
    for (int i = 0; i < 60; ++i) tier.put(std::to_string(i), get, {}, std::string(100'000, 'x'));
    CHECK(tier.store.entries() == 60);
    tier.store.resize(2 * megabyte);
    CHECK(tier.store.bytes() <= 2 * megabyte);
    CHECK(tier.store.entries() >= 15);
    CHECK(tier.store.evictions() == 60 - tier.store.entries());
    tier.store.resize(0);
    CHECK(tier.store.entries() == 0);
    CHECK(tier.store.bytes() == 0);
    tier.put("a", get);
    CHECK_FALSE(tier.last_kept);
    tier.store.resize(8 * megabyte);
    for (int i = 0; i < 60; ++i) tier.put(std::to_string(i), get, {}, std::string(100'000, 'x'));
    CHECK(tier.store.entries() == 60);
}

TEST_CASE("the largest object is kept, whatever parts memory has") {
    struct Case {
        std::size_t memory;
        std::size_t object;
        std::size_t largest;
    };
    for (const Case& one : {Case{2048, 8, 12}, Case{2048, 100, 192}, Case{256, 60, 96},
                            Case{64, 40, 24}, Case{8, 8, 3}}) {
        CAPTURE(one.memory);
        Generations generations;
        MemoryStore store(one.memory * megabyte, generations, one.object * megabyte);
        store.trust_until(SteadyTime::max());
        CHECK(store.largest_object() == one.largest * megabyte);
        cache::Draft draft;
        draft.key = "k";
        draft.body = std::string(store.largest_object(), 'x');
        draft.sequence = generations.now();
        CHECK(store.insert("k", cache::make_stored(draft), {1, draft.sequence, 0}));
        store.resize(2048 * megabyte, 300 * megabyte);
        CHECK(store.largest_object() >= 300 * megabyte);
    }
}

TEST_CASE("a much smaller budget takes large objects still, and loses no purge") {
    Tier tier(2048 * megabyte);
    for (int i = 0; i < 1000; ++i) tier.put("k:" + std::to_string(i), get);
    tier.store.resize(8 * megabyte);
    CHECK(tier.store.entries() < 1000);
    tier.put("large", get, {}, std::string(3 * megabyte, 'x'));
    CHECK(tier.last_kept);
    CHECK(tier.find("large").entry);
    std::size_t found = 0;
    for (int i = 0; i < 1000; ++i) found += tier.find("k:" + std::to_string(i)).entry ? 1 : 0;
    CHECK(found + 1 == tier.store.entries());
    tier.store.purge_matching("k:*", false);
    tier.sweep();
    CHECK(tier.store.entries() == 1);
}

void fill_while_resizing() {
    Tier tier(2048 * megabyte);
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int worker = 0; worker < 2; ++worker)
        threads.emplace_back([&, worker] {
            for (int i = 0; !stop; ++i) {
                const std::string key = std::to_string(worker) + ':' + std::to_string(i % 500);
                cache::Draft draft;
                draft.body = std::string(10'000, 'x');
                draft.key = key;
                draft.guards = guard_slots(key, key.size(), {});
                draft.sequence = tier.generations.now();
                const cache::Stored entry = cache::make_stored(draft);
                tier.store.insert(key, entry, {1, draft.sequence, draft.guards.size()});
                tier.store.remove(key);
                tier.store.insert(key, entry, {1, draft.sequence, draft.guards.size()});
            }
        });
    for (const std::size_t bytes : {1024, 256, 64, 4, 1, 0, 2, 512})
        tier.store.resize(bytes * megabyte);
    tier.store.resize(2 * megabyte);
    stop = true;
    for (std::thread& thread : threads) thread.join();
    CHECK(tier.store.bytes() <= 2 * megabyte);
    for (int worker = 0; worker < 2; ++worker)
        for (int i = 0; i < 500; ++i)
            tier.store.remove(std::to_string(worker) + ':' + std::to_string(i));
    CHECK(tier.store.entries() == 0);
}

TEST_CASE("entries come and go on other threads while the budget changes") {
    // The moment between choosing a shard and locking it is short.
    for (int round = 0; round < 10; ++round) fill_while_resizing();
}

TEST_CASE("the budget holds") {
    Tier tier;
    for (int i = 0; i < 2000; ++i)
        tier.put("k" + std::to_string(i), get, {}, std::string(2000, 'x'));
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
