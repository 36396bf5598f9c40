#include <doctest/doctest.h>

#include "http/etag.hpp"
#include "http/hop_by_hop.hpp"
#include "http/lists.hpp"
#include "http/range.hpp"
#include "http/structured_fields.hpp"
#include "unit/support/heads.hpp"

using namespace larder;
using namespace larder::http;
using larder::test::Response;

TEST_CASE("a list is split into its members (RFC 9110, 5.6.1)") {
    struct Row {
        const char* value;
        std::vector<std::string> members;
    };
    const Row rows[] = {
        {"", {}},
        {"a", {"a"}},
        {"a,b", {"a", "b"}},
        {" a ,\tb ", {"a", "b"}},
        {",, a,,b,,", {"a", "b"}},
        {"\"a,b\",c", {"\"a,b\"", "c"}},
        {"a=\"b\\\",c\",d", {"a=\"b\\\",c\"", "d"}},
        {"\"a,b", {"\"a", "b"}},
        {"a\",b,\"c", {"a\",b,\"c"}},
        {"\"a\\", {"\"a\\"}},
        {"\"\\,\",\"", {"\"\\,\"", "\""}},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.value));
        std::vector<std::string> members;
        for_each_member(row.value, [&](std::string_view member) { members.emplace_back(member); });
        CHECK(members == row.members);
    }
    CHECK(has_member("a, No-Cache", "no-cache"));
    CHECK_FALSE(has_member("no-caches", "no-cache"));
}

TEST_CASE("entity tags compare as RFC 9110, 8.8.3.2 says") {
    struct Row {
        const char* a;
        const char* b;
        bool strong;
        bool weak;
    };
    const Row rows[] = {
        {"W/\"1\"", "W/\"1\"", false, true},
        {"W/\"1\"", "W/\"2\"", false, false},
        {"W/\"1\"", "\"1\"", false, true},
        {"\"1\"", "\"1\"", true, true},
        {"\"1\"", "\"2\"", false, false},
        {"w/\"1\"", "W/\"1\"", false, true},
        {"abc", "abc", true, true},
        {"abc", "\"abc\"", false, false},
        {"", "", false, false},
        {"\"\"", "\"\"", true, true},
        {"\"a\"", "\"A\"", false, false},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.a));
        CAPTURE(std::string(row.b));
        CHECK(strongly_equal(parse_entity_tag(row.a), parse_entity_tag(row.b)) == row.strong);
        CHECK(weakly_equal(parse_entity_tag(row.a), parse_entity_tag(row.b)) == row.weak);
    }
}

TEST_CASE("If-None-Match lists tags (RFC 9110, 13.1.2)") {
    struct Row {
        const char* value;
        const char* tag;
        bool listed;
    };
    const Row rows[] = {
        {"*", "\"a\"", true},
        {" * ", "\"a\"", true},
        {"*", "", true},
        {"\"a\"", "\"a\"", true},
        {"\"a\", \"b\", \"c\"", "\"a\"", true},
        {"\"a\", \"b\", \"c\"", "\"b\"", true},
        {"\"a\", \"b\", \"c\"", "\"c\"", true},
        {"\"a\",\"b\"", "\"b\"", true},
        {"W/\"a\"", "\"a\"", true},
        {"\"a\"", "W/\"a\"", true},
        {"\"a,b\", \"c\"", "\"a,b\"", true},
        {"\"a,b\", \"c\"", "\"c\"", true},
        {"\"a\\\", \"c\"", "\"c\"", true},
        {"\"a\\\", \"c\"", "\"a\\\"", true},
        {"abc", "abc", true},
        {"\"\xc3\xbc\"", "\"\xc3\xbc\"", true},
        {"\"d\"", "\"a\"", false},
        {"", "\"a\"", false},
        {"\"a\"", "", false},
        {",", "", false},
        {"\"a", "\"a\"", false},
        {"\"*\"", "\"a\"", false},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.value));
        CAPTURE(std::string(row.tag));
        CHECK(none_match_lists(row.value, parse_entity_tag(row.tag)) == row.listed);
    }
}

TEST_CASE("byte ranges are read strictly (RFC 9110, 14.1.1 and 14.2)") {
    struct Row {
        const char* value;
        std::size_t count;
    };
    const Row rows[] = {
        {"bytes=0-1", 1},
        {"bytes=0-", 1},
        {"bytes=-5", 1},
        {"Bytes=0-1", 1},
        {"bytes=0-1,3-4", 2},
        {"bytes= 0-1 , 3-4", 2},
        {"bytes=,0-1,", 1},
        {"bytes=5-2", 0},
        {"bytes=-", 0},
        {"bytes=", 0},
        {"bytes", 0},
        {"items=0-1", 0},
        {"bytes=a-b", 0},
        {"bytes=0-1,x", 0},
        {"bytes=0--1", 0},
        {"bytes=+1-2", 0},
        {"bytes=0x0-1", 0},
        {"bytes=1", 0},
        {"bytes 0-1", 0},
        {"bytes=0 - 1", 0},
        {"bytes=0-99999999999999999999999", 1},
        {"bytes=99999999999999999999999-", 1},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.value));
        const auto specs = parse_byte_ranges(row.value);
        CHECK((specs ? specs->size() : 0) == row.count);
    }
    std::string many = "bytes=0-0";
    for (int i = 0; i < 64; ++i) many += ",0-0";
    CHECK_FALSE(parse_byte_ranges(many));
}

