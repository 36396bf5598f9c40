#include "cache/vary.hpp"

#include <doctest/doctest.h>

#include "unit/support/cache_heads.hpp"

using namespace larder;
using namespace larder::cache;
using namespace larder::test;

namespace {

std::string variant(std::string_view request, std::vector<std::string> vary,
                    bool with_host = false) {
    std::string out = "replaced";
    build_variant(Request(request), vary, with_host, out);
    return out;
}

}  // namespace

TEST_CASE("requests that differ only in form share a variant, others do not (RFC 9111, 4.1)") {
    struct Row {
        const char* rfc;
        const char* name;
        const char* a;
        const char* b;
        bool same;
    };
    const Row rows[] = {
        {"match", "foo", "GET /\nFoo: 1", "GET /\nfoo: 1", true},
        {"no match", "foo", "GET /\nFoo: 1", "GET /\nFoo: 2", false},
        {"omitted", "foo", "GET /\nFoo: 1", "GET /", false},
        {"empty is not absent", "foo", "GET /\nFoo:", "GET /", false},
        {"not named", "foo", "GET /\nFoo: 1\nBar: 2", "GET /\nFoo: 1\nBar: 3", true},
        {"white space", "foo", "GET /\nFoo: 1,2", "GET /\nFoo:  1, 2 ", true},
        {"white space", "foo", "GET /\nFoo: 1 2", "GET /\nFoo: 12", false},
        {"combined", "foo", "GET /\nFoo: 1, 2", "GET /\nFoo: 1\nFoo: 2", true},
        {"combined", "foo", "GET /\nFoo: 1, 2", "GET /\nFoo: 2\nFoo: 1", false},
        {"a comma more", "foo", "GET /\nFoo: 1", "GET /\nFoo: 1,", false},
        {"a comma more", "foo", "GET /\nFoo: 1", "GET /\nFoo: ,1", false},
        {"a comma more", "foo", "GET /\nFoo: 1,2", "GET /\nFoo: 1,,2", false},
        {"a comma more", "foo", "GET /\nFoo: ", "GET /\nFoo: ,", false},
        {"a comma more", "accept", "GET /\nAccept: a/b, c/d", "GET /\nAccept: ,a/b,,c/d,", true},
        {"one text", "origin", "GET /\nOrigin: a", "GET /\nOrigin: a,", false},
        {"one text", "user-agent", "GET /\nUser-Agent: a, b", "GET /\nUser-Agent: a,b", false},
        {"one text", "user-agent", "GET /\nUser-Agent: a,b", "GET /\nUser-Agent: a\nUser-Agent: b",
         false},
        {"alias", "foo-bar", "GET /\nFoo-Bar: 1", "GET /\nFoo-Bar: 1\nFoo_Bar: 2", false},
        {"alias", "foo-bar", "GET /\nFoo-Bar: 1", "GET /\nFoo_Bar: 1", false},
        {"alias", "foo-bar", "GET /\nFOO-BAR: 1", "GET /\nfoo-bar: 1", true},
        {"alias", "accept-encoding", "GET /", "GET /\nAccept_Encoding: gzip", false},
        {"quoted", "foo", "GET /\nFoo: \"1, 2\"", "GET /\nFoo: \"1,2\"", false},
        {"value case", "foo", "GET /\nFoo: a", "GET /\nFoo: A", false},
        {"separators", "foo", "GET /\nFoo: 1;bar=2", "GET /\nFoo: 1%3Bbar%3D2", false},
        {"bytes", "foo", "GET /\nFoo: \xc3\xbc", "GET /\nFoo: %C3%BC", false},
        {"language case", "accept-language", "GET /\nAccept-Language: en, de",
         "GET /\nAccept-Language: eN, De", true},
        {"language space", "accept-language", "GET /\nAccept-Language: en, de",
         "GET /\nAccept-Language:  en ,   de", true},
        {"language order", "accept-language", "GET /\nAccept-Language: en, de",
         "GET /\nAccept-Language: de, en", false},
        {"coding order", "accept-encoding", "GET /\nAccept-Encoding: gzip, br",
         "GET /\nAccept-Encoding: br,gzip", true},
        {"coding weights", "accept-encoding", "GET /\nAccept-Encoding: gzip",
         "GET /\nAccept-Encoding: GZIP;q=0.5", true},
        {"coding alias", "accept-encoding", "GET /\nAccept-Encoding: gzip",
         "GET /\nAccept-Encoding: x-gzip", true},
        {"coding unknown", "accept-encoding", "GET /\nAccept-Encoding: gzip",
         "GET /\nAccept-Encoding: gzip, dcb", false},
        {"coding unknown", "accept-encoding", "GET /\nAccept-Encoding: dcz, gzip, dcb",
         "GET /\nAccept-Encoding: gzip, DCB, dcz;q=0.1", true},
        {"coding unknown", "accept-encoding", "GET /\nAccept-Encoding: gzip",
         "GET /\nAccept-Encoding: gzip, dcb;q=0", true},
        {"coding unknown", "accept-encoding", "GET /\nAccept-Encoding: *",
         "GET /\nAccept-Encoding: *, dcb;q=0", false},
        {"coding unknown", "accept-encoding", "GET /\nAccept-Encoding: *",
         "GET /\nAccept-Encoding: *, dcb", true},
        {"coding refused", "accept-encoding", "GET /\nAccept-Encoding: br",
         "GET /\nAccept-Encoding: br, gzip;q=0", true},
        {"coding refused", "accept-encoding", "GET /\nAccept-Encoding: gzip",
         "GET /\nAccept-Encoding: gzip;q=0.000", false},
        {"coding any", "accept-encoding", "GET /\nAccept-Encoding: *",
         "GET /\nAccept-Encoding: gzip", false},
        {"coding absent", "accept-encoding", "GET /\nAccept-Encoding: identity", "GET /", false},
        {"identity refused", "accept-encoding", "GET /\nAccept-Encoding: gzip",
         "GET /\nAccept-Encoding: gzip, *;q=0", false},
        {"identity refused", "accept-encoding", "GET /\nAccept-Encoding: gzip, identity;q=0",
         "GET /\nAccept-Encoding: gzip, *;q=0", true},
        {"cookie is taken as it is", "cookie", "GET /\nCookie: a=1,b", "GET /\nCookie: a=1, b",
         false},
        {"host case", "host", "GET /\nHost: A", "GET /\nHost: a", true},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.rfc));
        CAPTURE(std::string(row.a));
        CAPTURE(std::string(row.b));
        CHECK((variant(row.a, {row.name}) == variant(row.b, {row.name})) == row.same);
    }
}

