#include "store/entry_format.hpp"

#include <doctest/doctest.h>

namespace larder::store {
namespace {

std::unique_ptr<cache::Draft> full_entry() {
    auto entry = std::make_unique<cache::Draft>();
    entry->status = 203;
    entry->freshness = {WallTime(Milliseconds(1)),
                        WallTime(Milliseconds(-2)),
                        Seconds(3),
                        Milliseconds(4007),
                        Seconds(5),
                        Milliseconds(999),
                        true,
                        true,
                        true};
    entry->head = "HTTP/1.1 203 Non-Authoritative Information\r\nX: y\r\n";
    entry->body = std::string("b\0dy", 4);
    entry->etag = "W/\"1\"";
    entry->last_modified = "Thu, 01 Jan 1970 00:00:00 GMT";
    entry->target = "/a?b=c";
    entry->vary = {"accept", "accept-language"};
    entry->variant = "a.example|x";
    entry->tags = {{"a:*", "1"}, {"", "2:3"}};
    entry->response_tags = {{"t", "9:8"}};
    entry->soft_id = "s";
    return entry;
}

TEST_CASE("an entry comes back as it was written") {
    const auto entry = full_entry();
    const auto back = decode_entry(encode_entry(*entry, {}));
    REQUIRE(back);
    CHECK(back->status == 203);
    CHECK(back->freshness.requested_at == entry->freshness.requested_at);
    CHECK(back->freshness.received_at == entry->freshness.received_at);
    CHECK(back->freshness.initial_age == Seconds(3));
    CHECK(back->freshness.lifetime == Milliseconds(4007));
    CHECK(back->freshness.stale_while_revalidate == Seconds(5));
    CHECK(back->freshness.stale_if_error == Milliseconds(999));
    CHECK(back->freshness.must_revalidate);
    CHECK(back->freshness.no_cache);
    CHECK(back->freshness.shared);
    CHECK(back->head == entry->head);
    CHECK(back->body == entry->body);
    CHECK(back->etag == entry->etag);
    CHECK(back->last_modified == entry->last_modified);
    CHECK(back->target == entry->target);
    CHECK(back->vary == entry->vary);
    CHECK(back->variant == entry->variant);
    REQUIRE(back->tags.size() == 2);
    CHECK(back->tags[1].name.empty());
    CHECK(back->tags[1].id == "2:3");
    REQUIRE(back->response_tags.size() == 1);
    CHECK(back->response_tags[0].name == "t");
    CHECK(back->soft_id == "s");
}

TEST_CASE("a body is compressed where that pays") {
    auto entry = full_entry();
    entry->body = std::string(50'000, 'a');
    const auto size = [&] { return encode_entry(*entry, {true, 1000}).size(); };
    CHECK(size() < 2'000);
    CHECK(decode_entry(encode_entry(*entry, {true, 1000}))->body == entry->body);
    CHECK(encode_entry(*entry, {false, 1000}).size() > 50'000);
    CHECK(encode_entry(*entry, {true, 50'000}).size() > 50'000);
    SUBCASE("not when the origin has done so") {
        entry->head += "content-ENCODING: gzip\r\n";
        CHECK(size() > 50'000);
    }
    SUBCASE("not when it saves next to nothing") {
        std::uint32_t state = 1;
        std::string noise(entry->body.size(), '\0');
        for (char& c : noise) {
            state = state * 1664525u + 1013904223u;
            c = static_cast<char>(state >> 24);
        }
        entry->body = noise;
        CHECK(size() > 50'000);
        CHECK(decode_entry(encode_entry(*entry, {true, 1000}))->body == entry->body);
    }
}

TEST_CASE("a lifetime beyond all clocks is damage") {
    const auto entry = full_entry();
    entry->freshness.lifetime = Milliseconds(std::int64_t{1} << 49);
    CHECK(decode_entry(encode_entry(*entry, {})));
    entry->freshness.lifetime = Milliseconds(std::int64_t{1} << 51);
    CHECK_FALSE(decode_entry(encode_entry(*entry, {})));
    entry->freshness.lifetime = Seconds(1);
    entry->freshness.stale_if_error = Milliseconds(std::int64_t{1} << 62);
    CHECK_FALSE(decode_entry(encode_entry(*entry, {})));
}

TEST_CASE("no damage goes unnoticed") {
    auto entry = full_entry();
    entry->body = std::string(3'000, 'a');
    const std::string good = encode_entry(*entry, {true, 100});
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_FALSE(decode_entry(std::string_view(good).substr(0, size)));
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0x20);
        CHECK_FALSE(decode_entry(bad));
    }
}

}  // namespace
}  // namespace larder::store
