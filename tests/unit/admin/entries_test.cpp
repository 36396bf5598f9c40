#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "admin/entry_diff.hpp"
#include "admin/entry_json.hpp"
#include "admin/entry_walk.hpp"
#include "admin/list_entries.hpp"
#include "admin/show_entry.hpp"

using namespace larder;
using namespace larder::admin;

namespace {

cache::Stored entry_with(std::string body) {
    cache::Draft entry;
    entry.head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Name: caf\xe9\r\nDate: x\r\n";
    entry.body = std::move(body);
    return cache::make_stored(entry);
}

ShownEntry shown_with(std::string body) {
    ShownEntry shown;
    shown.entry = entry_with(std::move(body));
    shown.in_memory = true;
    return shown;
}

flow::AsideAnswer answer_with(std::string body) {
    flow::AsideAnswer answer;
    answer.status = 200;
    answer.fields = {{"content-type", "application/json"}, {"Date", "y"}, {"ETag", "\"1\""}};
    answer.body = std::move(body);
    return answer;
}

template <class Question>
std::string complaint_of(const std::variant<Question, std::string>& parsed) {
    const auto* text = std::get_if<std::string>(&parsed);
    return text ? *text : "";
}

}  // namespace

TEST_CASE("a cursor leads to the place that it was made of, and nothing else is one") {
    EntryWalk memory;
    memory.place = {3, 17};
    CHECK(to_cursor(memory) == "m.3.17");
    const auto back = parse_cursor("m.3.17");
    REQUIRE(back);
    CHECK(back->part == EntryWalk::Part::memory);
    CHECK(back->place.bucket == 17);
    EntryWalk redis;
    redis.part = EntryWalk::Part::redis;
    redis.redis_place = "1234";
    REQUIRE(parse_cursor(to_cursor(redis)));
    CHECK(parse_cursor(to_cursor(redis))->redis_place == "1234");
    for (const char* text : {"", "m", "m.", "m.1", "m.1.x", "m.-1.0", "r.1 0", "x.1.1", "r.*"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_cursor(text));
    }
}

TEST_CASE("questions about entries that are not understood say why") {
    CHECK(complaint_of(parse_entries_query("route=/a&prefix=a%3A&limit=7")).empty());
    const auto parsed = parse_entries_query("prefix=articles%3A&after=m.1.2");
    CHECK(std::get<EntriesQuestion>(parsed).prefix == "articles:");
    CHECK(complaint_of(parse_entries_query("limit=0")).find("from 1 to") != std::string::npos);
    CHECK(complaint_of(parse_entries_query("after=1")).find("next") != std::string::npos);
    CHECK(complaint_of(parse_entries_query("pefix=a")).find("known are") != std::string::npos);
    CHECK(complaint_of(parse_entries_query("prefix=%zz")).find('%') != std::string::npos);

    CHECK(complaint_of(parse_entry_query("url=/a%3Fx=1&body=1")).empty());
    CHECK(complaint_of(parse_entry_query("")).find("either") != std::string::npos);
    CHECK(complaint_of(parse_entry_query("key=a&url=/a")).find("either") != std::string::npos);
    CHECK(complaint_of(parse_entry_query("key=a&body=yes")).find("0 or 1") != std::string::npos);
    CHECK(std::get<EntryQuestion>(parse_entry_query("key=a&diff=1")).needs_purge_right());
    CHECK_FALSE(std::get<EntryQuestion>(parse_entry_query("key=a&diff=0")).needs_purge_right());
}

TEST_CASE("a body is shown as text, or as base64 where it is none; fields are valid UTF-8") {
    const auto text = to_variant(shown_with("{\"id\": 1}"), true, WallTime{});
    CHECK(text.at("body").as_string() == "{\"id\": 1}");
    CHECK(text.at("headers").as_array().at(1).as_array().at(1).as_string() == "caf\xef\xbf\xbd");
    CHECK(text.at("tier").as_string() == "memory");
    const auto bytes = to_variant(shown_with("\xff\xfe\x01"), true, WallTime{});
    CHECK(bytes.at("body_base64").as_string() == "//4B");
    CHECK_FALSE(to_variant(shown_with("a"), false, WallTime{}).contains("body"));
    ShownEntry large = shown_with("");
    large.body_absent = true;
    CHECK(to_variant(large, true, WallTime{}).contains("body_omitted"));
}

TEST_CASE("a diff shows the member of a JSON body that differs, and only fields that matter") {
    const auto diff =
        to_diff(*entry_with(R"({"id":1,"title":"old"})"), answer_with(R"({"id":1,"title":"new"})"));
    CHECK_FALSE(diff.at("same").as_bool());
    const std::string body(diff.at("body").as_string());
    CHECK(body.find("-  \"title\": \"old\"") != std::string::npos);
    CHECK(body.find("+  \"title\": \"new\"") != std::string::npos);
    CHECK(body.find("-  \"id\"") == std::string::npos);
    CHECK(boost::json::serialize(diff.at("headers")) ==
          "[[\"etag\",null,\"\\\"1\\\"\"],[\"x-name\",\"caf\xef\xbf\xbd\",null]]");

    const auto same = to_diff(*entry_with("a"), answer_with("a"));
    CHECK(same.at("same").as_bool());
    CHECK(same.at("body").as_string().empty());
    const auto binary = to_diff(*entry_with("\xff"), answer_with("\xfe\xfd"));
    CHECK(binary.at("body").as_string() == "stored 1 bytes, the origin sends 2");
    auto status = answer_with("a");
    status.status = 404;
    CHECK_FALSE(to_diff(*entry_with("a"), status).at("same").as_bool());
}