TEST_CASE("several names are all compared, whatever the order of the request's lines") {
    const std::vector<std::string> names{"bar", "baz", "foo"};
    const std::string stored = variant("GET /\nFoo: 1\nBar: abc\nBaz: 789", names);
    CHECK(stored == variant("GET /\nBaz: 789\nFoo: 1\nBar: abc", names));
    CHECK(stored != variant("GET /\nFoo: 2\nBar: abc\nBaz: 789", names));
    CHECK(stored != variant("GET /\nFoo: 1\nBaz: 789\nBar: abcde", names));
    CHECK(stored != variant("GET /\nFoo: 1\nBar: abc", names));
    CHECK(variant("GET /\nFoo: 1", {"foo"}) != variant("GET /\nBar: 1", {"bar"}));
    CHECK(variant("GET /\nFoo: 1;bar", {"bar", "foo"}) !=
          variant("GET /\nBar: 1;foo", {"bar", "foo"}));
}

TEST_CASE("without Vary the variant is the host, or nothing where the key has it") {
    CHECK(variant("GET /\nHost: Example.com:8080\nFoo: 1", {}, true) == "example.com:8080");
    CHECK(variant("GET /\nHost: a", {}, false).empty());
    CHECK(variant("GET /\nHost: a", {"foo"}, true) == "a;foo");
    CHECK(variant("GET /\nHost: a;foo", {}, true) != variant("GET /\nHost: a", {"foo"}, true));
}

