#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

#include "route/path_spellings.hpp"
#include "route/pattern.hpp"
#include "unit/route/table_kit.hpp"

namespace larder::route {
namespace {
using namespace kit;
using Texts = std::vector<std::string>;

class Json : public JsonLookup {
public:
    using Values = std::map<std::string, std::string>;
    explicit Json(Values values) : values_(std::move(values)) {}
    [[nodiscard]] std::optional<std::string> find(std::string_view pointer) const override {
        const auto at = values_.find(std::string(pointer));
        return at == values_.end() ? std::nullopt : std::optional(at->second);
    }

private:
    std::map<std::string, std::string> values_;
};

struct Row {
    const char* line;
    Texts keys;
    Texts patterns;
};

void check_rows(const RouteTable& table, const std::vector<Row>& rows,
                const JsonLookup* json = nullptr) {
    for (const Row& row : rows) {
        CAPTURE(row.line);
        const PurgeSet found = purges_of(table, row.line, json);
        CHECK(found.keys == row.keys);
        CHECK(found.patterns == row.patterns);
    }
}

TEST_CASE("a write purges what its rule says and the own entries of its URL") {
    check_rows(table_of(articles()),
               {{"PUT /articles/42", {"articles:42"}, {"articles:list:*"}},
                {"DELETE /articles/42", {"articles:42"}, {"articles:list:*"}},
                {"PUT /articles/42?x=1", {"articles:42", "articles:42?x=1"}, {"articles:list:*"}},
                {"POST /articles", {"articles:list:0:20"}, {"articles:list:*"}},
                {"POST /articles?skip=5", {"articles:list:5:20"}, {"articles:list:*"}},
                {"PUT /users/7", {"users:7"}, {}},
                {"PUT /nowhere", {}, {}},
                {"PUT /articles/*", {"articles:%2A"}, {"articles:list:*"}},
                {"PUT /articles/list:*", {"articles:list%3A%2A"}, {"articles:list:*"}},
                {"PUT /articles/4%3F", {"articles:4%3F"}, {"articles:list:*"}},
                {"PUT /articles/%5B4%5D*", {"articles:%5B4%5D%2A"}, {"articles:list:*"}}});
}

TEST_CASE("a write through another spelling of a path purges the plain one too") {
    const RouteTable table = table_of(articles());
    for (const char* target :
         {"/x/../articles/42", "//articles/42", "/articles//42", "/articles/42/", "/articles/./42",
          "/./articles/42", "/articles/42/.", "/articles/x/../42", "/articles%2F42",
          "/articles%2f42", "/%2e/articles/42", "/x/%2e%2E/articles/42", "/x%2F..%2Farticles/42",
          "/articles/7/..//42", "/%61rticles//42", "/articles/43//../42", "/../articles/42",
          "/articles/42//", "/x/%2E./articles%2F/42?a=b"}) {
        CAPTURE(target);
        const PurgeSet found = purges_of(table, std::string("PUT ") + target);
        CHECK(holds(found.keys, "articles:42"));
        CHECK(holds(found.patterns, "articles:list:*"));
    }
    PurgeSet own;
    table.collect_url_purges(request("GET /").head(), "//articles/./42?lang=de", own);
    CHECK(own.keys == Texts{"articles:42?lang=de"});
    CHECK(holds(purges_of(table, "PUT /articles/42/").keys, "articles:42"));
}

TEST_CASE("an ordinary path has no other spelling") {
    for (const char* path :
         {"/", "/a", "/articles/42", "/a.b/c", "/a..b", "/a%20b", "/a%2eb", "*", ""}) {
        CAPTURE(path);
        CHECK(other_spellings(path).empty());
    }
    CHECK(other_spellings("//") == Texts{"/"});
    CHECK(other_spellings("/a/") == Texts{"/a"});
    CHECK(other_spellings("/a//../b") == Texts{"/a/b", "/b"});
}

TEST_CASE("values from the response's JSON go into purges, and a missing one widens its line") {
    const RouteTable table =
        table_of({read("GET /authors/{a}/posts", "posts:{a}:{page=1}"),
                  read("GET /posts/{id}", "post:{id}"), read("GET /x/{a}/{b}", "x:{a}:{b}"),
                  write("POST /posts", {"posts:{json:/author/id}:*", "post:{json:/id}",
                                        "x:{json:/a}:{json:/b}"})});
    const Json all(Json::Values{{"/author/id", "7"}, {"/id", "a:*b"}, {"/a", "1"}, {"/b", "true"}});
    const Json some(Json::Values{{"/a", "1"}});
    check_rows(table, {{"POST /posts", {"post:a%3A%2Ab", "x:1:true"}, {"posts:7:*"}}}, &all);
    check_rows(table, {{"POST /posts", {}, {"posts:*:*", "post:*", "x:*:*"}}}, &some);
    check_rows(table, {{"POST /posts", {}, {"posts:*:*", "post:*", "x:*:*"}}});
    CHECK(build(table, "GET /authors/7/posts").tags == Texts{"posts:7:*", "posts:*:*"});
    CHECK(build(table, "GET /posts/9?x=1").tags == Texts{"post:*"});
    CHECK(build(table, "GET /x/1/2").tags == Texts{"x:*:*"});
}

TEST_CASE("the own entries of a URL are purged whatever headers or cookies their keys hold") {
    const RouteTable table =
        table_of({read("GET /h/{id}", "h:{id}:{header:accept-language}"),
                  read("GET /c", "c:{cookie:session}"), read("GET /m/{id}", "m:{cookie:a}:{id}:x"),
                  read("GET /d/{id}", "d:{cookie:a}-{id}")});
    const HeaderList headers{{"Accept-Language", "de"}, {"Cookie", "session=s; a=b"}};
    for (const char* target :
         {"/h/7", "/h/7?q=1", "/c", "/c?x", "/m/7", "/m/7?x=1", "/d/7", "/d/a-7"}) {
        CAPTURE(target);
        const Built entry = build(table, std::string("GET ") + target, headers);
        const PurgeSet found = purges_of(table, std::string("PUT ") + target);
        REQUIRE(found.patterns.size() == 1);
        CHECK(found.keys.empty());
        CHECK(holds(entry.tags, found.patterns[0]));
        CHECK(glob_match(found.patterns[0], entry.bare()));
    }
    CHECK(purges_of(table, "PUT /h/7").patterns == Texts{"h:7:*"});
    CHECK(purges_of(table, "PUT /m/7").patterns == Texts{"m:*:7:x"});
    CHECK_FALSE(holds(build(table, "GET /m/8", headers).tags, "m:*:7:x"));
}

TEST_CASE(
    "entries carry the instances of the patterns that cover them, in one order and each once") {
    auto routes = articles();
    routes.push_back(read("GET /users/{id}/posts/{n}", "users:{id}:posts:{n}"));
    routes.push_back(write("PUT /users/{id}", {"users:{id}:posts:*", "users:*", "users:{id}:*"}));
    routes.push_back(
        write("PUT /users/{id}/x", {"users:{id}:posts:*", "*:posts:{n}", "users:{id}*"}));
    const RouteTable table = table_of(routes);
    CHECK(build(table, "GET /articles").tags == Texts{"articles:list:*"});
    CHECK(build(table, "GET /articles?x=1").tags == Texts{"articles:list:*"});
    CHECK(build(table, "GET /articles/42").tags.empty());
    CHECK(build(table, "GET /articles/list").tags.empty());
    CHECK(build(table, "GET /users/7/posts/3").tags ==
          Texts{"*:posts:3", "users:7:*", "users:7:posts:*", "users:*"});
    CHECK(build(table, "GET /users/7").tags == Texts{"users:*"});
    CHECK(purges_of(table, "PUT /users/7").patterns ==
          Texts{"users:7:posts:*", "users:*", "users:7:*"});
    CHECK(purges_of(table, "PUT /users/7/x?n=3").patterns ==
          Texts{"users:7:posts:*", "*:posts:3", "users:*"});
}

TEST_CASE("a pattern given by hand is a tag only where every entry it covers carries it") {
    auto routes = articles();
    routes.push_back(read("GET /users/{id}/posts/{n}", "users:{id}:posts:{n}"));
    routes.push_back(write("PUT /users/{id}", {"users:{id}:posts:*", "*:{n}"}));
    const RouteTable table = table_of(routes);
    CHECK(table.is_tag_pattern("articles:list:*"));
    CHECK(table.is_tag_pattern("users:7:posts:*"));
    CHECK(table.is_tag_pattern("*:3"));
    CHECK_FALSE(table.is_tag_pattern("users:*:posts:*"));
    CHECK_FALSE(table.is_tag_pattern("users:7:posts:3*"));
    CHECK_FALSE(table.is_tag_pattern("articles:*"));
    CHECK_FALSE(table.is_tag_pattern("articles:list:0:*"));
    CHECK_FALSE(table.is_tag_pattern("articles:42"));
    CHECK_FALSE(table.is_tag_pattern("*"));
    CHECK_FALSE(table.is_tag_pattern(""));
    CHECK_FALSE(table.is_tag_pattern("nothing:*"));
    CHECK_FALSE(table_of({read("GET /a", "a"), write("PUT /a", {"b:*"})}).is_tag_pattern("b:*"));
}

TEST_CASE("the tags option makes tags of the request and the response") {
    settings::Route rule = read("GET /articles/{id}", "articles:{id}");
    rule.tags = {"all", "author:{response:X-Author}", "a:{id}:{header:x-t}:{q=0}", "all"};
    const RouteTable table = table_of({rule});
    const OfflineRequest asked = request("GET /articles/4%3A2", {{"X-T", "t"}});
    const Match found = match(table, asked);
    http::ResponseHead response;
    Texts tags{"left over", "b", "c", "d", "e"};
    collect_response_tags(*found.route, found.captures, asked.head(), response, tags);
    CHECK(tags == Texts{"all", "a:4%3A2:t:0"});
    const std::vector<http::Field> fields{{"x-author", "7, 8*", http::field_id("x-author")}};
    response.fields = http::Fields(fields);
    collect_response_tags(*found.route, found.captures, asked.head(), response, tags);
    CHECK(tags == Texts{"all", "author:7%2C%208%2A", "a:4%3A2:t:0"});
    rule.tags = {"a:*", "{json:/x}"};
    settings::Problems problems;
    RouteTable::compile(settings_of({rule}), problems);
    REQUIRE(problems.size() == 2);
    CHECK(problems[1].path == "routes[0].tags[1]");
}

struct FitRow {
    const char* key;
    const char* text;
    bool fits;
};

TEST_CASE(
    "a key's shape fits the texts that its values can make, and shapes meet where they share one") {
    for (const FitRow& row : std::initializer_list<FitRow>{{"a:{x}", "a:1", true},
                                                           {"a:{x}", "a:", true},
                                                           {"a:{x}", "a:1:2", false},
                                                           {"a:{x}", "b:1", false},
                                                           {"{x}a:b{y}:", "1a:b:", true},
                                                           {"{x}a:b{y}:", "aa:bb:", true},
                                                           {"{x}a:b{y}:", "a:a:b:", false},
                                                           {"{x}a{y}:c", "xaaxa:c", true},
                                                           {"{x}a{y}:c", "xaaxa:d", false},
                                                           {"{x}-{y}", "1-2-3", true},
                                                           {"{x}-{y}", "123", false},
                                                           {"x", "x", true},
                                                           {"x", "xx", false}}) {
        CAPTURE(row.key);
        CAPTURE(row.text);
        PathRule rule;
        Template source;
        CHECK_FALSE(parse_template(row.key, TemplateUse::key, rule, source).has_value());
        CHECK(Shape(source).fits(row.text) == row.fits);
        CHECK(Shape(source).meets(Shape(std::string_view(row.text))) == row.fits);
        CHECK(Shape(std::string_view(row.text)).meets(Shape(source)) == row.fits);
    }
}

struct GlobRow {
    const char* pattern;
    const char* text;
    bool fits;
};

TEST_CASE("'*' covers any run of characters and nothing else is special") {
    for (const GlobRow& row : std::initializer_list<GlobRow>{{"", "", true},
                                                             {"*", "", true},
                                                             {"*", "abc", true},
                                                             {"a*", "abc", true},
                                                             {"a*c", "abc", true},
                                                             {"a*c", "abcd", false},
                                                             {"*b*", "abc", true},
                                                             {"a?c", "abc", false},
                                                             {"[a]", "a", false},
                                                             {"a", "ab", false},
                                                             {"ab", "a", false},
                                                             {"*a*b", "xaxbxb", true},
                                                             {"**", "x", true}}) {
        CAPTURE(row.pattern);
        CAPTURE(row.text);
        CHECK(glob_match(row.pattern, row.text) == row.fits);
    }
}

// Rows of template pieces put together at random: every purge that covers a key as text must be
// among the key's tags.
TEST_CASE("whatever a write's patterns cover carries them as tags") {
    std::mt19937 random(11);
    const auto pick = [&](const std::vector<const char*>& choices) {
        return std::string(choices[random() % choices.size()]);
    };
    const std::vector<const char*> values{"1", "2", "a", "ab",  "a-b", "a%3Ab",
                                          "x", "",  "*", "a,b", "%2F", "b:c"};
    std::size_t covered = 0;
    for (int round = 0; round < 1500; ++round) {
        const auto key_template = [&] {
            std::string out = pick({"k:", "k", "a:", ""});
            const char* names[] = {"{a}", "{b}", "{c}"};
            for (std::size_t i = 0, n = 1 + random() % 3; i < n; ++i) {
                const std::string part = pick({"{a}", "{b}", "{header:h}", "lit", names[i]});
                out += (out.empty() ? "" : pick({":", "-", "::", ":x:", "a"})) + part;
            }
            return out + pick({"", ":", ":x", "-x"});
        };
        const auto purge_template = [&] {
            std::string out = pick({"k:", "k", "a:", "", "*"});
            for (std::size_t i = 0, n = 1 + random() % 4; i < n; ++i) {
                out += pick({"{a}", "{b}", "{json:/a}", "*", "lit", "x"});
                out += pick({":", "-", "::", ":x:", "a", ""});
            }
            return out + pick({"", "*", "{b}"});
        };
        std::vector<settings::Route> routes;
        settings::Problems problems;
        routes = {read("GET /r", key_template()), read("GET /s", key_template()),
                  write("PUT /w", {purge_template(), purge_template()}),
                  write("PUT /v", {purge_template()})};
        const RouteTable table = RouteTable::compile(settings_of(routes), problems);
        if (!problems.empty()) continue;
        for (int i = 0; i < 6; ++i) {
            const auto query = [&] {
                return "?a=" + pick(values) + "&b=" + pick(values) + pick({"", "&c=", "&z=1"}) +
                       pick({"", "1", "x"});
            };
            const HeaderList headers{{"h", pick(values)}};
            const Built entry = build(table, pick({"GET /r", "GET /s"}) + query(), headers);
            const Json json(Json::Values{{"/a", pick(values)}});
            const PurgeSet found = purges_of(table, pick({"PUT /w", "PUT /v"}) + query(),
                                             random() % 3 ? &json : nullptr);
            for (const std::string& pattern : found.patterns) {
                if (!glob_match(pattern, entry.key) && !glob_match(pattern, entry.bare())) continue;
                ++covered;
                CAPTURE(pattern);
                CAPTURE(entry.key);
                CHECK(holds(entry.tags, pattern));
                if (table.is_tag_pattern(pattern)) CHECK(holds(entry.tags, pattern));
            }
            for (std::size_t t = 0; t < entry.tags.size(); ++t) {
                CAPTURE(entry.tags[t]);
                CHECK((glob_match(entry.tags[t], entry.key) ||
                       glob_match(entry.tags[t], entry.bare())));
                CHECK(std::count(entry.tags.begin(), entry.tags.end(), entry.tags[t]) == 1);
            }
        }
    }
    CHECK(covered > 500);
}

TEST_CASE("a narrower pattern given by hand is a tag only if all it covers carries it") {
    std::mt19937 random(5);
    const std::vector<std::string> templates{"k:{a}:{b}", "k:{a}", "k:x:{a}", "{a}:k:{b}",
                                             "k:{a}-{b}"};
    const std::vector<std::string> purges{"k:{a}:*", "k:*",     "k:x:*",  "*:{b}",
                                          "*:k:{a}", "{a}:k:*", "k:*-{b}"};
    const std::vector<std::string> hand{"k:*",   "k:1:*", "k:x:*", "*:1",   "*",
                                        "k:*:*", "x:k:*", "*:k:1", "k:*-*", "k*"};
    for (int round = 0; round < 400; ++round) {
        const auto one_of = [&](const auto& list) { return list[random() % list.size()]; };
        const RouteTable table =
            table_of({read("GET /r", one_of(templates)), read("GET /s", one_of(templates)),
                      write("PUT /w", {one_of(purges), one_of(purges)})});
        for (const std::string& pattern : hand) {
            if (!table.is_tag_pattern(pattern)) continue;
            for (const char* path : {"/r", "/s"})
                for (const char* a : {"1", "x", "k", "x-1"})
                    for (const char* b : {"1", "x&z=1"}) {
                        const Built entry =
                            build(table, std::string("GET ") + path + "?a=" + a + "&b=" + b);
                        const bool covers =
                            glob_match(pattern, entry.key) || glob_match(pattern, entry.bare());
                        CAPTURE(pattern);
                        CAPTURE(entry.key);
                        CHECK((!covers || holds(entry.tags, pattern)));
                    }
        }
    }
}

TEST_CASE("purge: [] says that a write changes nothing, not even its own URL") {
    const RouteTable table = table_of({read("GET /graphql", "g"), write("POST /graphql", {}),
                                       write("DELETE /graphql", {"g", "x:*"})});
    CHECK(purges_of(table, "POST /graphql").empty());
    CHECK(purges_of(table, "POST /graphql/").empty() ==
          false);  // another URL for the route, the same for many origins
    CHECK(purges_of(table, "PUT /graphql").keys == Texts{"g"});
    CHECK(purges_of(table, "POST /graphql", nullptr, {{"X-HTTP-Method-Override", "GET"}}).empty());
    const PurgeSet deleted =
        purges_of(table, "POST /graphql", nullptr, {{"X-HTTP-Method-Override", "DELETE"}});
    CHECK(deleted.keys == Texts{"g"});
    CHECK(deleted.patterns == Texts{"x:*"});
    CHECK(purges_of(table, "POST /graphql", nullptr, {{"X-HTTP-Method", "PUT"}}).keys ==
          Texts{"g"});
}

TEST_CASE("a method that a field or the query overrides purges by both methods") {
    const RouteTable table =
        table_of({read("GET /a/{id}", "a:{id}"), write("POST /a/{id}", {"post:{id}:*"}),
                  write("DELETE /a/{id}", {"delete:{id}:*"})});
    for (const auto& [line, headers] : std::vector<std::pair<const char*, HeaderList>>{
             {"POST /a/7", {{"X-HTTP-Method-Override", "DELETE"}}},
             {"POST /a/7", {{"x_http_method_override", "delete"}}},
             {"POST /a/7", {{"X-HTTP-Method", "GET, DELETE"}}},
             {"POST /a/7?_method=delete", {}}}) {
        CAPTURE(line);
        const PurgeSet found = purges_of(table, line, nullptr, headers);
        CHECK(holds(found.patterns, "post:7:*"));
        CHECK(holds(found.patterns, "delete:7:*"));
    }
    CHECK_FALSE(holds(purges_of(table, "POST /a/7").patterns, "delete:7:*"));
    CHECK(holds(
        purges_of(table, "GET /a/7", nullptr, {{"X-HTTP-Method-Override", "DELETE"}}).patterns,
        "delete:7:*"));
}

TEST_CASE("a write reaches entries of its URL whatever ;parameters their segments have") {
    const RouteTable table =
        table_of({read("GET /a/latest", "latest"), read("GET /a/{id}", "a:{id}"),
                  read("GET /a/{id}/c/{n}", "a:{id}:c:{n}"),
                  write("PUT /a/{id}", {"a:{id}", "a:{id}:c:*"})});
    const auto tags_of = [&](std::string_view line) {
        const OfflineRequest asked = request(line);
        KeyInfo key_info;
        table.note_plain_path(asked.head(), key_info);
        return key_info.more_tags;
    };
    CHECK(tags_of("GET /a/7").empty());
    CHECK(tags_of("GET /a/7;v=1") == Texts{extension_tag("a:7")});
    CHECK(tags_of("GET /a/7%3bv=1") == Texts{extension_tag("a:7")});
    CHECK(tags_of("GET /a;x/7;v=1?lang=de") ==
          Texts{extension_tag("a:7"), extension_tag("a:7?lang=de")});
    CHECK(tags_of("GET /a/7;v=1/c/3") == Texts{"a:7:c:*", extension_tag("a:7:c:3")});
    CHECK(tags_of("GET /a/latest;v=1") == Texts{extension_tag("latest")});

    // A write through a URL with parameters purges by the rules of the plain one too.
    const PurgeSet found = purges_of(table, "PUT /a;x=1/7;v=2");
    CHECK(holds(found.keys, "a:7"));
    CHECK(holds(found.patterns, "a:7:c:*"));
    CHECK(other_spellings("/a;x/b;y=1;z") == Texts{"/a/b"});
    CHECK(other_spellings("/a/b%33") == Texts{});
}

TEST_CASE("a URL's own purge reaches a key that holds the host, as the origin is told it") {
    const RouteTable table = table_of({read("GET /{rest*}", "{host}:{path}")});
    CHECK(key_of(table, "GET /a") == "api.test:/a");
    CHECK(purges_of(table, "PUT /a").keys == Texts{"api.test:/a"});
    const OfflineRequest asked = request("PUT /a");
    http::RequestHead behind_proxy = asked.head();
    behind_proxy.authority = "shop.test";
    PurgeSet own;
    table.collect_url_purges(behind_proxy, "/b", own);
    CHECK(own.keys == Texts{"shop.test:/b"});
}

}  // namespace
}  // namespace larder::route
