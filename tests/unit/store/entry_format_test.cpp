#include "store/entry_format.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "base/checksum.hpp"

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
                        true,
                        true};
    entry->head = "HTTP/1.1 203 Non-Authoritative Information\r\nX: y\r\n";
    entry->body = std::string("b\0dy", 4);
    entry->etag = "W/\"1\"";
    entry->last_modified = "Thu, 01 Jan 1970 00:00:00 GMT";
    entry->content_encoding = "gzip";
    entry->target = "/a?b=c";
    entry->vary = {"accept", "accept-language"};
    entry->variant = "a.example|x";
    entry->tags = {{"a:*", "1"}, {"", "2:3"}};
    entry->response_tags = {{"t", "9:8"}};
    entry->soft_id = "s";
    return entry;
}

void append_number(std::string& out, std::uint64_t number, int size) {
    for (int i = 0; i < size; ++i) out.push_back(static_cast<char>(number >> (8 * i)));
}

// An entry of these fields, with a checksum that holds.
std::string sealed(std::string_view fields) {
    std::string out(entry_magic);
    append_number(out, checksum_of(fields), 8);
    return out.append(fields);
}

TEST_CASE("whom the origin shares an entry with is kept") {
    const auto entry = full_entry();
    entry->freshness.shared = false;
    const auto parts = decode_entry(encode_entry(*entry, {}));
    REQUIRE(parts);
    CHECK_FALSE(parts->freshness.shared);
    CHECK(parts->freshness.shared_if_authorized);
}

TEST_CASE("an entry comes back as it was written") {
    const auto entry = full_entry();
    const std::string bytes = encode_entry(*entry, {});
    const auto parts = decode_entry(bytes);
    REQUIRE(parts);
    const cache::Draft back = cache::draft_of(*parts);
    CHECK(back.status == 203);
    CHECK(back.content_encoding == "gzip");
    CHECK(back.freshness.requested_at == entry->freshness.requested_at);
    CHECK(back.freshness.received_at == entry->freshness.received_at);
    CHECK(back.freshness.initial_age == Seconds(3));
    CHECK(back.freshness.lifetime == Milliseconds(4007));
    CHECK(back.freshness.stale_while_revalidate == Seconds(5));
    CHECK(back.freshness.stale_if_error == Milliseconds(999));
    CHECK(back.freshness.must_revalidate);
    CHECK(back.freshness.no_cache);
    CHECK(back.freshness.shared);
    CHECK(back.freshness.shared_if_authorized);
    CHECK(back.head == entry->head);
    CHECK((back.body == entry->body.view()));
    CHECK(back.etag == entry->etag);
    CHECK(back.last_modified == entry->last_modified);
    CHECK(back.target == entry->target);
    CHECK(back.vary == entry->vary);
    CHECK(back.variant == entry->variant);
    REQUIRE(back.tags.size() == 2);
    CHECK(back.tags[1].name.empty());
    CHECK(back.tags[1].id == "2:3");
    REQUIRE(back.response_tags.size() == 1);
    CHECK(back.response_tags[0].name == "t");
    CHECK(back.soft_id == "s");
}

TEST_CASE("an entry of a release that did not write the coding tells it by its head") {
    const auto entry = full_entry();
    entry->head += "Content-Encoding: br\r\n";
    std::string bytes = encode_entry(*entry, {});
    const std::string_view field("\x12\4\0\0\0gzip", 9);
    const std::size_t at = bytes.find(field);
    REQUIRE(at != bytes.npos);
    bytes.erase(at, field.size());
    const std::string old = sealed(bytes.substr(12));
    const auto parts = decode_entry(old);
    REQUIRE(parts);
    CHECK(parts->content_encoding == "br");
    entry->content_encoding.clear();
    const std::string none = encode_entry(*entry, {});
    CHECK(decode_entry(none)->content_encoding.empty());
}

TEST_CASE("a body is compressed where that pays") {
    auto entry = full_entry();
    entry->body = std::string(50'000, 'a');
    const auto size = [&] { return encode_entry(*entry, {true, 1000}).size(); };
    const auto same_body = [&](EntryEncoding how) {
        const std::string bytes = encode_entry(*entry, how);
        const auto parts = decode_entry(bytes);
        return parts && parts->body == entry->body.view();
    };
    CHECK(size() < 2'000);
    CHECK(same_body({true, 1000}));
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
        CHECK(same_body({true, 1000}));
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

// A further field: its id, the length of its bytes in four bytes, and these.
std::string with_field(char id, std::string_view bytes) {
    std::string fields = encode_entry(*full_entry(), {}).substr(12);
    fields.push_back(id);
    append_number(fields, bytes.size(), 4);
    return sealed(fields.append(bytes));
}

TEST_CASE("a list that does not end where its field does is damage") {
    using namespace std::string_view_literals;
    constexpr char vary = 9;
    constexpr char tags = 11;
    constexpr char response_tags = 12;
    for (const char id : {vary, tags, response_tags}) {
        CHECK(decode_entry(with_field(id, ""sv)));
        CHECK(decode_entry(with_field(id, "\1\0\0\0a\0\0\0\0"sv)));
        CHECK_FALSE(decode_entry(with_field(id, "\1\0\0"sv)));
        CHECK_FALSE(decode_entry(with_field(id, "\2\0\0\0a"sv)));
        CHECK_FALSE(decode_entry(with_field(id, "\xff\xff\xff\xff"sv)));
    }
    // A tag is a name and an id.
    CHECK(decode_entry(with_field(vary, "\1\0\0\0a"sv)));
    CHECK_FALSE(decode_entry(with_field(tags, "\1\0\0\0a"sv)));
    CHECK_FALSE(decode_entry(with_field(response_tags, "\1\0\0\0a"sv)));
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
