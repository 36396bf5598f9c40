#include "http/cache_control.hpp"

#include <doctest/doctest.h>

#include "unit/support/heads.hpp"

using namespace larder;
using namespace larder::http;
using larder::test::Response;
using namespace std::chrono_literals;

namespace {

CacheControl parse(const std::string& value) {
    return parse_cache_control(Response("200 OK\nCache-Control: " + value).fields());
}

}  // namespace

TEST_CASE("max-age follows the grammar; a value that is not a number of seconds means stale") {
    struct Row {
        const char* rfc;
        const char* value;
        std::optional<Seconds> max_age;
    };
    const Row rows[] = {
        {"9111 5.2.2.1", "max-age=3600", 3600s},
        {"9111 5.2", "MaX-aGe=3600", 3600s},
        {"9111 5.2", "max-age=\"3600\"", 3600s},
        {"9111 5.2", "foobar, max-age=3600", 3600s},
        {"9111 5.2", "foobar=\"a, b\", max-age=3600", 3600s},
        {"9111 5.2", "max-age=3600, foobar", 3600s},
        {"9110 5.6.1", ",, max-age=3600 ,,", 3600s},
        {"9110 5.6.1", "\tmax-age=3600\t,public", 3600s},
        {"9111 1.2.2", "max-age=0", 0s},
        {"9111 1.2.2", "max-age=003600", 3600s},
        {"9111 1.2.2", "max-age=2147483647", 2147483647s},
        {"9111 1.2.2", "max-age=2147483648", 2147483648s},
        {"9111 1.2.2", "max-age=2147483649", 2147483648s},
        {"9111 1.2.2", "max-age=4294967296", 2147483648s},
        {"9111 1.2.2", "max-age=4294967297", 2147483648s},
        {"9111 1.2.2", "max-age=99999999999", 2147483648s},
        {"9111 1.2.2", "max-age=18446744073709551617", 2147483648s},
        {"9111 1.2.2", "max-age=99999999999999999999999999999999", 2147483648s},
        {"9111 4.2.1", "max-age=-1", 0s},
        {"9111 4.2.1", "max-age=-3600", 0s},
        {"9111 4.2.1", "max-age=+3600", 0s},
        {"9111 4.2.1", "max-age=3600.0", 0s},
        {"9111 4.2.1", "max-age=3600.5", 0s},
        {"9111 4.2.1", "max-age=a3600", 0s},
        {"9111 4.2.1", "max-age=3600a", 0s},
        {"9111 4.2.1", "max-age='3600'", 0s},
        {"9111 4.2.1", "max-age=\"3600", 0s},
        {"9111 4.2.1", "max-age=3600\"", 0s},
        {"9111 4.2.1", "max-age=0x10", 0s},
        {"9111 4.2.1", "max-age=1e3", 0s},
        {"9111 4.2.1", "max-age=", 0s},
        {"9111 4.2.1", "max-age", 0s},
        {"9111 4.2.1", "max-age=\"\"", 0s},
        {"9111 4.2.1", "max-age =3600", 0s},
        {"9111 4.2.1", "max-age= 3600", 0s},
        {"separators", "max-age=3600;foo", 3600s},
        {"separators", "max-age=3600; max-age=10", 10s},
        {"separators", "public max-age=0", 0s},
        {"separators", "public; s-maxage=0", 0s},
        {"separators", "max-age=60, public s-maxage=5", 5s},
        {"separators", "max-age=x; foo", 0s},
        {"separators", "max-age = 60", 0s},
        {"9111 4.2.1", "max-age=1800, max-age=1", 1s},
        {"9111 4.2.1", "max-age=1, max-age=1800", 1s},
        {"9111 4.2.1", "max-age=60, max-age=60", 60s},
        {"9111 4.2.1", "max-age=60, max-age=x", 0s},
        {"9111 4.2.1", "max-age=60\nCache-Control: max-age=10", 10s},
        {"9111 5.2", "extension=\"max-age=3600\", max-age=1", 1s},
        {"9111 5.2", "max-age=1, extension=\"max-age=3600\"", 1s},
        {"9111 5.2", "extension=\"max-age=3600\"", std::nullopt},
        {"9111 5.2", "extension=\"\\\"\", max-age=5", 5s},
        {"9111 5.2", "extension=\"unclosed, max-age=5", 5s},
        {"9111 5.2", "max-ages=3600", std::nullopt},
        {"9111 5.2", "xmax-age=3600", std::nullopt},
        {"9111 5.2", "", std::nullopt},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(std::string(row.value));
        CHECK(parse(row.value).max_age == row.max_age);
    }
}