TEST_CASE("a variant tells the scheme and the host it is of") {
    for (const char* host : {"api.test", "api.test:8080", "[::1]:80", "a%b~c;d", "https=x"}) {
        CAPTURE(host);
        const std::string request = "GET /\nHost: " + std::string(host);
        CHECK(target_of_variant(variant(request, {}, true)).authority == host);
        CHECK(target_of_variant(variant(request, {}, true)).scheme == "http");
        CHECK(target_of_variant(variant(request + "\nFoo: 1;2~", {"foo"}, true)).authority == host);
    }
    CHECK(target_of_variant(variant("GET /\nHost: a", {"foo"}, false)).authority.empty());
    CHECK(target_of_variant(variant("GET /\nHost: " + std::string(300, 'a'), {}, true))
              .scheme.empty());
}

TEST_CASE("scheme and host as the origin is told them are part of every variant (RFC 9111, 2)") {
    const auto told = [](std::string_view fields, bool with_host) {
        std::string out;
        build_variant(Request("GET /\nHost: lb\n" + std::string(fields)).from_trusted(), {},
                      with_host, out);
        return out;
    };
    CHECK(told("", true) == "lb");
    CHECK(told("X-Forwarded-Proto: https", true) == "https=lb");
    CHECK(told("X-Forwarded-Proto: HTTPS", false) == "https=");
    CHECK(told("X-Forwarded-Proto: http", true) == "lb");
    CHECK(told("X-Forwarded-Proto: https\nX-Forwarded-Host: Shop.test", true) == "https=shop.test");
    CHECK(told("Forwarded: for=1.1.1.1;proto=https;host=\"shop.test\", for=2.2.2.2;proto=http",
               true) == "https=shop.test");
    CHECK(target_of_variant("https=shop.test;accept-encoding=gzip").scheme == "https");
    CHECK(target_of_variant("https=shop.test").authority == "shop.test");
    CHECK(variant("GET /\nHost: lb\nX-Forwarded-Proto: https\nX-Forwarded-Host: shop.test", {},
                  true) == "lb");
}

TEST_CASE("a long variant ends in a digest, so that it stays short and unique") {
    const std::string base(5000, 'x');
    const std::string a = variant("GET /\nFoo: " + base + "a", {"foo"});
    const std::string b = variant("GET /\nFoo: " + base + "b", {"foo"});
    CHECK(a.size() <= 256);
    CHECK(a != b);
    CHECK(a == variant("GET /\nFoo: " + base + "a", {"foo"}));
    for (char c : a + variant("GET /\nHost: h\nFoo: a\tb \xff\x01", {"foo"}, true))
        CHECK((c > 0x20 && c < 0x7f));
    CHECK(variant("GET /\nFoo: " + a, {"foo"}) != a);
}

TEST_CASE("a stored coding is only for those who accept it (RFC 9110, 12.5.3)") {
    struct Row {
        const char* stored;
        const char* request;
        bool accepted;
    };
    const Row rows[] = {
        {"", "GET /", true},
        {"", "GET /\nAccept-Encoding: identity;q=0", true},
        {"Content-Encoding: gzip", "GET /\nAccept-Encoding: gzip", true},
        {"Content-Encoding: GZip", "GET /\nAccept-Encoding: br, x-gzip;q=0.1", true},
        {"Content-Encoding: x-gzip", "GET /\nAccept-Encoding: gzip", true},
        {"Content-Encoding: gzip", "GET /\nAccept-Encoding: *", true},
        {"Content-Encoding: gzip", "GET /\nAccept-Encoding: br", false},
        {"Content-Encoding: gzip", "GET /\nAccept-Encoding: identity", false},
        {"Content-Encoding: gzip", "GET /\nAccept-Encoding:", false},
        {"Content-Encoding: gzip", "GET /\nAccept-Encoding: gzip;q=0", false},
        {"Content-Encoding: gzip", "GET /\nAccept-Encoding: gzip; q=0.0", false},
        {"Content-Encoding: gzip", "GET /\nAccept-Encoding: *;q=0", false},
        {"Content-Encoding: gzip", "GET /\nAccept-Encoding: *, gzip;q=0", false},
        {"Content-Encoding: br", "GET /\nAccept-Encoding: gzip", false},
        {"Content-Encoding: zstd", "GET /\nAccept-Encoding: gzip, br", false},
        {"Content-Encoding: zstd", "GET /\nAccept-Encoding: gzip, br, zstd", true},
        {"Content-Encoding: gzip, br", "GET /\nAccept-Encoding: gzip", false},
        {"Content-Encoding: gzip\nContent-Encoding: br", "GET /\nAccept-Encoding: gzip", false},
        {"Content-Encoding: dcb", "GET /\nAccept-Encoding: gzip", false},
        {"Content-Encoding: dcb", "GET /\nAccept-Encoding: gzip, DCB", true},
        {"Content-Encoding: dcb", "GET /\nAccept-Encoding: gzip, dcb;q=0", false},
        {"Content-Encoding: lz4", "GET /\nAccept-Encoding: *;q=0.1", true},
        {"Content-Encoding: lz4", "GET /\nAccept-Encoding: *, lz4;q=0", false},
        {"Content-Encoding: snappy, gzip", "GET /\nAccept-Encoding: gzip", false},
        {"Content-Encoding: identity", "GET /\nAccept-Encoding: gzip", true},
        {"Content-Encoding: gzip", "GET /",
         true},  // the variant says that it was chosen for such requests
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.stored));
        CAPTURE(std::string(row.request));
        const auto stored = store(std::string("200 OK\nCache-Control: max-age=9\n") + row.stored);
        CHECK(accepts_coding(Request(row.request), *stored) == row.accepted);
    }
    settings::Route ignoring = minute_rule();
    ignoring.ignore.vary = true;
    const auto stored = store("200 OK\nContent-Encoding: gzip", "x", ignoring);
    CHECK_FALSE(accepts_coding(Request("GET /"), *stored));
}

