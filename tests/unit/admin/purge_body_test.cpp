#include "admin/purge_body.hpp"

#include <doctest/doctest.h>

#include "admin/explain_query.hpp"

using namespace larder::admin;

namespace {

std::string complaint(std::string_view body) {
    const auto parsed = parse_purge_body(body);
    const auto* text = std::get_if<std::string>(&parsed);
    return text == nullptr ? "" : *text;
}

}  // namespace

TEST_CASE("an order may name keys, patterns, tags and URLs together") {
    const auto parsed = parse_purge_body(
        R"({"keys": ["articles:42"], "patterns": ["articles:list:*"], "tags": ["author:7"], "urls": ["/a?b=c", "http://h/x"], "soft": true})");
    REQUIRE(std::holds_alternative<PurgeOrder>(parsed));
    PurgeOrder order;
    order.keys = {"articles:42"};
    order.patterns = {"articles:list:*"};
    order.tags = {"author:7"};
    order.urls = {"/a?b=c", "http://h/x"};
    order.soft = true;
    CHECK(std::get<PurgeOrder>(parsed) == order);
}

TEST_CASE("an order may name hosts, prefixes or everything") {
    const auto parsed =
        parse_purge_body(R"({"hosts": ["a.example"], "prefixes": ["b.example/blog"]})");
    REQUIRE(std::holds_alternative<PurgeOrder>(parsed));
    CHECK(std::get<PurgeOrder>(parsed).hosts == std::vector<std::string>{"a.example"});
    CHECK(std::get<PurgeOrder>(parsed).prefixes == std::vector<std::string>{"b.example/blog"});
    const auto all = parse_purge_body(R"({"everything": true})");
    REQUIRE(std::holds_alternative<PurgeOrder>(all));
    CHECK(std::get<PurgeOrder>(all).everything);
    CHECK_FALSE(complaint(R"({"everything": false})").empty());
    CHECK_FALSE(complaint(R"({"everything": 1})").empty());
}

TEST_CASE("an order that is not understood wholly is refused with a reason") {
    struct Row {
        std::string_view body, reason;
    };
    for (const auto& [body, reason] : {
             Row{"", "not valid JSON"},
             Row{"{\"keys\": [\"a\"]", "not valid JSON"},
             Row{"{\"keys\": [\"a\"]} x", "not valid JSON"},
             Row{"{\"keys\": [\"\xff\"]}", "not valid JSON"},
             Row{"[[[[[[[[1]]]]]]]]", "not valid JSON"},
             Row{"[\"a\"]", "must be a JSON object"},
             Row{"{}", "nothing to purge"},
             Row{"{\"keys\": [], \"soft\": true}", "nothing to purge"},
             Row{"{\"key\": [\"a\"]}", "unknown field \"key\""},
             Row{"{\"keys\": [\"a\"], \"all\": true}", "unknown field \"all\""},
             Row{"{\"keys\": \"a\"}", "\"keys\" must be a list of strings"},
             Row{"{\"keys\": [1]}", "\"keys\" must be a list of strings"},
             Row{"{\"keys\": null}", "\"keys\" must be a list of strings"},
             Row{"{\"keys\": [\"\"]}", "empty string"},
             Row{"{\"keys\": [\"a*\"]}", "patterns"},
             Row{"{\"patterns\": [\"\"]}", "empty"},
             Row{"{\"urls\": [\"articles\"]}", "must start with"},
             Row{"{\"keys\": [\"a\"], \"soft\": \"yes\"}", "\"soft\" must be true or false"},
             Row{"{\"keys\": [\"a\"], \"soft\": 1}", "\"soft\" must be true or false"},
             Row{"{\"keys\": [\"a\"], \"keys\": [\"b\"]}", "\"keys\" appears twice"},
         }) {
        CAPTURE(body);
        CAPTURE(complaint(body));
        CHECK(complaint(body).find(reason) != std::string::npos);
    }
}

TEST_CASE("the size of an order is bounded") {
    std::string body = "{\"keys\": [\"a\"";
    for (std::size_t i = 1; i < purge_items_max; ++i) body += ",\"a\"";
    CHECK(complaint(body + "]}").empty());
    CHECK_FALSE(complaint(body + ",\"a\"]}").empty());
    CHECK_FALSE(
        complaint("{\"tags\": [\"" + std::string(purge_item_bytes_max + 1, 'a') + "\"]}").empty());
}

TEST_CASE("a purge is answered by what became of it") {
    PurgeOrder order;
    order.urls = {"/u"};
    PurgeOrder with_its_keys = order;
    with_its_keys.keys = {"k"};
    PurgeResult result{PurgeResult::Outcome::done, order, with_its_keys, 3, ""};
    CHECK(to_answer(result).status == 200);
    CHECK(
        to_answer(result).json ==
        R"({"purged":{"keys":0,"patterns":0,"tags":0,"urls":1,"hosts":0,"prefixes":0,"everything":false},"acknowledged":true,"soft":false,"names":{"keys":["k"],"patterns":[],"tags":[],"urls":["/u"]},"entries":3})");
    result.outcome = PurgeResult::Outcome::journalled;
    CHECK(to_answer(result).status == 202);
    result.outcome = PurgeResult::Outcome::malformed;
    CHECK(to_answer(result).status == 400);
    result.outcome = PurgeResult::Outcome::failed;
    result.message = "Redis cannot be asked";
    CHECK(to_answer(result).status == 503);
    CHECK(to_answer(result).json ==
          R"({"error":"the purge failed","detail":"Redis cannot be asked"})");
}

TEST_CASE("a question to /explain names method, URL and headers") {
    const auto parsed = parse_explain_query(
        "method=HEAD&url=/a%3Fb=c%26d+e&header=Accept:+text/html&header=X:%20y%2Bz");
    REQUIRE(std::holds_alternative<ExplainQuestion>(parsed));
    const auto& question = std::get<ExplainQuestion>(parsed);
    CHECK(question.method == "HEAD");
    CHECK(question.url == "/a?b=c&d+e");
    CHECK(question.headers ==
          std::vector<std::pair<std::string, std::string>>{{"Accept", "text/html"}, {"X", "y+z"}});
    CHECK(std::get<ExplainQuestion>(parse_explain_query("url=/x")).method == "GET");
}

TEST_CASE("a question to /explain that is not understood is refused") {
    for (const std::string_view query :
         {"", "method=GET", "url=", "url=x", "url=/a&limit=3", "url=/%zz", "url=/%4",
          "url=/a%0d%0ab", "url=/&header=novalue", "url=/&header=:x"}) {
        CAPTURE(query);
        CHECK(std::holds_alternative<std::string>(parse_explain_query(query)));
    }
}