TEST_CASE("in a list without commas restrictions count and permissions do not") {
    for (const char* value :
         {"no-store; private; no-cache", "foo no-store", "max-age=60;no-store", "\"no-store\"",
          "'no-store'", "\"public, no-store\"", "public; max-age=60; no-store",
          "foo=\"a;b\"; no-store", "NO-STORE;"}) {
        CAPTURE(value);
        CHECK(parse(value).no_store);
    }
    for (const char* value : {"private; max-age=60", "private max-age=60", "private;",
                              "no-cache; private", "private=\"x\"; foo", "private='set-cookie'"}) {
        CAPTURE(value);
        CHECK(parse(value).private_);
    }
    CHECK(parse("no-cache;").no_cache);
    CHECK(parse("max-age=0; no-cache").no_cache);
    CHECK(parse("max-age=60; must-revalidate").proxy_revalidate);

    // Such a list does not permit to share a response to credentials or to serve a stale one.
    const CacheControl lax =
        parse("public; max-age=60; s-maxage=60; must-revalidate; stale-if-error=60");
    CHECK_FALSE(lax.public_);
    CHECK_FALSE(lax.must_revalidate);
    CHECK_FALSE(lax.s_maxage.has_value());
    CHECK_FALSE(lax.stale_if_error.has_value());

    CHECK(parse("foo=\"never closed; no-store").no_store);

    // A word inside of a quoted argument is not a directive.
    CHECK_FALSE(parse("foo=\"a\\\"; no-store\"").no_store);
    CHECK_FALSE(parse("foo=\"a; no-store\"").no_store);
    CHECK_FALSE(parse("foo=\"no-store private\", max-age=1").private_);
    CHECK_FALSE(parse("no-stores; x-private; no_store").no_store);
}

TEST_CASE("flags are found in any case, order and line, with or without arguments") {
    struct Row {
        const char* rfc;
        const char* value;
        bool CacheControl::*flag;
        bool expected;
    };
    const Row rows[] = {
        {"9111 5.2.2.5", "no-store", &CacheControl::no_store, true},
        {"9111 5.2.2.5", "No-StOrE", &CacheControl::no_store, true},
        {"9111 5.2.2.5", "max-age=10, no-store", &CacheControl::no_store, true},
        {"9111 5.2.2.5", "max-age=10\nCache-Control: no-store", &CacheControl::no_store, true},
        {"9111 5.2.2.5", "no-store=1", &CacheControl::no_store, true},
        {"9111 5.2.2.5", "private=\"unclosed, no-store", &CacheControl::no_store, true},
        {"9111 5.2.2.5", "foo=\"no-store\"", &CacheControl::no_store, false},
        {"9111 5.2.2.5", "foo=\"a, no-store\"", &CacheControl::no_store, false},
        {"9111 5.2.2.5", "no-stores", &CacheControl::no_store, false},
        {"9111 5.2.2.4", "no-cache", &CacheControl::no_cache, true},
        {"9111 5.2.2.4", "No-CaChE", &CacheControl::no_cache, true},
        {"9111 5.2.2.4", "no-cache=\"a\"", &CacheControl::no_cache, false},
        {"9111 5.2.2.4", "no-cache=\"a\", no-cache", &CacheControl::no_cache, true},
        {"9111 5.2.2.4", "no-cache=\"\"", &CacheControl::no_cache, true},
        {"9111 5.2.2.4", "no-cache=\"a b\"", &CacheControl::no_cache, true},
        {"9111 5.2.2.4", "no-cache=a", &CacheControl::no_cache, false},
        {"9111 5.2.2.7", "private", &CacheControl::private_, true},
        {"9111 5.2.2.7", "PRIVATE", &CacheControl::private_, true},
        {"9111 5.2.2.7", "private=\"x-a, x-b\"", &CacheControl::private_, false},
        {"9111 5.2.2.7", "private=\"\"", &CacheControl::private_, true},
        {"9111 5.2.2.7", "private=", &CacheControl::private_, true},
        {"9111 5.2.2.7", "private=\"unclosed", &CacheControl::private_, true},
        {"9111 5.2.2.9", "public", &CacheControl::public_, true},
        {"9111 5.2.2.9", "Public", &CacheControl::public_, true},
        {"9111 5.2.2.2", "must-revalidate", &CacheControl::must_revalidate, true},
        {"9111 5.2.2.8", "proxy-revalidate", &CacheControl::proxy_revalidate, true},
        {"9111 5.2.2.3", "must-understand", &CacheControl::must_understand, true},
        {"9111 5.2.1.7", "only-if-cached", &CacheControl::only_if_cached, true},
        {"9111 5.2", "foo", &CacheControl::no_store, false},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(std::string(row.value));
        CHECK(parse(row.value).*row.flag == row.expected);
    }
}

