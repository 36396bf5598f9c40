#include "cache/stored_response.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cache/coded_form.hpp"
#include "cache/validation.hpp"
#include "unit/support/allocation_count.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {

Draft full_draft() {
    Draft draft;
    draft.status = 203;
    draft.freshness = {noon - 300ms, noon, 3s, 60s, 0s, 0s, true, true, true, true};
    draft.head =
        "HTTP/1.1 203 Fine\r\nContent-Length: 4\r\nETag: W/\"1\"\r\nLast-Modified: l\r\n"
        "Content-Encoding: gzip\r\nContent-Encoding: br\r\n";
    draft.body = "b\0dy";
    draft.body = std::string("b\0dy", 4);
    draft.etag = "W/\"1\"";
    draft.last_modified = "l";
    draft.content_encoding = "gzip, br";
    draft.target = "/a?b=c";
    draft.vary = {"accept", "accept-language"};
    draft.variant = "a.example;accept";
    draft.tags = {{"a:*", "1"}, {"", "2:3"}};
    draft.response_tags = {{"t", "9:8"}, {"empty", ""}};
    draft.rewritten = true;
    draft.origin_lines = "ETag: \"o\"\r\n";
    draft.soft_id = "s";
    draft.everything = std::uint64_t{1} << 63;
    draft.key = "a:1?b=c";
    draft.guards = {1, 0xffffffffu, 3};
    draft.sequence = std::uint64_t{1} << 62;
    return draft;
}

void check_same(const std::vector<TagId>& one, const std::vector<TagId>& other) {
    REQUIRE(one.size() == other.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
        CHECK(one[i].name == other[i].name);
        CHECK(one[i].id == other[i].id);
    }
}

void check_same(const Freshness& one, const Freshness& other) {
    CHECK(one.requested_at == other.requested_at);
    CHECK(one.received_at == other.received_at);
    CHECK(one.initial_age == other.initial_age);
    CHECK(one.lifetime == other.lifetime);
    CHECK(one.stale_while_revalidate == other.stale_while_revalidate);
    CHECK(one.stale_if_error == other.stale_if_error);
    CHECK(one.must_revalidate == other.must_revalidate);
    CHECK(one.no_cache == other.no_cache);
    CHECK(one.shared == other.shared);
    CHECK(one.shared_if_authorized == other.shared_if_authorized);
}

// Makes it, and compares all that it says with what it was made of.
Stored made(const Draft& draft) {
    const Stored entry = make_stored(draft);
    CHECK(entry->received_at() == draft.freshness.received_at);
    CHECK(entry->shared() == draft.freshness.shared);
    CHECK(entry->shared_if_authorized() == draft.freshness.shared_if_authorized);
    const Draft back = draft_of(parts_of(*entry));
    CHECK(back.status == draft.status);
    check_same(back.freshness, draft.freshness);
    CHECK(back.head == draft.head);
    CHECK((back.body == draft.body.view()));
    CHECK(back.etag == draft.etag);
    CHECK(back.last_modified == draft.last_modified);
    CHECK(back.content_encoding == draft.content_encoding);
    CHECK(back.target == draft.target);
    CHECK(back.vary == draft.vary);
    CHECK(back.variant == draft.variant);
    check_same(back.tags, draft.tags);
    check_same(back.response_tags, draft.response_tags);
    CHECK(back.rewritten == draft.rewritten);
    CHECK(back.origin_lines == draft.origin_lines);
    CHECK(back.soft_id == draft.soft_id);
    CHECK(back.everything == draft.everything);
    CHECK(back.key == draft.key);
    CHECK(back.guards == draft.guards);
    CHECK(back.sequence == draft.sequence);
    return entry;
}

