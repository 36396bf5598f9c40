#include "cache/storable.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {

struct Row {
    const char* rfc;
    const char* response;
    Detail reason;
};

void check_rows(std::span<const Row> rows, const settings::Route& rule,
                Detail personal_reason = Detail::none) {
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(std::string(row.response));
        CHECK(to_token(decide(Response(row.response), rule, personal_reason).reason) ==
              to_token(row.reason));
    }
}

}  // namespace

TEST_CASE("what the origin forbids is not stored, whatever the route's ttl") {
    const Row rows[] = {
        {"ttl", "200 OK", Detail::none},
        {"9111 5.2.2.5", "200 OK\nCache-Control: no-store", Detail::no_store},
        {"9111 5.2.2.5", "200 OK\nCache-Control: No-StOrE", Detail::no_store},
        {"9111 5.2.2.5", "200 OK\nCache-Control: max-age=9, no-store", Detail::no_store},
        {"9111 5.2.2.5", "200 OK\nCache-Control: max-age=9\nCache-Control: no-store",
         Detail::no_store},
        {"9111 5.2.2.5", "200 OK\nCache-Control: x=\"no-store\", max-age=9", Detail::none},
        {"9111 5.2.2.7", "200 OK\nCache-Control: private", Detail::private_},
        {"9111 5.2.2.7", "200 OK\nCache-Control: private, max-age=9, public", Detail::private_},
        {"9111 5.2.2.7", "200 OK\nCache-Control: private=\"x-a\", max-age=9", Detail::none},
        {"9111 5.2.2.4", "200 OK\nCache-Control: no-cache", Detail::no_lifetime},
        {"9111 5.2.2.4", "200 OK\nCache-Control: no-cache, max-age=9", Detail::no_lifetime},
        {"9111 5.2.2.4", "200 OK\nCache-Control: no-cache\nETag: \"a\"", Detail::none},
        {"9111 5.2.2.4", "200 OK\nCache-Control: no-cache\nLast-Modified: x", Detail::none},
        {"9111 5.2.2.4", "200 OK\nCache-Control: no-cache=\"a\", max-age=9", Detail::none},
        {"9111 5.2.2.4", "404 Not Found\nCache-Control: no-cache\nETag: \"a\"",
         Detail::no_lifetime},
        {"guarantee 6", "200 OK\nCache-Control: max-age=9\nSet-Cookie: a=b", Detail::set_cookie},
        {"guarantee 6", "200 OK\nSet-Cookie: a=b", Detail::set_cookie},
        {"guarantee 6", "200 OK\nCache-Control: public, no-cache=\"set-cookie\"\nSet-Cookie: a=b",
         Detail::set_cookie},
        {"9111 4.1", "200 OK\nVary: *", Detail::vary_star},
        {"9111 4.1", "200 OK\nVary: *, *", Detail::vary_star},
        {"9111 4.1", "200 OK\nVary: *\nVary: *", Detail::vary_star},
        {"9111 4.1", "200 OK\nVary: , *", Detail::vary_star},
        {"9111 4.1", "200 OK\nVary:\nVary: *", Detail::vary_star},
        {"9111 4.1", "200 OK\nVary: *, Foo", Detail::vary_star},
        {"9111 4.1", "200 OK\nVary: Foo, *", Detail::vary_star},
        {"9111 4.1", "200 OK\nVary: Foo Bar", Detail::vary_star},
        {"9111 4.1", "200 OK\nVary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p", Detail::none},
        {"9111 4.1", "200 OK\nVary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", Detail::vary_limit},
        {"9111 4.1", "200 OK\nVary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,A,B", Detail::none},
        {"9111 5.4", "200 OK\nPragma: no-cache", Detail::no_lifetime},
        {"9111 5.4", "200 OK\nPragma: no-cache\nCache-Control: max-age=9", Detail::none},
        {"9111 5.4", "200 OK\nPragma: other", Detail::none},
    };
    check_rows(rows, minute_rule());
}