TEST_CASE("dictionaries and lists parse as RFC 9651, 4.2 says") {
    const char* good[] = {"a",
                          "a=1",
                          "a=1, b=?0;x;y=2 ,\tc",
                          "a=(1 2 \"x\";p);q=1",
                          "a=:aGk=:",
                          "a=@12",
                          "a=%\"f%c3%bc\"",
                          "*a=tok/en:x",
                          "a=-1.5",
                          "",
                          "  ",
                          "a=()",
                          "a=\"x\\\"y\\\\\"",
                          "a;b=1"};
    const char* bad[] = {"A=1",    "a=",       "a= 1",           "a =1",
                         "a,",     "a,,b",     "a=\"x",          "a=\"\\n\"",
                         "a=1.",   "a=1.2345", "a=--1",          "a=1234567890123456",
                         "a=(1",   "a=(1,2)",  "a=?2",           "a=@1.5",
                         "&&&",    "1a=2",     "a=\"\xc3\xbc\"", "a=:x",
                         "a=\x7f", "a b"};
    for (const char* text : good) {
        CAPTURE(std::string(text));
        CHECK(parse_dictionary(text));
    }
    for (const char* text : bad) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_dictionary(text));
    }
    const auto list = parse_list("\"a\", \"b c\";x=1, tok, 5");
    REQUIRE(list);
    REQUIRE(list->size() == 4);
    CHECK((*list)[1].text == "b c");
    CHECK((*list)[2].type == StructuredItem::Type::token);
    CHECK((*list)[3].integer == 5);
    CHECK_FALSE(parse_list("\"a\" \"b\""));
    const auto repeated = parse_dictionary("a=1, b=2, a=3");
    REQUIRE(repeated);
    CHECK(repeated->size() == 2);
    CHECK(repeated->back().second.integer == 3);
}

TEST_CASE("Connection can name any field except an end-to-end field (RFC 9110, 7.6.1)") {
    const Response head(
        "200 OK\nConnection: a, Keep-Alive\nConnection: X-Odd,Cache-Control, host,upgrade");
    const ConnectionOptions options = parse_connection(head.fields());
    CHECK(options.keep_alive);
    CHECK(options.upgrade);
    CHECK_FALSE(options.close);
    for (const char* name : {"A", "x-odd", "keep-alive", "Upgrade"}) CHECK(options.names(name));
    for (const char* name : {"b", "cache-control", "Host", "close", "cookie", ""})
        CHECK_FALSE(options.names(name));

    for (const char* name :
         {"Host", "Content-Length", "Authorization", "Cookie", "Cache-Control", "X-Forwarded-For",
          "Forwarded", "Vary", "Set-Cookie", "ETag", "Expires", "Range", "If-None-Match"}) {
        CAPTURE(std::string(name));
        const Response naming(std::string("200 OK\nConnection: ") + name);
        CHECK_FALSE(parse_connection(naming.fields()).names(name));
    }
    CHECK(parse_connection(Response("200 OK\nConnection: CLOSE").fields()).close);
}

TEST_CASE("hop-by-hop and proxy-specific fields are known (RFC 9110, 7.6.1; RFC 9111, 3.1)") {
    for (const char* name : {"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
                             "Transfer-Encoding", "Upgrade"})
        CHECK(is_hop_by_hop(field_id(name)));
    for (const char* name : {"Content-Length", "Date", "X-A", "Proxy-Authenticate"})
        CHECK_FALSE(is_hop_by_hop(field_id(name)));
    for (const char* name :
         {"Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info"})
        CHECK(is_proxy_specific({name, "", field_id(name)}));
    CHECK_FALSE(is_proxy_specific({"Proxy-Status", "", field_id("Proxy-Status")}));
}

TEST_CASE("every known name has its id in any case, and no name beside it has one") {
    for (unsigned i = 1; i < static_cast<unsigned>(FieldId::count_); ++i) {
        const auto id = static_cast<FieldId>(i);
        const std::string name(field_name(id));
        CAPTURE(name);
        CHECK(field_id(name) == id);
        std::string upper = name;
        for (char& c : upper)
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
        CHECK(field_id(upper) == id);
        for (std::size_t at = 0; at < name.size(); ++at) {
            std::string other = name;
            // The bit of the case makes another byte of a hyphen, and of '@' to '_' too.
            for (const int bits : {0x01, 0x20, 0x40, 0x80}) {
                other[at] = static_cast<char>(name[at] ^ bits);
                const bool same_letter = bits == 0x20 && name[at] >= 'a' && name[at] <= 'z';
                const FieldId found = field_id(other);
                const bool is_itself = found == id;
                CHECK(is_itself == same_letter);
            }
        }
        CHECK(field_id(name + "-") != id);
        CHECK(field_id(name.substr(1)) != id);
    }
}