// What a JSON API says of an object of 1 KB.
Draft plain_draft() {
    Draft draft;
    draft.head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n"
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nCache-Control: max-age=600\r\n";
    draft.freshness = {noon - 2ms, noon, 1s, 600s, 0s, 0s, false, false, false, false};
    draft.body = std::string(1024, 'x');
    draft.target = "/items/123456";
    draft.variant = "127.0.0.1:8080";
    draft.key = "item:123456";
    draft.guards = {1};
    return draft;
}

}  // namespace

TEST_CASE("a stored response says what it was made of") {
    made(Draft{});
    made(plain_draft());
    const Draft full = full_draft();
    made(full);
    SUBCASE("with validators that its head does not hold") {
        Draft other = full;
        other.etag = "\"other\"";
        other.last_modified = "other";
        made(other);
        other.head.clear();
        made(other);
    }
    SUBCASE("with texts of any size") {
        for (const std::size_t size : {254u, 255u, 256u, 257u, 65535u, 65536u, 70'000u}) {
            CAPTURE(size);
            for (std::string Draft::*text :
                 {&Draft::key, &Draft::variant, &Draft::target, &Draft::head, &Draft::soft_id}) {
                Draft other = full;
                other.*text = std::string(size, 't');
                made(other);
            }
            Draft other = full;
            other.guards.resize(size, 7);
            made(other);
        }
    }
    SUBCASE("with a body of any size") {
        for (const std::size_t size :
             {1,    7,    8,    9,    1000,   1023,   1024,   1025,   1500,   2048,
              4095, 4096, 5000, 8192, 16'383, 16'384, 16'385, 65'535, 65'536, 1'000'000}) {
            CAPTURE(size);
            Draft other = full;
            other.body = std::string(size, 'b');
            CHECK(made(other)->body().size() == size);
            other = plain_draft();
            other.body = std::string(size, 'b');
            CHECK(made(other)->cost() >= size);
        }
    }
}

TEST_CASE("a stored response keeps any times") {
    const Freshness usual{noon - 20ms, noon, 1s, 60s, 0s, 0s, false, false, false, false};
    const auto keeps = [&](auto change) {
        Draft draft = plain_draft();
        draft.freshness = usual;
        change(draft.freshness);
        made(draft);
    };
    keeps([](Freshness&) {});
    keeps([](Freshness& f) { f.requested_at = f.received_at; });
    keeps([](Freshness& f) { f.requested_at = f.received_at - 65'535ms; });
    keeps([](Freshness& f) { f.requested_at = f.received_at - 65'536ms; });
    keeps([](Freshness& f) { f.requested_at = f.received_at + 1ms; });
    keeps([](Freshness& f) { f.received_at = WallTime(Milliseconds(-5)); });
    keeps([](Freshness& f) { f.received_at = WallTime(Milliseconds(std::int64_t{1} << 50)); });
    for (const std::int64_t seconds : {-1, 0, 65'535, 65'536})
        keeps([&](Freshness& f) { f.initial_age = Seconds(seconds); });
    constexpr std::int64_t most = UINT32_MAX;
    for (const std::int64_t lifetime :
         {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, most, most + 1, most * 1000,
          most * 1000 + 1, (most + 1) * 1000, std::int64_t{1} << 50})
        keeps([&](Freshness& f) { f.lifetime = Milliseconds(lifetime); });
    keeps([](Freshness& f) { f.stale_while_revalidate = 1ms; });
    keeps([](Freshness& f) { f.stale_if_error = 5s; });
}

TEST_CASE("a small response is one piece of memory, little more than its bytes") {
    const Draft draft = plain_draft();
    const std::size_t before = test::allocations();
    const Stored entry = make_stored(draft);
    CHECK(test::allocations() == before + 1);
    CHECK(entry->cost() == 1280);
    Draft longer = draft;
    longer.head += "ETag: \"0123456789abcdef0123456789abcdef\"\r\nServer: nginx\r\n";
    longer.etag = "\"0123456789abcdef0123456789abcdef\"";
    CHECK(made(longer)->cost() == 1024 + 320);
}

TEST_CASE("nothing is allocated to read a stored response") {
    const Stored entry = make_stored(full_draft());
    const std::size_t before = test::allocations();
    CHECK(entry->body().size() == 4);
    CHECK(entry->etag() == "W/\"1\"");
    CHECK(entry->vary().contains("accept-language"));
    CHECK_FALSE(entry->vary().contains("accept-encoding"));
    std::size_t tags = 0;
    for (const TagView tag : entry->tags()) tags += tag.id.size();
    CHECK(tags == 4);
    CHECK(entry->freshness().lifetime == 60s);
    CHECK(test::allocations() == before);
}

TEST_CASE("a large body is never copied") {
    Draft draft = plain_draft();
    std::string large(Body::shared_from, 'x');
    const char* bytes = large.data();
    draft.body = std::move(large);
    const Stored first = make_stored(draft);
    CHECK(first->body().data() == bytes);
    CHECK(copy_of(*first, "other")->body().data() == bytes);
    CHECK(copy_of(*first, "other")->key() == "other");
    CHECK(with_coded_forms(*first, {coded_form(*first, settings::Coding::gzip, "z")})
              ->body()
              .data() == bytes);

    Draft stored = *test::draft("200 OK\nCache-Control: max-age=9\nETag: \"a\"");
    stored.body = draft.body;
    Detail reason = Detail::none;
    const auto renewed = freshen(*make_stored(stored), Request("GET /a\nHost: h"),
                                 Response("304 Not Modified\nETag: \"a\""), bare_rule(),
                                 Detail::none, noon, noon, reason);
    REQUIRE(renewed);
    CHECK(make_stored(*renewed)->body().data() == bytes);
}

TEST_CASE("coded forms live as long as their entry") {
    const Stored entry = make_stored(full_draft());
    Stored copy;
    {
        const Stored with = with_coded_forms(
            *entry, {coded_form(*entry, settings::Coding::br, std::string(20'000, 'b')),
                     coded_form(*entry, settings::Coding::gzip, "g")});
        CHECK(with->coded_count() == 2);
        CHECK(with->cost() > entry->cost() + 20'000);
        copy = copy_of(*with, "k");
    }
    REQUIRE(copy->has_coded());
    CHECK(copy->coded(0).body() == std::string(20'000, 'b'));
    CHECK(copy->coded(1).content_encoding() == "gzip");
    CHECK_FALSE(entry->has_coded());
}

TEST_CASE("the size of a piece is what jemalloc takes for it") {
    const std::vector<std::pair<std::size_t, std::size_t>> sizes{
        {1, 8},       {8, 8},       {9, 16},      {16, 16},     {17, 32},       {128, 128},
        {129, 160},   {160, 160},   {256, 256},   {257, 320},   {1024, 1024},   {1025, 1280},
        {1280, 1280}, {1281, 1536}, {4096, 4096}, {4097, 5120}, {16384, 16384}, {16385, 20480}};
    for (const auto& [size, taken] : sizes) {
        CAPTURE(size);
        CHECK(allocated_bytes(size) == taken);
    }
}

TEST_CASE("a list of names is the same, however it is kept") {
    const std::vector<std::string> names{"accept", "", "x"};
    std::string packed;
    for (const std::string& name : names) {
        const auto size = static_cast<std::uint32_t>(name.size());
        packed.append(reinterpret_cast<const char*>(&size), sizeof size).append(name);
    }
    CHECK(NameList::of_packed(packed).to_strings() == names);
    CHECK(NameList(names).to_strings() == names);
    CHECK(NameList::of_packed(packed) == NameList(names));
    CHECK_FALSE(NameList::of_packed(packed) == NameList());
    CHECK(NameList().empty());
    CHECK(NameList::of_packed({}).empty());
    CHECK(NameList(std::vector<std::string>()) == NameList::of_packed({}));
}
