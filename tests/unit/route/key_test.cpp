#include <doctest/doctest.h>

#include <map>

#include "base/sha256.hpp"
#include "route/key_shape.hpp"
#include "route/percent.hpp"
#include "unit/route/table_kit.hpp"

namespace larder::route {
namespace {
using namespace kit;

std::string sha(std::string_view text) {
    std::string out;
    append_sha256(out, text);
    return out;
}

struct Row {
    const char* line;
    const char* key;
};

void check_rows(const RouteTable& table, std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
        CAPTURE(row.line);
        CHECK(key_of(table, row.line) == row.key);
    }
}

TEST_CASE("the demo's requests make the keys the configuration shows") {
    check_rows(
        table_of(articles()),
        {{"GET /articles", "articles:list:0:20"},
         {"GET /articles?", "articles:list:0:20"},
         {"GET /articles?&&", "articles:list:0:20"},
         {"GET /articles?skip=0&limit=20", "articles:list:0:20"},
         {"GET /articles?limit=20&skip=0", "articles:list:0:20"},
         {"GET /articles?s%6Bip=5", "articles:list:5:20"},
         {"GET /articles?skip=%35", "articles:list:5:20"},
         {"GET /articles?Skip=5", "articles:list:0:20?Skip=5"},
         {"GET /articles?published=false", "articles:list:0:20?published=false"},
         {"GET /articles?b=1&skip=5&a=2", "articles:list:5:20?a=2&b=1"},
         {"GET /articles?b=1&a", "articles:list:0:20?a&b=1"},
         {"GET /articles?a=", "articles:list:0:20?a="},
         {"GET /articles?=x", "articles:list:0:20?=x"},
         {"GET /articles?a=b=c", "articles:list:0:20?a=b%3Dc"},
         {"GET /articles?skip=1:2", "articles:list:1%3A2:20"},
         {"GET /articles?skip=", "articles:list::20"},
         {"GET /articles?skip", "articles:list::20?skip"},
         {"GET /articles?skip=0&skip=40", "articles:list:0,40:20"},
         {"GET /articles?skip=0,40", "articles:list:0%2C40:20"},
         {"GET /articles?skip=a+b", "articles:list:a+b:20"},
         {"GET /articles?skip=a%20b", "articles:list:a%20b:20"},
         {"GET /articles?skip=a%2Bb", "articles:list:a%2Bb:20"},
         {"GET /articles?limit=20%3Fpublished%3Dfalse", "articles:list:0:20%3Fpublished%3Dfalse"},
         {"GET /articles?published%3Dfalse%26x=1", "articles:list:0:20?published%3Dfalse%26x=1"},
         {"GET /articles?a=1%26b%3D2", "articles:list:0:20?a=1%26b%3D2"},
         {"GET /articles/42", "articles:42"},
         {"HEAD /articles/42", "articles:42"},
         {"GET /%61rticles/42", "articles:42"},
         {"GET /articles/42?lang=de", "articles:42?lang=de"},
         {"GET /articles/42?id=5", "articles:42?id=5"},
         {"GET /tags", "tags:list"}});
}

TEST_CASE(
    "values are decoded once and encoded again, so nothing in one can mean anything in a key") {
    check_rows(table_of(articles()),
               {{"GET /articles/a:b", "articles:a%3Ab"},
                {"GET /articles/a%3Ab", "articles:a%3Ab"},
                {"GET /articles/a%3ab", "articles:a%3Ab"},
                {"GET /articles/a%253Ab", "articles:a%253Ab"},
                {"GET /articles/a*b", "articles:a%2Ab"},
                {"GET /articles/a%3Fb", "articles:a%3Fb"},
                {"GET /articles/%7Bx%7D", "articles:%7Bx%7D"},
                {"GET /articles/a%2Fb", "articles:a%2Fb"},
                {"GET /articles/a%252Fb", "articles:a%252Fb"},
                {"GET /articles/a+b", "articles:a%2Bb"},
                {"GET /articles/a%2Bb", "articles:a%2Bb"},
                {"GET /articles/a%20b", "articles:a%20b"},
                {"GET /articles/a,b", "articles:a%2Cb"},
                {"GET /articles/a&b=c", "articles:a%26b%3Dc"},
                {"GET /articles/a%23b", "articles:a%23b"},
                {"GET /articles/%00%0D%0A%7F", "articles:%00%0D%0A%7F"},
                {"GET /articles/caf%C3%A9", "articles:caf%C3%A9"},
                {"GET /articles/[4]^\\", "articles:%5B4%5D%5E%5C"},
                {"GET /articles/me@x.org", "articles:me@x.org"},
                {"GET /articles/A-b_c.d~e", "articles:A-b_c.d~e"},
                {"GET /articles/%41%2D", "articles:A-"},
                {"GET /articles/%", "articles:%25!"},
                {"GET /articles/%25", "articles:%25"},
                {"GET /articles/%zz", "articles:%25!zz"},
                {"GET /articles/%25zz", "articles:%25zz"},
                {"GET /articles/%25!zz", "articles:%25%21zz"},
                {"GET /articles/%4", "articles:%25!4"},
                {"GET /articles/list:0:20", "articles:list%3A0%3A20"},
                {"GET /articles/list%253A0%253A20", "articles:list%253A0%253A20"}});
}

TEST_CASE("headers, cookies, method, host and path are placeholders too") {
    const RouteTable table = table_of(
        {read("GET /h", "h:{header:Accept-Language}"), read("GET /hd", "h:{header:x-a=none}:x"),
         read("GET /c", "c:{cookie:session}"), read("GET /me", "me:{header:authorization|sha256}"),
         read("GET /files/{rest*}", "files:{rest}"),
         read("GET /all", "all:{method}:{host}:{path}:{q=none}"),
         read("GET /p/{x}/{y}", "p:{path}"), read("GET /s", "s:{q=a|sha256}")});
    CHECK(key_of(table, "GET /h", {{"Accept-Language", "de"}}) == "h:de");
    CHECK(key_of(table, "GET /h", {{"accept-language", "de, en;q=0.5"}}) ==
          "h:de%2C%20en%3Bq%3D0.5");
    CHECK(key_of(table, "GET /h",
                 {{"Accept-Language", "de"}, {"X", "y"}, {"ACCEPT-LANGUAGE", "en"}}) ==
          "h:de%2C%20en");
    CHECK(key_of(table, "GET /h", {{"Accept-Language", "a%3Ab"}}) == "h:a%253Ab");
    CHECK(key_of(table, "GET /h") == "h:");
    CHECK(key_of(table, "GET /hd") == "h:none:x");
    CHECK(key_of(table, "GET /hd", {{"X-A", ""}}) == "h::x");
    CHECK(key_of(table, "GET /c", {{"Cookie", "a=b; session=abc; Session=no"}}) == "c:abc");
    CHECK(key_of(table, "GET /c", {{"Cookie", "session=a"}, {"Cookie", "x=y;session=b,c"}}) ==
          "c:a,b%2Cc");
    CHECK(key_of(table, "GET /c", {{"Cookie", "xsession=1"}}) == "c:");
    CHECK(key_of(table, "GET /me", {{"Authorization", "Bearer s3cr3t-one"}}) ==
          "me:" + sha("Bearer s3cr3t-one"));
    CHECK(key_of(table, "GET /me") == "me:" + sha(""));
    CHECK(key_of(table, "GET /files/a/b/c.txt") == "files:a/b/c.txt");
    CHECK(key_of(table, "GET /files/a%2Fb/c.txt") == "files:a%2Fb/c.txt");
    CHECK(key_of(table, "GET /files/") == "files:");
    CHECK(key_of(table, "GET /files/a//b/") == "files:a//b/");
    CHECK(key_of(table, "GET /all") == "all:GET:api.test:/all:none");
    CHECK(key_of(table, "HEAD /all?q=1") == "all:GET:api.test:/all:1");
    CHECK(key_of(table, "GET http://API.test:81/all") == "all:GET:api.test%3A81:/all:none");
    CHECK(key_of(table, "GET /p/a%2fb/c?x=1") == "p:/p/a%2Fb/c?x=1");
    CHECK(key_of(table, "GET /s") == "s:" + sha("a"));
    CHECK(key_of(table, "GET /s?q=%61") == "s:" + sha("a"));
    CHECK(key_of(table, "GET /s?q=%zz") != key_of(table, "GET /s?q=%25zz"));
    CHECK(key_of(table, "GET /s?q=a+b") != key_of(table, "GET /s?q=a%2Bb"));
    CHECK(key_of(table, "GET /s?q=a&q=b") == "s:" + sha("a") + "," + sha("b"));
}

TEST_CASE("the SHA-256 is the one of the standard") {
    CHECK(sha("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE(
    "a parameter's absence, emptiness and lack of '=' are told apart where the key alone would "
    "not") {
    const RouteTable table = table_of({read("GET /search", "search:{tag}:{page=1}")});
    check_rows(table, {{"GET /search", "search::1"},
                       {"GET /search?tag=", "search::1?tag="},
                       {"GET /search?tag", "search::1?tag"},
                       {"GET /search?page=", "search::"},
                       {"GET /search?page", "search::?page"},
                       {"GET /search?page=1", "search::1"},
                       {"GET /search?tag=&tag=", "search:,:1"},
                       {"GET /search?tag=&x=1&page=", "search::?tag=&x=1"},
                       {"GET /search?tag=a&tag=", "search:a,:1"}});
}

TEST_CASE("parameters of one name keep their order, others do not matter by theirs") {
    const RouteTable table = table_of({read("GET /x", "x")});
    CHECK(key_of(table, "GET /x?b=1&a=2&a=1") == "x?a=2&a=1&b=1");
    CHECK(key_of(table, "GET /x?a=2&b=1&a=1") == "x?a=2&a=1&b=1");
    CHECK(key_of(table, "GET /x?a=1&a=2&b=1") == "x?a=1&a=2&b=1");
    std::string forward = "GET /x?";
    std::string backward = "GET /x?";
    for (int i = 0; i < 3000; ++i) {
        forward += "p" + std::to_string(i) + "=" + std::to_string(i) + "&";
        backward += "p" + std::to_string(2999 - i) + "=" + std::to_string(2999 - i) + "&";
    }
    CHECK(key_of(table, forward) == key_of(table, backward));
    CHECK(key_of(table, forward) != key_of(table, backward + "p=1"));
}

TEST_CASE("ignore_query drops what it names, query: bypass reports what the key does not name") {
    settings::Route ignoring = read("GET /a", "a:{q}");
    ignoring.ignore_query = {"utm_*", "fbclid"};
    settings::Route bypassing = read("GET /s", "s:{q}");
    bypassing.query_bypass = true;
    bypassing.ignore_query = {"utm_*"};
    const RouteTable table = table_of({ignoring, bypassing});
    CHECK(key_of(table, "GET /a?utm_source=x&%75tm_=y&fbclid=z&q=1") == "a:1");
    CHECK(key_of(table, "GET /a?utmost=1&fbclid2=2") == "a:?fbclid2=2&utmost=1");
    CHECK_FALSE(build(table, "GET /a?x=1").key_info.query_bypass);
    CHECK_FALSE(build(table, "GET /s?q=1&utm_x=2").key_info.query_bypass);
    CHECK_FALSE(build(table, "GET /s?q=").key_info.query_bypass);
    CHECK(build(table, "GET /s?q=1&page=2").key_info.query_bypass);
}

TEST_CASE("the bare size ends before the appended query") {
    const RouteTable table = table_of(articles());
    CHECK(build(table, "GET /articles/42?lang=de").bare() == "articles:42");
    CHECK(build(table, "GET /articles/42").bare() == "articles:42");
}

TEST_CASE("values whose end the template does not show are kept apart by their sizes") {
    const RouteTable table = table_of({read("GET /x", "x:{a}-{b}"), read("GET /y", "y:{a}:{b}")});
    CHECK(key_of(table, "GET /x?a=1&b=2-3") == "x:1-2-3");
    CHECK(key_of(table, "GET /x?a=1-2&b=3") == "x:1-2-3?!a=3");
    CHECK(build(table, "GET /x?a=1-2&b=3").bare() == "x:1-2-3");
    CHECK(key_of(table, "GET /y?a=1-2&b=3") == "y:1-2:3");
}

TEST_CASE("a value cannot make one route's key into another's") {
    const RouteTable table = table_of({read("GET /articles", "articles:list"),
                                       read("GET /articles/{id}", "articles:{id}"),
                                       read("GET /v1/articles/{id}", "articles:{id}")});
    CHECK(key_of(table, "GET /articles") == "articles:list");
    CHECK(key_of(table, "GET /articles/42") == "articles:42");
    CHECK(key_of(table, "GET /v1/articles/42") == "articles:42");
    CHECK(key_of(table, "GET /articles/list") == "articles:list?!/articles/%7Bid%7D");
    CHECK(build(table, "GET /articles/list").bare() == "articles:list");
    CHECK(key_of(table, "GET /articles/lists") == "articles:lists");
}

TEST_CASE("a compiled route says what of the request its key holds") {
    const RouteTable table =
        table_of({read("GET /a", "a:{host}"), on_host(read("GET /b", "b"), "one.test"),
                  on_host(read("GET /c/{x}", "c:{x}"), "one.test"),
                  on_host(read("GET /c/{x}", "c:{x}"), "two.test"),
                  read("GET /d", "d:{header:X-A}:{header:Authorization|sha256}:{cookie:S}")});
    const auto& routes = table.routes();
    CHECK(routes[0]->key_has_host);
    CHECK(routes[1]->key_has_host);
    CHECK_FALSE(routes[2]->key_has_host);
    CHECK_FALSE(routes[3]->key_has_host);
    CHECK_FALSE(routes[4]->key_has_host);
    CHECK(routes[4]->key_has_authorization);
    CHECK(routes[4]->key_headers == std::vector<std::string>{"x-a", "authorization"});
    CHECK(routes[4]->key_cookies == std::vector<std::string>{"S"});
    CHECK(routes[3]->path_template == "/c/{x}");
    CHECK(routes[3]->index == 3);
}

TEST_CASE("no key reaches larder's own namespace") {
    const RouteTable table = table_of(
        {read("GET /raw/{id}", "{id}"), read("GET /two/{a}/{b}", "{a}:{b}"),
         read("GET /three/{a}", "lar{a}:x"), write("PUT /two/{a}/{b}", {"{a}:{b}", "{a}:*"}),
         write("PUT /three/{a}", {"lar{a}:*"})});
    CHECK(key_of(table, "GET /raw/larder:tag:x") == "larder%3Atag%3Ax");
    const Built moved = build(table, "GET /two/larder/x?q=1");
    CHECK(moved.key == "%6Carder:x?q=1");
    CHECK(moved.bare() == "%6Carder:x");
    const PurgeSet purges = purges_of(table, "PUT /two/larder/x");
    CHECK(holds(purges.keys, "%6Carder:x"));
    CHECK(holds(purges.patterns, "%6Carder:*"));
    CHECK(holds(moved.tags, "%6Carder:*"));
    CHECK(holds(build(table, "GET /three/der").tags,
                purges_of(table, "PUT /three/der").patterns.at(0)));
}

TEST_CASE("long keys are shortened so that purges and tags still reach them") {
    const RouteTable table = table_of(
        {read("GET /a/{id}", "a:{id}:x"), write("PUT /a/{id}", {"a:{id}:x", "a:{id}:*", "a:*:x"})});
    const std::string id(1500, 'v');
    const Built bare = build(table, "GET /a/" + id);
    const Built with_query = build(table, "GET /a/" + id + "?q=" + std::string(3000, 'q'));
    const Built short_bare = build(table, "GET /a/1?q=" + std::string(3000, 'q'));
    CHECK(bare.key.size() <= key_bytes_max);
    CHECK(bare.key.starts_with("a:vvvv"));
    CHECK(bare.key == with_query.bare());
    CHECK(with_query.key.size() < 1200);
    CHECK(short_bare.bare() == "a:1:x");
    CHECK(short_bare.key.starts_with("a:1:x?q=qqq"));
    CHECK(short_bare.key.size() <= key_bytes_max);
    CHECK(bare.key != build(table, "GET /a/" + id + "v").key);
    CHECK(with_query.key != build(table, "GET /a/" + id + "?q=" + std::string(3001, 'q')).key);
    const PurgeSet purges = purges_of(table, "PUT /a/" + id);
    CHECK(holds(purges.keys, bare.key));
    for (const std::string& pattern : purges.patterns) {
        CHECK(holds(bare.tags, pattern));
        CHECK(holds(with_query.tags, pattern));
    }
}

// What an origin may see in a raw value: its bytes after one decoding, and what stays open for it
// to decide.
std::string meaning(std::string_view raw, bool in_query) {
    std::string out;
    for (std::size_t at = 0; at < raw.size();) {
        const bool plus = in_query && raw[at] == '+';
        const int byte = next_decoded(raw, at);
        out += plus                        ? "<plus>"
               : byte == malformed_percent ? "<bad>"
                                           : std::string(1, static_cast<char>(byte));
    }
    return out;
}

const std::vector<std::string> nasty{
    "a",       "b",         "A",      "list",    "0",     "20",     "a:b",        "a%3Ab",
    "a%253Ab", "a%25253Ab", "a%2Fb",  "a%252Fb", "a+b",   "a%20b",  "a%2Bb",      "%25",
    "%2525",   "a%26b",     "a%3Db",  "a%3Fb",   "a%23b", "%zz",    "%25zz",      "%",
    "%2",      "%252",      "%25!zz", "a!b",     "a%21b", "a,b",    "a%2Cb",      "a%2cb",
    ",",       "%2C",       "*",      "%2A",     "a%00b", "%FF%FE", "caf%C3%A9",  "%7Bx%7D",
    "-",       "a-b",       "1-2",    "2-3",     "1",     "2",      "3",          ".",
    "..",      "~",         "_",      "@",       "%40",   "larder", "larder%3Ax", "!a",
    "0%3A20",  "x%3Fy%3Dz", "%0D%0A", "a%2Db",   "b%2D",  "-b",     "a-",         "--"};

TEST_CASE("requests that decode differently never share a key, whatever the template") {
    const std::vector<settings::Route> routes{read("GET /one/{x}", "one:{x}"),
                                              read("GET /r/{x*}", "one:x:{x}"),
                                              read("GET /q", "q:{a}:{b=1}"),
                                              read("GET /dash", "d:{a}-{b}"),
                                              read("GET /n", "n"),
                                              read("GET /hash", "h:{a|sha256}:{b}"),
                                              read("GET /bare/{x}", "{x}"),
                                              read("GET /pair/{x}/{y}", "{x}:{y}"),
                                              read("GET /word/{x}/{y}", "w{x}a{y}"),
                                              read("GET /list", "one:list"),
                                              read("GET /deep/{x}/{y}", "q:{x}:{y}:z"),
                                              read("GET /same/{y}", "one:{y}"),
                                              read("GET /page/{y}", "q:{y}:{page=1}")};
    const RouteTable table = table_of(routes);
    std::map<std::string, std::string> seen;
    std::size_t checked = 0;
    const auto add = [&](const std::string& target, const std::string& means) {
        const std::string key = key_of(table, "GET " + target);
        const auto [at, fresh] = seen.emplace(key, means);
        ++checked;
        if (fresh || at->second == means) return;
        CAPTURE(target);
        CAPTURE(key);
        CHECK(at->second == means);
    };
    add("/list", "list");
    for (const std::string& v : nasty) {
        const std::string path_means = meaning(v, false);
        add("/one/" + v, "one|" + path_means);
        add("/bare/" + v, "bare|" + path_means);
        add("/same/" + v, "same|" + path_means);
        add("/page/" + v, "page|" + path_means);
        add("/r/" + v, "r|" + path_means);
        for (const std::string& w : nasty) {
            const std::string both = meaning(v, true) + "|" + meaning(w, true);
            const std::string both_path = path_means + "|" + meaning(w, false);
            add("/pair/" + v + "/" + w, "pair|" + both_path);
            add("/word/" + v + "/" + w, "word|" + both_path);
            add("/deep/" + v + "/" + w, "deep|" + both_path);
            add("/r/" + v + "/" + w, "r|" + path_means + "</>" + meaning(w, false));
            if (v != "1" || w != "1") add("/q?a=" + v + "&a=" + w, "q2|" + both);
            add("/q?a=" + v + "&b=" + w, "q|" + both);
            add("/dash?a=" + v + "&b=" + w, "dash|" + both);
            add("/hash?a=" + v + "&b=" + w, "hash|" + both);
            add("/n?a=" + v + "&a=" + w, "n2|" + both);
            add("/n?" + v + "=" + w, "n1|" + both);
        }
    }
    CHECK(checked > 30000);
}

TEST_CASE("a parameter's name that encodes what needs no encoding is told") {
    const RouteTable table = table_of({read("GET /a", "a:{limit=20}")});
    const auto needless = [&](std::string_view query) {
        return build(table, "GET /a?" + std::string(query)).key_info.needless_encoding;
    };
    for (const char* query :
         {"%6cimit=5", "%6Cimit=5", "limi%74", "a=1&l%69mit=5", "x%2Dy=1", "%7Ea=1"})
        CHECK(needless(query));
    for (const char* query : {"limit=5", "limit=%35", "filter%5Bname%5D=1", "%24top=1", "a%20b=1",
                              "caf%C3%A9=1", "a%=1", "a%zz=1", "%2525=1"})
        CHECK_FALSE(needless(query));
}

TEST_CASE("path_case: insensitive takes any case and makes keys in lower case") {
    settings::Settings settings = settings_of(
        {read("GET /Articles/{id}", "articles:{id}"), read("GET /files/{rest*}", "files:{rest}"),
         read("GET /hash/{id}", "h:{id|sha256}:{path}"), read("GET /q", "q:{name}"),
         write("PUT /articles/{id}",
               {"articles:{id}", "articles:{json:/other}", "q:{n}", "h:{n|sha256}:x"})});
    settings.path_case = settings::PathCase::insensitive;
    settings::Problems problems;
    const RouteTable table = RouteTable::compile(settings, problems);
    REQUIRE(problems.empty());
    CHECK(key_of(table, "GET /ARTICLES/Ab") == "articles:ab");
    CHECK(key_of(table, "GET /art%49cles/%41b%2F%C3%89") == "articles:ab%2F%C3%89");
    CHECK(key_of(table, "GET /Files/A/b") == "files:a/b");
    CHECK(key_of(table, "GET /hash/AB") == key_of(table, "GET /HASH/%61b"));
    CHECK(key_of(table, "GET /q?name=Ab") == "q:Ab");  // a query is no path
    CHECK(taken_by(table, "PUT /aRTICLES/7") == 4);
    CHECK(holds(purges_of(table, "PUT /ARTICLES/AB?n=Cd").keys, "articles:ab"));
    CHECK(holds(purges_of(table, "PUT /ARTICLES/AB?n=Cd").keys, "q:Cd"));
    CHECK(holds(purges_of(table, "PUT /ARTICLES/AB?n=Cd").keys,
                "q:cd"));  // a path's value elsewhere would be in lower case
    const RouteTable hashed = [&] {
        settings::Settings same =
            settings_of({read("GET /u/{id}", "u:{id|sha256}"), write("PUT /u", {"u:{id|sha256}"})});
        same.path_case = settings::PathCase::insensitive;
        return RouteTable::compile(same, problems);
    }();
    CHECK(holds(purges_of(hashed, "PUT /u?id=ABC").keys, key_of(hashed, "GET /u/aBc")));

    const RouteTable exact = table_of({read("GET /Articles/{id}", "articles:{id}")});
    CHECK(taken_by(exact, "GET /articles/7") == -1);
    CHECK(key_of(exact, "GET /Articles/Ab") == "articles:Ab");
}

}  // namespace
}  // namespace larder::route
