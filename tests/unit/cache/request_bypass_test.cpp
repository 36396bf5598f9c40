#include "cache/request_bypass.hpp"

#include <doctest/doctest.h>

#include "cache/personal.hpp"
#include "cache/request_directives.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

TEST_CASE("requests that stay out of the cache") {
    struct Row {
        const char* why;
        const char* request;
        Detail detail;
    };
    const Row rows[] = {
        {"ordinary", "GET /\nHost: h\nAccept: */*\nUser-Agent: x\nConnection: keep-alive",
         Detail::none},
        {"ordinary", "GET /\nConnection: close\nTE: trailers", Detail::none},
        {"ordinary", "GET /\nConnection: TE, close\nTE: trailers", Detail::none},
        {"ordinary", "GET /\nContent-Length: 0", Detail::none},
        {"ordinary", "GET /\nIf-None-Match: \"a\"\nRange: bytes=0-1\nCookie: a=b\nAuthorization: x",
         Detail::none},
        {"ordinary", "GET /\nExpect: 100-continue", Detail::none},
        {"9110 9.3.1", "GET /\nContent-Length: 1", Detail::body},
        {"9110 9.3.1", "GET /\nTransfer-Encoding: chunked", Detail::body},
        {"9110 7.8", "GET /\nConnection: Upgrade\nUpgrade: websocket", Detail::upgrade},
        {"9110 7.8", "GET /\nUpgrade: websocket\nConnection: keep-alive, upgrade", Detail::upgrade},
        {"9110 7.8", "GET /\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: x",
         Detail::upgrade},
        {"9110 7.8", "GET /\nUpgrade: websocket", Detail::none},
        {"9110 7.8", "GET /\nConnection: upgrade", Detail::none},
        {"override", "GET /\nX-HTTP-Method-Override: DELETE", Detail::unsafe_header},
        {"override", "GET /\nx-http-method: DELETE", Detail::unsafe_header},
        {"override", "GET /\nX-Method-Override: DELETE", Detail::unsafe_header},
        {"override", "GET /\nX-Original-URL: /admin", Detail::unsafe_header},
        {"override", "GET /\nX-Rewrite-URL: /admin", Detail::unsafe_header},
        {"override", "GET /\nConnection: x-original-url\nX-Original-URL: /admin",
         Detail::unsafe_header},
        {"taken away", "GET /\nX-Tenant: a\nConnection: x-tenant", Detail::unsafe_header},
        {"taken away", "GET /\nX-Tenant: a\nConnection: close\nConnection: foo, X-TENANT",
         Detail::unsafe_header},
        {"taken away", "GET /\nX-Tenant: a\nConnection: x-other", Detail::none},
        {"taken away", "GET /\nCookie: a\nConnection: cookie, authorization, host", Detail::none},
        {"9110 13.1.1", "GET /\nIf-Match: \"a\"", Detail::pass},
        {"9110 13.1.4", "GET /\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", Detail::pass},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.why));
        CAPTURE(std::string(row.request));
        CHECK(to_token(request_bypass(Request(row.request))) == to_token(row.detail));
    }
}

TEST_CASE("credentials make a request personal unless key or rule cover them (guarantee 6)") {
    const std::vector<std::string> names{"lang", "theme"};
    KeyCoverage nothing;
    KeyCoverage authorization;
    authorization.has_authorization = true;
    KeyCoverage cookies;
    cookies.cookies = &names;
    KeyCoverage cookie_header;
    cookie_header.has_cookie_header = true;
    settings::Route plain = bare_rule();
    settings::Route ignoring = bare_rule();
    ignoring.ignore.cookie = true;
    ignoring.ignore.authorization = true;
    struct Row {
        const char* request;
        const settings::Route& rule;
        const KeyCoverage& coverage;
        Detail detail;
    };
    const Row rows[] = {
        {"GET /", plain, nothing, Detail::none},
        {"GET /\nAuthorization: x", plain, nothing, Detail::authorization},
        {"GET /\nAuthorization:", plain, nothing, Detail::authorization},
        {"GET /\nCookie: a=b", plain, nothing, Detail::cookie},
        {"GET /\nCookie: a=b\nAuthorization: x", plain, nothing, Detail::cookie},
        {"GET /\nAuthorization: x\nCookie: a=b", plain, nothing, Detail::cookie},
        {"GET /\nCookie:", plain, nothing, Detail::none},
        {"GET /\nCookie: ;", plain, nothing, Detail::none},
        {"GET /\nAuthorization: x", plain, authorization, Detail::none},
        {"GET /\nAuthorization: x\nCookie: a=b", plain, authorization, Detail::cookie},
        {"GET /\nAuthorization: x\nCookie: a=b", ignoring, nothing, Detail::none},
        {"GET /\nCookie: lang=de", plain, cookies, Detail::none},
        {"GET /\nCookie: lang=de; theme=dark", plain, cookies, Detail::none},
        {"GET /\nCookie: theme=dark;lang=de;", plain, cookies, Detail::none},
        {"GET /\nCookie: lang=de\nCookie: theme=dark", plain, cookies, Detail::none},
        {"GET /\nCookie: lang=de; session=1", plain, cookies, Detail::cookie},
        {"GET /\nCookie: lang=de\nCookie: session=1", plain, cookies, Detail::cookie},
        {"GET /\nCookie: lang=de; lang=fr", plain, cookies, Detail::cookie},
        {"GET /\nCookie: lang=de\nCookie: lang=fr", plain, cookies, Detail::cookie},
        {"GET /\nCookie: LANG=de", plain, cookies, Detail::cookie},
        {"GET /\nCookie: lang", plain, cookies, Detail::cookie},
        {"GET /\nCookie: lang =de", plain, cookies, Detail::cookie},
        {"GET /\nCookie: de", plain, cookies, Detail::cookie},
        {"GET /\nCookie: =de", plain, cookies, Detail::cookie},
        {"GET /\nCookie: lang=de; session=1", ignoring, cookies, Detail::none},
        {"GET /\nCookie: lang=de; session=1", plain, cookie_header, Detail::none},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.request));
        CHECK(to_token(personal(Request(row.request), row.rule, row.coverage)) ==
              to_token(row.detail));
    }
}

