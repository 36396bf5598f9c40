#include "http/claims.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "cache/request_bypass.hpp"
#include "cache/vary.hpp"
#include "unit/support/allocation_count.hpp"
#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::http;
using namespace larder::test;
using cache::Detail;

namespace {

std::string with_underscores(std::string name) {
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

std::string in_capitals(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return name;
}

Field field(std::string_view name) { return {name, "x", field_id(name)}; }

bool only_a_proxy_says(const KnownClaim& known) {
    const Claim claim = known.claim;
    return claim == Claim::address || claim == Claim::scheme || claim == Claim::host ||
           claim == Claim::port || known.name.starts_with("x-forwarded-");
}

/// Why a read with this field bypasses the cache, from a trusted peer or another one.
Detail bypass_of(const std::string& line, bool trusted,
                 std::span<const std::string> key_headers = {}, const std::string& more = "") {
    const Request request("GET /articles/42\nHost: api.test\n" + line + more);
    http::RequestHead head = request;
    head.peer = "192.0.2.1";
    head.peer_trusted = trusted;
    set_target_uri(head);
    return cache::request_bypass(head, key_headers);
}

}  // namespace

TEST_CASE(
    "every known claim is found in any spelling, and no untrusted peer's claim changes a cached "
    "response") {
    CHECK(known_claims().size() > 150);
    for (const KnownClaim& known : known_claims()) {
        const std::string name(known.name);
        CAPTURE(name);
        CHECK_FALSE(known.read_by.empty());
        CHECK(may_claim(field(name)));
        for (const std::string& spelling : {name, in_capitals(name), with_underscores(name),
                                            in_capitals(with_underscores(name))}) {
            CAPTURE(spelling);
            CHECK(claim_of(field(spelling)) == known.claim);
            CHECK(is_dropped(field(spelling), false) == only_a_proxy_says(known));
            const bool odd = spelling.find('_') != std::string::npos;
            CHECK(is_dropped(field(spelling), true) == (odd && only_a_proxy_says(known)));
            const bool harmless = only_a_proxy_says(known) || known.claim == Claim::proxy;
            CHECK((bypass_of(spelling + ": x", false) == Detail::unsafe_header) == !harmless);
        }
    }
}

TEST_CASE("any X-Forwarded-* is a claim; names that only resemble a claim are not") {
    for (const char* name :
         {"X-Forwarded-Anything", "x_forwarded_anything", "X-Forwarded-A", "x-forwarded_b",
          "X-Forwarded-Something-With-A-Very-Long-Name-That-Nobody-Knows-At-All"}) {
        CAPTURE(std::string(name));
        CHECK(claim_of(field(name)) == Claim::unknown);
        CHECK(is_dropped(field(name), false));
    }
    for (const char* name :
         {"X-Forwarded-", "X-Forwarde", "Accept", "User-Agent", "X-Requested-With", "X-Request-Id",
          "Sec-Fetch-Mode", "X-Tenant", "Origin", "Referer", "Host", "Cookie", "Authorization", "1",
          "-", "_", "X"}) {
        CAPTURE(std::string(name));
        CHECK(claim_of(field(name)) == Claim::none);
        CHECK_FALSE(is_dropped(field(name), false));
    }
}

TEST_CASE(
    "a request with a trusted peer's claim uses the cache only if the claim agrees with the key") {
    struct Row {
        const char* lines;
        Detail detail;
    };
    const Row rows[] = {
        {"X-Forwarded-For: 10.0.0.1\nX-Forwarded-Proto: https\nX-Forwarded-Host: a.test",
         Detail::none},
        {"X-Forwarded-Server: proxy7\nX-Real-IP: 10.0.0.1\nForwarded: for=10.0.0.1", Detail::none},
        {"CF-Connecting-IP: 10.0.0.1\nTrue-Client-IP: 10.0.0.1", Detail::none},
        {"X-Forwarded-Port: 80", Detail::none},
        {"X-Forwarded-Port: 443", Detail::unsafe_header},
        {"X-Forwarded-Proto: https\nX-Forwarded-Port: 443", Detail::none},
        {"X-Forwarded-Host: a.test:8443\nX-Forwarded-Port: 8443", Detail::none},
        {"X-Forwarded-Host: [::1]:8443\nX-Forwarded-Port: 8443", Detail::none},
        {"X-Forwarded-Host: [::1]\nX-Forwarded-Port: 80", Detail::none},
        {"X-Forwarded-Port: 1, 80", Detail::unsafe_header},
        {"X-Forwarded-Scheme: http", Detail::none},
        {"X-Forwarded-Scheme: https", Detail::unsafe_header},
        {"X-Forwarded-Proto: https\nX-Forwarded-Scheme: https\nX-Forwarded-Ssl: "
         "on\nFront-End-Https: on",
         Detail::none},
        {"X-Forwarded-Proto: https\nX-Scheme: http", Detail::unsafe_header},
        {"X-Forwarded-Proto: https\nCF-Visitor: {\"scheme\":\"https\"}", Detail::none},
        {"X-Forwarded-Proto: https\nCF-Visitor: {\"scheme\":\"http\"}", Detail::unsafe_header},
        {"X-Forwarded-Proto: https\nX-ARR-SSL: 2048|256|CN=x", Detail::none},
        {"X-ARR-SSL: 2048|256|CN=x", Detail::unsafe_header},
        {"X-Forwarded-Scheme: gopher", Detail::unsafe_header},
        {"X-Host: api.test", Detail::none},
        {"X-Host: API.test\nX-Original-Host: api.test", Detail::none},
        {"X-Host: other", Detail::unsafe_header},
        {"X-Forwarded-Host: a.test\nX-Host: api.test", Detail::unsafe_header},
        {"X-Forwarded-Prefix: /", Detail::none},
        {"X-Forwarded-Prefix:", Detail::none},
        {"X-Forwarded-Prefix: /shop", Detail::unsafe_header},
        {"X-Forwarded-Anything: x", Detail::unsafe_header},
        {"X-Forwarded-User: ann", Detail::unsafe_header},
        {"X-Original-URL: /articles/42", Detail::unsafe_header},
        {"X_Forwarded_Scheme: https", Detail::none},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.lines));
        CHECK(to_token(bypass_of(row.lines, true)) == to_token(row.detail));
    }
}