TEST_CASE("a lifetime of zero is only kept where it can serve for something") {
    const Row rows[] = {
        {"no lifetime", "200 OK", Detail::no_lifetime},
        {"no lifetime", "200 OK\nETag: \"a\"", Detail::no_lifetime},
        {"9111 3", "200 OK\nCache-Control: max-age=0", Detail::no_lifetime},
        {"9111 3", "200 OK\nCache-Control: max-age=0\nETag: \"a\"", Detail::none},
        {"9111 3", "200 OK\nExpires: 0\nLast-Modified: Sun, 06 Nov 1994 08:00:00 GMT",
         Detail::none},
        {"9111 3", "200 OK\nExpires: 0", Detail::no_lifetime},
        {"9111 3", "500 Oops\nCache-Control: max-age=0\nETag: \"a\"", Detail::no_lifetime},
        {"9111 3", "200 OK\nCache-Control: max-age=9\nAge: 10", Detail::no_lifetime},
        {"9111 3", "200 OK\nCache-Control: max-age=9\nAge: 10\nETag: \"a\"", Detail::none},
        {"5861 3", "200 OK\nCache-Control: max-age=0, stale-while-revalidate=9", Detail::none},
        {"5861 4", "200 OK\nCache-Control: max-age=0, stale-if-error=9", Detail::none},
        {"9111 4.2.4", "200 OK\nCache-Control: max-age=0, stale-if-error=9, must-revalidate",
         Detail::no_lifetime},
        {"9111 5.2.2.10", "200 OK\nCache-Control: s-maxage=0", Detail::no_lifetime},
        {"9213 2.1", "200 OK\nCDN-Cache-Control: max-age=0\nCache-Control: max-age=9",
         Detail::no_lifetime},
        {"9111 5.2.2.9", "200 OK\nCache-Control: public", Detail::no_lifetime},
    };
    check_rows(rows, bare_rule());
}

TEST_CASE(
    "any final status is stored under an explicit lifetime, but those that speak of the request "
    "alone") {
    for (int status : {200, 201, 202, 203, 204, 205, 299, 300, 301, 302, 303, 307, 308, 400,
                       401, 403, 404, 405, 410, 414, 451, 499, 500, 501, 502, 503, 504, 599}) {
        CAPTURE(status);
        const auto text = std::to_string(status) + " X\nCache-Control: max-age=9";
        CHECK(decide(Response(text)).reason == Detail::none);
        const auto expires = std::to_string(status) +
                             " X\nDate: Sun, 06 Nov 1994 08:49:37 GMT\nExpires: Sun, 06 Nov 1994 "
                             "08:50:37 GMT";
        CHECK(decide(Response(expires)).reason == Detail::none);
    }
    for (int status :
         {100, 101, 103, 199, 407, 408, 412, 417, 425, 428, 429, 431, 511, 600, 999, 0}) {
        CAPTURE(status);
        CHECK(decide(Response(std::to_string(status) + " X\nCache-Control: max-age=9")).reason ==
              Detail::status);
    }
    for (int status : {206, 304, 416}) {
        CAPTURE(status);
        CHECK(decide(Response(std::to_string(status) + " X\nCache-Control: max-age=9")).reason ==
              Detail::partial);
    }
    // Content-Range means nothing in a 200 (RFC 9110, 14.4).
    CHECK(decide(Response("200 OK\nCache-Control: max-age=9\nContent-Range: bytes 0-1/9")).reason ==
          Detail::none);
}

TEST_CASE("the route's ttl is for 200, 203 and permanent redirects; status_ttl for its own") {
    settings::Route rule = minute_rule();
    for (int status : {200, 203, 301, 308}) {
        CAPTURE(status);
        CHECK(decide(Response(std::to_string(status) + " X"), rule).freshness.lifetime == 60s);
    }
    for (int status : {201, 204, 299, 300, 302, 303, 307, 400, 404, 405, 410, 414, 500, 501, 503}) {
        CAPTURE(status);
        CHECK(decide(Response(std::to_string(status) + " X"), rule).reason == Detail::status);
    }
    rule.status_ttl = {{404, 10s}, {200, 5s}, {301, 0s}, {429, 5s}};
    CHECK(decide(Response("404 X"), rule).freshness.lifetime == 10s);
    CHECK(decide(Response("404 X"), rule).reason == Detail::none);
    CHECK(decide(Response("200 X"), rule).freshness.lifetime == 5s);
    CHECK(decide(Response("301 X"), rule).reason == Detail::no_lifetime);
    CHECK(decide(Response("429 X"), rule).reason == Detail::status);  // RFC 6585, 4
    CHECK(decide(Response("404 X\nCache-Control: max-age=3"), rule).freshness.lifetime == 3s);
    CHECK(decide(Response("404 X\nCache-Control: no-store"), rule).reason == Detail::no_store);
    rule.ttl = 0s;
    rule.status_ttl.clear();
    CHECK(decide(Response("200 X"), rule).reason == Detail::no_lifetime);
}