TEST_CASE("the fields of `credentials` make a request personal as Authorization does") {
    const http::CredentialNames names({"x-api-key", "x_tenant"});
    KeyCoverage coverage;
    coverage.credentials = &names;
    const auto of = [&](std::string_view request) {
        return to_token(personal(Request(request), bare_rule(), coverage));
    };
    CHECK(of("GET /\nX-API-Key: k") == "authorization");
    CHECK(of("GET /\nx_api_key: k") == "authorization");
    CHECK(of("GET /\nX-API-Key:") == "authorization");
    CHECK(of("GET /\nX-Tenant: k") == "authorization");
    CHECK(of("GET /\nX-API-Keys: k\nX-API-Kez: k") == "");
    CHECK(of("GET /\nX-API-Key: k\nCookie: a=b") == "cookie");
}

TEST_CASE(
    "a trusted proxy that contradicts itself about scheme or host keeps the request out of the "
    "cache") {
    const auto of = [](std::string_view fields) {
        return request_bypass(Request("GET /\nHost: lb\n" + std::string(fields)).from_trusted());
    };
    CHECK(of("X-Forwarded-Proto: https\nX-Forwarded-Host: shop.test") == Detail::none);
    CHECK(of("X-Forwarded-Proto: https\nForwarded: proto=https") == Detail::none);
    CHECK(of("X-Forwarded-Proto: https\nForwarded: proto=http") == Detail::unsafe_header);
    CHECK(of("X-Forwarded-Host: a.test\nForwarded: for=1.1.1.1;host=b.test") ==
          Detail::unsafe_header);
    CHECK(of("X-Forwarded-Proto: https\nX-Forwarded-Proto: http") == Detail::unsafe_header);
    CHECK(of("X-Forwarded-Host: a.test\nX-Forwarded-Host: b.test") == Detail::unsafe_header);
    CHECK(of("Forwarded: proto=https;host=shop.test") == Detail::none);
    CHECK(of("X-Forwarded-Proto: https, http\nX-Forwarded-Ssl: on\nX-Forwarded-Port: 443") ==
          Detail::none);
    CHECK(of("X-Forwarded-Proto: https\nX-Forwarded-Ssl: off") == Detail::unsafe_header);
}

TEST_CASE(
    "the client's directives count where the route honours them, only-if-cached always (RFC 9111, "
    "5.2.1)") {
    settings::Route honouring = bare_rule();
    honouring.honour_client_no_cache = true;
    const Request request(
        "GET /\nCache-Control: no-cache, no-store, max-age=1, min-fresh=2\nCache-Control: "
        "max-stale=3,"
        " only-if-cached");
    const RequestDirectives honoured = request_directives(request, honouring);
    CHECK(honoured.no_cache);
    CHECK(honoured.no_store);
    CHECK(honoured.only_if_cached);
    CHECK(honoured.max_age == 1s);
    CHECK(honoured.min_fresh == 2s);
    CHECK(honoured.max_stale == 3s);
    const RequestDirectives plain = request_directives(request, bare_rule());
    CHECK_FALSE(plain.no_cache);
    CHECK_FALSE(plain.no_store);
    CHECK(plain.only_if_cached);
    CHECK_FALSE(plain.max_age);
    CHECK_FALSE(plain.min_fresh);
    CHECK_FALSE(plain.max_stale);
    CHECK(request_directives(Request("GET /\nCache-Control: max-stale"), honouring).max_stale ==
          Seconds::max());

    const auto pragma = [&](const char* text, const settings::Route& rule) {
        return request_directives(Request(text), rule).no_cache;
    };
    CHECK(pragma("GET /\nPragma: no-cache", honouring));
    CHECK(pragma("GET /\nPragma: x, No-Cache", honouring));
    CHECK_FALSE(pragma("GET /\nPragma: no-cache\nCache-Control: max-age=9", honouring));
    CHECK_FALSE(pragma("GET /\nPragma: no-cache", bare_rule()));
    CHECK_FALSE(pragma("GET /\nPragma: other", honouring));
}