TEST_CASE("a claim in the key is safe from a trusted peer, not from another one") {
    const std::vector<std::string> key{"x-forwarded-scheme", "remote-user",
                                       "x-http-method-override"};
    CHECK(bypass_of("X-Forwarded-Scheme: https", true, key) == Detail::none);
    CHECK(bypass_of("X-Forwarded-Scheme: https", false, key) == Detail::unsafe_header);
    CHECK(bypass_of("Remote-User: ann", true, key) == Detail::none);
    CHECK(bypass_of("Remote-User: ann", false, key) == Detail::none);
    CHECK(bypass_of("X-HTTP-Method-Override: DELETE", true, key) == Detail::unsafe_header);
}

TEST_CASE("a Vary on a field that the origin does not see makes no variants") {
    const auto variant_of = [](const std::string& line, bool trusted) {
        const Request request("GET /\nHost: h\n" + line);
        http::RequestHead head = request;
        head.peer = "192.0.2.1";
        head.peer_trusted = trusted;
        set_target_uri(head);
        std::string variant;
        const std::vector<std::string> schemes{"x-forwarded-scheme", "x-scheme"};
        cache::build_variant(head, schemes, true, variant);
        return variant;
    };
    CHECK(variant_of("X-Forwarded-Scheme: https", false) == variant_of("A: b", false));
    CHECK(variant_of("X-Scheme: https", false) == variant_of("A: b", false));
    CHECK(variant_of("X-Forwarded-Scheme: https", true) != variant_of("A: b", true));
}

TEST_CASE("the search for claims allocates nothing") {
    const Field fields[] = {field("User-Agent"), field("X_Forwarded_Scheme"),
                            field("X-Forwarded-Anything-Whatever-It-May-Be-Called-Here"),
                            field("X-Requested-With"), field("Client-IP")};
    const std::size_t before = allocations();
    std::size_t claims = 0;
    for (const Field& one : fields) claims += claim_of(one) != Claim::none;
    const std::size_t after = allocations();
    CHECK(after == before);
    CHECK(claims == 3);
    for (const char* usual : {"User-Agent", "Upgrade-Insecure-Requests", "Sec-Fetch-Site",
                              "Sec-CH-UA-Mobile", "Referer", "Host"})
        CHECK_FALSE(may_claim(field(usual)));
}
