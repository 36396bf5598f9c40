#include <doctest/doctest.h>

#include "unit/route/table_kit.hpp"

namespace larder::route {
namespace {

using kit::read;
using kit::settings_of;
using kit::write;
using settings::Route;

RouteTable compile(std::vector<Route> routes, const RouteTable* before = nullptr) {
    settings::Problems problems;
    RouteTable table = RouteTable::compile(settings_of(std::move(routes)), problems, before);
    REQUIRE(problems.empty());
    return table;
}

std::vector<Route> articles() {
    return {read("GET /articles/{id}", "articles:{id}"), read("GET /users/{id}", "users:{id}"),
            write("POST /articles", {"articles:list:*"})};
}

TEST_CASE("what decides about a route's entries gives it new rules at a reload, and nothing else") {
    struct Row {
        const char* what;
        bool is_new;
        void (*change)(std::vector<Route>&);
    };
    const Row rows[] = {
        {"nothing", false, [](auto&) {}},
        {"name", false, [](auto& all) { all[0].name = "articles"; }},
        {"wait", false, [](auto& all) { all[0].wait = std::chrono::seconds(1); }},
        {"client_no_cache", false, [](auto& all) { all[0].honour_client_no_cache = true; }},
        {"another route", false, [](auto& all) { all[1].ttl = std::chrono::seconds(1); }},
        {"a further route", false,
         [](auto& all) { all.insert(all.begin(), read("GET /tags", "tags")); }},
        {"a purge of others", false, [](auto& all) { all[2].purge.push_back("users:*"); }},
        {"a purge of one key, which every entry has", false,
         [](auto& all) { all[2].purge.push_back("articles:7"); }},
        {"match", true, [](auto& all) { all[0].match = "GET,HEAD /articles/{id}"; }},
        {"host", true, [](auto& all) { all[0].host = "a.example"; }},
        {"key", true, [](auto& all) { all[0].key = "article:{id}"; }},
        {"default in the key", true, [](auto& all) { all[0].key = "articles:{id=1}"; }},
        {"ttl", true, [](auto& all) { all[0].ttl = std::chrono::seconds(59); }},
        {"no ttl", true, [](auto& all) { all[0].ttl.reset(); }},
        {"heuristic", true, [](auto& all) { all[0].heuristic = 0.1; }},
        {"stale_if_error", true,
         [](auto& all) { all[0].stale_if_error = std::chrono::seconds(9); }},
        {"stale_while_revalidate", true,
         [](auto& all) { all[0].stale_while_revalidate = std::chrono::seconds(9); }},
        {"status_ttl", true,
         [](auto& all) {
             all[0].status_ttl = {{404, std::chrono::seconds(9)}};
         }},
        {"tags", true, [](auto& all) { all[0].tags = {"all"}; }},
        {"ignore: [set-cookie]", true, [](auto& all) { all[0].ignore.set_cookie = true; }},
        {"ignore: [vary]", true, [](auto& all) { all[0].ignore.vary = true; }},
        {"strip", true, [](auto& all) { all[0].strip = {"set-cookie"}; }},
        {"ignore_query", true, [](auto& all) { all[0].ignore_query = {"utm_*"}; }},
        {"query: bypass", true, [](auto& all) { all[0].query_bypass = true; }},
        {"max_object", true, [](auto& all) { all[0].max_object = 9; }},
        {"memory", true, [](auto& all) { all[0].memory = false; }},
        {"shadow", true, [](auto& all) { all[0].shadow = true; }},
        {"a purge by a pattern more", true,
         [](auto& all) { all[2].purge.push_back("articles:*"); }},
        {"a purge whose {json:} may be missing", true,
         [](auto& all) { all[2].purge.push_back("articles:{json:/id}"); }},
    };
    for (const Row& row : rows) {
        CAPTURE(row.what);
        const RouteTable before = compile(articles());
        std::vector<Route> changed = articles();
        row.change(changed);
        const RouteTable after = compile(changed, &before);
        const std::size_t at = after.routes().size() - before.routes().size();
        CHECK((after.routes()[at]->rules != before.routes()[0]->rules) == row.is_new);
        CHECK(after.routes()[at]->rules != 0);
    }
}

TEST_CASE("rules that are gone do not come back") {
    const RouteTable first = compile(articles());
    std::vector<Route> other = articles();
    other[2].purge.push_back("articles:*");
    const RouteTable second = compile(other, &first);
    const RouteTable third = compile(articles(), &second);
    CHECK(third.routes()[0]->rules != first.routes()[0]->rules);
    CHECK(third.routes()[0]->rules != second.routes()[0]->rules);
    CHECK(third.routes()[1]->rules == first.routes()[1]->rules);
    CHECK(first.rules().size() == 2);
}

TEST_CASE("routes that make one key share its entries, where they allow the same") {
    std::vector<Route> routes{read("GET /articles/{id}", "articles:{id}"),
                              read("GET /old/{id}", "articles:{id}"),
                              read("GET /raw/{id}", "articles:{id}")};
    routes[1].ttl = std::chrono::seconds(1);
    routes[2].ignore.set_cookie = true;
    const RouteTable table = compile(routes);
    CHECK(table.routes()[0]->rules == table.routes()[1]->rules);
    CHECK(table.routes()[0]->rules != table.routes()[2]->rules);
    routes[1].ttl = std::chrono::seconds(2);
    const RouteTable after = compile(routes, &table);
    CHECK(after.routes()[0]->rules != table.routes()[0]->rules);
    CHECK(after.routes()[2]->rules == table.routes()[2]->rules);
}

TEST_CASE("what purges find under other names is told at a reload") {
    using Patterns = std::vector<std::string>;
    const auto renamed = [](void (*change)(std::vector<Route>&)) {
        const RouteTable before = compile(articles());
        std::vector<Route> changed = articles();
        change(changed);
        const RouteTable after = compile(std::move(changed), &before);
        Patterns patterns;
        after.collect_renamed(&before, patterns);
        CHECK((before.reach() == after.reach()) == patterns.empty());
        return patterns;
    };
    CHECK(renamed([](auto&) {}).empty());
    CHECK(renamed([](auto& all) { all[0].ttl = std::chrono::seconds(1); }).empty());
    CHECK(renamed([](auto& all) { all[0].key = "a:{id}"; }) == Patterns{"a:*"});
    CHECK(renamed([](auto& all) { all[0].key = "a:{id}:{lang}"; }) == Patterns{"a:*:*"});
    CHECK(renamed([](auto& all) { all[0].key = "a:{id}:x"; }) == Patterns{"a:*:x*"});
    CHECK(renamed([](auto& all) { all[0].host = "a.example"; }) == Patterns{"articles:*"});
    CHECK(renamed([](auto& all) { all[0].ignore_query = {"utm"}; }) == Patterns{"articles:*"});
    CHECK(renamed([](auto& all) { all[0].tags = {"author"}; }) == Patterns{"articles:*"});
    CHECK(renamed([](auto& all) { all[2].purge = {"users:*"}; }) == Patterns{"users:*"});
    CHECK(renamed([](auto& all) { all.push_back(read("GET /tags", "tags")); }) ==
          Patterns{"tags*"});
    CHECK(renamed([](auto& all) {
              for (int i = 0; i < 17; ++i)
                  all.push_back(read("GET /n" + std::to_string(i), "n" + std::to_string(i)));
          }) == Patterns{"*"});
    Patterns all;
    compile(articles()).collect_renamed(nullptr, all);
    CHECK(all == Patterns{"*"});
}

TEST_CASE("entries are kept apart where rules differ in what they answer") {
    const auto sharing = [](void (*change)(Route&)) {
        std::vector<Route> routes = articles();
        change(routes[0]);
        return compile(std::move(routes)).routes()[0]->sharing;
    };
    const std::string usual = sharing([](Route&) {});
    CHECK(usual.size() == 10);
    CHECK(sharing([](Route& route) { route.ttl = std::chrono::seconds(1); }) == usual);
    CHECK(sharing([](Route& route) { route.name = "x"; }) == usual);
    CHECK(sharing([](Route& route) { route.key = "articles:{id=1}"; }) != usual);
    CHECK(sharing([](Route& route) { route.match = "GET /a/{id}"; }) != usual);
    CHECK(sharing([](Route& route) { route.match = "GET,HEAD /articles/{id}"; }) == usual);
    CHECK(sharing([](Route& route) { route.host = "a.example"; }) != usual);
    CHECK(sharing([](Route& route) { route.ignore_query = {"utm"}; }) != usual);
    CHECK(sharing([](Route& route) { route.ignore.cookie = true; }) != usual);
    CHECK(sharing([](Route& route) {
              route.status_ttl = {{500, std::chrono::seconds(1)}};
          }) != usual);
}

}  // namespace
}  // namespace larder::route
