#include <doctest/doctest.h>

#include "unit/route/table_kit.hpp"

using namespace larder;
using namespace larder::route;
using namespace larder::route::kit;

namespace {

struct Asked {
    std::string key;
    bool unusable = false;
};

Asked ask(const RouteTable& table, std::string_view method, std::string_view target,
          std::string_view body, const HeaderList& headers = {}) {
    const auto made = OfflineRequest::make(method, target, "api.test", headers, body);
    REQUIRE(made);
    const Match found = match(table, *made);
    REQUIRE(found.route);
    Asked out;
    out.unusable = build_key(*found.route, found.captures, made->head(), out.key).unusable_body;
    return out;
}

std::string fault_of(settings::Route rule) {
    settings::Problems problems;
    RouteTable::compile(settings_of({std::move(rule)}), problems);
    return problems.empty() ? "" : problems.front().path + ": " + problems.front().message;
}

// SHA-256 of nothing and of "{}".
constexpr std::string_view of_nothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::string_view of_braces =
    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

}  // namespace

TEST_CASE("a key holds the body's bytes, with method, type and coding appended") {
    const RouteTable table = table_of({read("QUERY,POST /s", "s:{body|sha256}")});
    CHECK(ask(table, "QUERY", "/s", "{}").key == "s:" + std::string(of_braces) + "?!QUERY,,");
    CHECK(ask(table, "POST", "/s", "",
              {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}})
              .key == "s:" + std::string(of_nothing) + "?!POST,application%2Fjson,gzip");
    CHECK(ask(table, "QUERY", "/s?page=2", "{}").key.ends_with("?!QUERY,,&page=2"));
}

TEST_CASE("the canonical JSON of a body") {
    const RouteTable table = table_of({read("QUERY /s", "s:{body|json|sha256}")});
    CHECK(ask(table, "QUERY", "/s", " { } ").key == ask(table, "QUERY", "/s", "{}").key);
    CHECK(ask(table, "QUERY", "/s", "[1]").key != ask(table, "QUERY", "/s", "[2]").key);
    CHECK_FALSE(ask(table, "QUERY", "/s", "{}").unusable);
    CHECK(ask(table, "QUERY", "/s", "{").unusable);
    CHECK(ask(table, "QUERY", "/s", "").unusable);
    CHECK(ask(table, "QUERY", "/s", "9007199254740993").unusable);
}

TEST_CASE("a value of a JSON body") {
    const RouteTable table = table_of({read("POST /s", "s:{body:/a/b}:{body:/c|sha256}")});
    const auto key = [&](std::string_view body) { return ask(table, "POST", "/s", body).key; };
    CHECK(key(R"({"a":{"b":"x"},"z":1})") == key(R"({"z":2,"a":{"b":"x"}})"));
    CHECK(key(R"({"a":{"b":1}})") != key(R"({"a":{"b":"1"}})"));
    CHECK(key(R"({"a":{"b":":*?"}})").find('*') == std::string::npos);
    CHECK(key("{}").starts_with("s::" + std::string(of_nothing)));
    CHECK(ask(table, "POST", "/s", "no").unusable);
}

TEST_CASE("a write reaches every entry of the URL, whatever its body") {
    const RouteTable table =
        table_of({read("GET /s", "list"), read("QUERY,POST /s", "s:{body|sha256}"),
                  read("QUERY /s/{id}", "s:{id}:{body:/a}")});
    const PurgeSet all = purges_of(table, "DELETE /s");
    CHECK(holds(all.keys, "list"));
    CHECK(holds(all.patterns, "s:*"));
    CHECK(holds(purges_of(table, "DELETE /s/7").patterns, "s:7:*"));
    const OfflineRequest asked = request("QUERY /s/7");
    const Match found = match(table, asked);
    std::string key;
    std::vector<std::string> tags;
    collect_tags(*found.route, key, build_key(*found.route, found.captures, asked.head(), key),
                 tags);
    CHECK(holds(tags, "s:7:*"));
}

TEST_CASE("a POST that a read route takes changes nothing, unless a field says otherwise") {
    const RouteTable table = table_of({read("POST /s", "s:{body|sha256}")});
    const auto changes = [&](std::string_view line, const HeaderList& headers = {}) {
        const OfflineRequest asked = request(line, headers);
        return may_change(match(table, asked), asked.head());
    };
    CHECK_FALSE(changes("POST /s"));
    CHECK(changes("POST /other"));
    CHECK(changes("PUT /s"));
    CHECK(changes("POST /s", {{"X-HTTP-Method-Override", "DELETE"}}));
    CHECK(changes("POST /s?_method=PUT"));
    CHECK_FALSE(changes("QUERY /other"));
    CHECK(purges_of(table, "POST /s").empty());
}

TEST_CASE("what a route that asks by its body must say") {
    CHECK(fault_of(read("QUERY /s", "s")).find("must hold the body") != std::string::npos);
    CHECK(fault_of(read("PUT /s", "s")).find("only GET, HEAD, QUERY and POST") !=
          std::string::npos);
    CHECK(fault_of(read("QUERY /s", "s:{body}")).find("{body|sha256}") != std::string::npos);
    CHECK(fault_of(read("QUERY /s", "s:{body|json}")).find("|json|sha256") != std::string::npos);
    CHECK(fault_of(read("QUERY /s", "s:{body:a}")).find("begins with '/'") != std::string::npos);
    CHECK(fault_of(read("GET /s", "s:{body:/a}")).find("QUERY or POST") != std::string::npos);
    CHECK(fault_of(write("PUT /s", {"s:{body|json|sha256}"})).find("QUERY or POST") !=
          std::string::npos);
    CHECK(fault_of(read("GET /s", "s:{body}")).empty());  // a query parameter of that name
}