TEST_CASE(
    "must-understand lifts no-store from the statuses larder understands (RFC 9111, 5.2.2.3)") {
    const Row rows[] = {
        {"9111 5.2.2.3", "200 OK\nCache-Control: max-age=9, no-store, must-understand",
         Detail::none},
        {"9111 5.2.2.3", "404 X\nCache-Control: must-understand, no-store, max-age=9",
         Detail::none},
        {"9111 5.2.2.3", "599 X\nCache-Control: max-age=9, no-store, must-understand",
         Detail::status},
        {"9111 5.2.2.3", "599 X\nCache-Control: max-age=9, must-understand", Detail::status},
        {"9111 5.2.2.3", "299 X\nCache-Control: max-age=9, must-understand", Detail::status},
        {"9111 5.2.2.3", "206 X\nCache-Control: max-age=9, must-understand", Detail::partial},
        {"9111 5.2.2.3", "200 OK\nCache-Control: max-age=9, no-store, must-understand, private",
         Detail::private_},
    };
    check_rows(rows, bare_rule());
}

TEST_CASE(
    "the answer to a request with credentials is stored only where the origin shares it (RFC 9111, "
    "3.5)") {
    const auto check = [](Detail personal_reason) {
        const Row rows[] = {
            {"9111 3.5", "200 OK\nCache-Control: max-age=9", personal_reason},
            {"9111 3.5", "200 OK\nCache-Control: max-age=9, proxy-revalidate", personal_reason},
            {"9111 3.5", "200 OK\nExpires: Sun, 06 Nov 2050 08:49:37 GMT", personal_reason},
            {"9111 3.5", "200 OK", personal_reason},
            {"9111 3.5", "200 OK\nCache-Control: max-age=9, public", Detail::none},
            {"9111 3.5", "200 OK\nCache-Control: max-age=9, must-revalidate",
             personal_reason == Detail::cookie ? Detail::cookie : Detail::none},
            {"9111 3.5", "200 OK\nCache-Control: s-maxage=9", Detail::none},
            {"9111 3.5", "200 OK\nCache-Control: public, private, max-age=9", Detail::private_},
            {"9111 3.5", "200 OK\nCache-Control: public, max-age=9\nSet-Cookie: a=b",
             Detail::set_cookie},
            {"9213 2.1", "200 OK\nCDN-Cache-Control: max-age=9\nCache-Control: public",
             personal_reason},
            {"9213 2.1", "200 OK\nCDN-Cache-Control: public, max-age=9", Detail::none},
        };
        check_rows(rows, minute_rule(), personal_reason);
    };
    check(Detail::authorization);
    check(Detail::cookie);
    CHECK(decide(Response("200 OK\nCache-Control: s-maxage=9"), bare_rule()).freshness.shared);
    CHECK_FALSE(decide(Response("200 OK\nCache-Control: max-age=9"), bare_rule()).freshness.shared);
}