TEST_CASE(
    "a variant is built from the forwarding fields that the origin sees, not from what the client "
    "sent") {
    struct Row {
        const char* name;
        const char* sent_a;
        const char* peer_a;
        const char* sent_b;
        const char* peer_b;
        bool trusted;
        bool same;
    };
    const Row rows[] = {
        {"x-forwarded-for", "GET /", "10.0.0.1", "GET /", "10.0.0.1", false, true},
        {"x-forwarded-for", "GET /", "10.0.0.1", "GET /", "10.0.0.2", false, false},
        {"x-forwarded-for", "GET /\nX-Forwarded-For: 1.1.1.1", "10.0.0.1", "GET /", "10.0.0.1",
         false, true},
        {"x-forwarded-for", "GET /\nX-Forwarded-For: 1.1.1.1", "10.0.0.1", "GET /", "10.0.0.1",
         true, false},
        {"x-forwarded-proto", "GET /\nX-Forwarded-Proto: https", "10.0.0.1", "GET /", "10.0.0.2",
         false, true},
        {"x-forwarded-proto", "GET /\nX-Forwarded-Proto: https", "10.0.0.1", "GET /", "10.0.0.2",
         true, false},
        {"x-forwarded-host", "GET /\nX-Forwarded-Host: a", "10.0.0.1", "GET /\nX-Forwarded-Host: b",
         "10.0.0.2", false, true},
        {"x-real-ip", "GET /\nX-Real-IP: 1.1.1.1", "10.0.0.1", "GET /", "10.0.0.2", false, true},
        {"forwarded", "GET /\nForwarded: for=1.1.1.1", "10.0.0.1", "GET /", "10.0.0.2", true,
         false},
        {"range", "GET /\nRange: bytes=0-1", "10.0.0.1", "GET /", "10.0.0.2", false, true},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CAPTURE(row.sent_a);
        CAPTURE(row.sent_b);
        const auto of = [&row](const char* sent, const char* peer) {
            const Request request(sent);
            http::RequestHead head = request;
            head.peer = peer;
            head.peer_trusted = row.trusted;
            http::set_target_uri(head);
            std::string out;
            build_variant(head, std::vector<std::string>{row.name}, false, out);
            return out;
        };
        CHECK((of(row.sent_a, row.peer_a) == of(row.sent_b, row.peer_b)) == row.same);
    }
    const Request request("GET /");
    http::RequestHead plain = request;
    plain.peer = "10.0.0.1";
    http::RequestHead tls = plain;
    tls.peer_tls = true;
    http::set_target_uri(tls);
    std::string a, b;
    const std::vector<std::string> proto{"x-forwarded-proto"};
    build_variant(plain, proto, false, a);
    build_variant(tls, proto, false, b);
    CHECK(a != b);
}