TEST_CASE("field names in no-cache and private are converted to lower case") {
    CHECK(parse("no-cache=\"A, x-B\"").no_cache_fields == std::vector<std::string>{"a", "x-b"});
    CHECK(parse("no-cache=\"a\"\nCache-Control: no-cache=\"b\"").no_cache_fields ==
          std::vector<std::string>{"a", "b"});
    CHECK(parse("private=\"Set-Cookie\"").private_fields == std::vector<std::string>{"set-cookie"});
    CHECK(parse("private=Set-Cookie").private_fields == std::vector<std::string>{"set-cookie"});
}

TEST_CASE("the other directives with a number are read") {
    CHECK(parse("s-maxage=5, max-age=9").s_maxage == 5s);
    CHECK(parse("s-maxage=x").s_maxage == 0s);
    CHECK(parse("stale-while-revalidate=7").stale_while_revalidate == 7s);
    CHECK(parse("stale-if-error=\"8\"").stale_if_error == 8s);
    CHECK(parse("stale-if-error=-8").stale_if_error == 0s);
    CHECK(parse("max-stale").max_stale == Seconds::max());
    CHECK(parse("max-stale=3").max_stale == 3s);
    CHECK(parse("max-stale=x").max_stale == 0s);
    CHECK(parse("min-fresh=3, min-fresh=5").min_fresh == 5s);
}

TEST_CASE("CDN-Cache-Control counts only if it is a valid, non-empty dictionary (RFC 9213, 2.1)") {
    struct Row {
        const char* value;
        bool valid;
        std::optional<Seconds> max_age;
    };
    const Row rows[] = {
        {"max-age=3600", true, 3600s},
        {"foobar, max-age=3600", true, 3600s},
        {"max-age=60;x=1, foo;bar", true, 60s},
        {"max-age=99999999999", true, 2147483648s},
        {"max-age=0", true, 0s},
        {"no-store", true, std::nullopt},
        {"foo", true, std::nullopt},
        {"max-age=1, max-age=2", true, 2s},
        {"max-age=60\nCDN-Cache-Control: foo", true, 60s},
        {"", false, std::nullopt},
        {"max-age =100", false, std::nullopt},
        {"max-age= 100", false, std::nullopt},
        {"max-age=10000, &&&&&", false, std::nullopt},
        {"max-age=\"10000\"", false, std::nullopt},
        {"max-age=10.5", false, std::nullopt},
        {"max-age=-1", false, std::nullopt},
        {"max-age", false, std::nullopt},
        {"MaX-aGe=3600", false, std::nullopt},
        {"max-age=60,", false, std::nullopt},
        {"max-age=60,,foo", false, std::nullopt},
        {"no-store=1", false, std::nullopt},
        {"max-age=1234567890123456", false, std::nullopt},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.value));
        const auto control = parse_cdn_cache_control(
            Response(std::string("200 OK\nCDN-Cache-Control: ") + row.value).fields());
        CHECK(control.has_value() == row.valid);
        if (control) CHECK(control->max_age == row.max_age);
    }
    CHECK_FALSE(parse_cdn_cache_control(Response("200 OK\nCache-Control: max-age=3").fields()));
    const auto named = parse_cdn_cache_control(
        Response("200 OK\nCDN-Cache-Control: private=\"a, b\", no-cache").fields());
    REQUIRE(named);
    CHECK(named->private_fields == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(named->private_);
    CHECK(named->no_cache);
}