TEST_CASE("ignore and strip overlook what they name") {
    settings::Route rule = minute_rule();
    rule.ignore.cache_control = true;
    for (const char* text :
         {"200 OK\nCache-Control: no-store", "200 OK\nCache-Control: private", "200 OK\nExpires: 0",
          "200 OK\nPragma: no-cache", "200 OK\nCDN-Cache-Control: no-store",
          "200 OK\nCache-Control: max-age=1", "200 OK\nCache-Control: no-cache, must-revalidate"}) {
        CAPTURE(std::string(text));
        const StoreDecision decision = decide(Response(text), rule);
        CHECK(decision.reason == Detail::none);
        CHECK(decision.freshness.lifetime == 60s);
        CHECK_FALSE(decision.freshness.no_cache);
    }
    CHECK(decide(Response("200 OK\nSet-Cookie: a=b"), rule).reason == Detail::set_cookie);
    CHECK(decide(Response("200 OK\nCache-Control: public"), rule, Detail::cookie).reason ==
          Detail::cookie);

    rule = minute_rule();
    rule.ignore.set_cookie = true;
    CHECK(decide(Response("200 OK\nSet-Cookie: a=b"), rule).reason == Detail::none);
    rule = minute_rule();
    rule.strip = {"set-cookie"};
    CHECK(decide(Response("200 OK\nSet-Cookie: a=b"), rule).reason == Detail::none);
    rule = minute_rule();
    rule.ignore.vary = true;
    CHECK(decide(Response("200 OK\nVary: *"), rule).reason == Detail::none);
    CHECK(decide(Response("200 OK\nVary: a\nContent-Encoding: gzip"), rule).vary.empty());
}

TEST_CASE("a route's ttl does not cover event streams; what the origin grants does") {
    const auto reason = [](const std::string& fields) {
        return to_token(decide(Response("200 OK\n" + fields), minute_rule()).reason);
    };
    CHECK(reason("Content-Type: text/event-stream") == "stream");
    CHECK(reason("Content-Type: Text/Event-Stream ; charset=utf-8") == "stream");
    CHECK(reason("Content-Type: multipart/x-mixed-replace; boundary=x") == "stream");
    CHECK(reason("Content-Type: text/event-streams") == "");
    CHECK(reason("Content-Type: text/event-stream\nCache-Control: max-age=5") == "");
    CHECK(reason("Content-Type: text/event-stream\nCache-Control: no-store") == "no-store");
}

TEST_CASE("a coding that needs a dictionary varies on it (RFC 9842)") {
    using Names = std::vector<std::string>;
    const auto vary = [](const std::string& fields) {
        return decide(Response("200 OK\n" + fields), minute_rule()).vary;
    };
    CHECK(vary("Content-Encoding: dcb") == Names{"accept-encoding", "available-dictionary"});
    CHECK(vary("Content-Encoding: gzip\nVary: Foo") == Names{"accept-encoding", "foo"});
    const Names full = vary("Content-Encoding: dcb\nVary: b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q");
    CHECK(full.size() == 18);
    CHECK(std::count(full.begin(), full.end(), "accept-encoding") == 1);
}

TEST_CASE("the decision lists what the response varies on and what is left out") {
    CHECK(decide(Response("200 OK\nVary: Foo, bar\nVary: ,FOO"), minute_rule()).vary ==
          std::vector<std::string>{"bar", "foo"});
    CHECK(decide(Response("200 OK\nContent-Encoding: gzip\nVary: bar"), minute_rule()).vary ==
          std::vector<std::string>{"accept-encoding", "bar"});
    CHECK(decide(Response("200 OK\nContent-Encoding: br\nVary: Accept-Encoding"), minute_rule())
              .vary == std::vector<std::string>{"accept-encoding"});
    CHECK(
        decide(Response("200 OK\nCache-Control: no-cache=\"A\", private=\"b\", max-age=3")).omit ==
        std::vector<std::string>{"a", "b"});
}

TEST_CASE(
    "only reads are stored (a POST comes here only under a route that reads), and not where an "
    "honoured client forbids it (RFC 9111, "
    "5.2.1.5)") {
    const Response response("200 OK\nCache-Control: max-age=9");
    settings::Route rule = bare_rule();
    const auto reason = [&](const char* request) {
        return decide_storable(Request(request), response, rule, Detail::none, noon, noon).reason;
    };
    CHECK(reason("GET /") == Detail::none);
    CHECK(reason("HEAD /") == Detail::none);
    CHECK(reason("QUERY /") == Detail::none);
    CHECK(reason("PUT /") == Detail::uncacheable);
    CHECK(reason("GET /\nCache-Control: no-store") == Detail::none);
    rule.honour_client_no_cache = true;
    CHECK(reason("GET /\nCache-Control: no-store") == Detail::no_store);
}
