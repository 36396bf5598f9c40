#include "route/prefix_purges.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "unit/route/table_kit.hpp"

using namespace larder;
using namespace larder::route;
using namespace larder::route::kit;

namespace {

using Texts = std::vector<std::string>;

RouteTable make_table() {
    return table_of({read("GET /articles", "articles:list:{skip=0}"),
                     read("GET /articles/{id}", "articles:{id}"),
                     read("GET /articles/{id}/comments/{comment}", "comment:{id}:{comment}"),
                     read("GET /files/{rest*}", "files:{rest}"),
                     read("GET /pages/{p}", "{host}:{path}"),
                     on_host(read("GET /inside", "inside"), "inside.example"),
                     read("GET /hashed/{id}", "hashed:{id|sha256}:x"),
                     read("GET /a%20b/{id}", "spaced:{id}"), read("GET /any/{a}/{b}", "{a}:{b}")});
}

Texts patterns(std::string_view host, std::string_view prefix) {
    static const RouteTable table = make_table();
    Texts out;
    collect_prefix_patterns(table, host, prefix, out);
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace

TEST_CASE("a prefix covers the routes whose paths begin so, as far as it fixes their keys") {
    CHECK(patterns("", "/articles/42/") == Texts{"comment:42:*"});
    CHECK(patterns("", "/articles/42/comments/a%3Ab") == Texts{"comment:42:a%3Ab*"});
    CHECK(patterns("", "/articles/42/comments/a%3") == Texts{"comment:42:a*"});
    CHECK(patterns("", "/articles/42") == Texts{"articles:42*", "comment:42*"});
    CHECK(patterns("", "/art") == Texts{"articles:*", "articles:list:*", "comment:*"});
    CHECK(patterns("", "/files/a/b") == Texts{"files:a/b*"});
    CHECK(patterns("", "/hashed/1") == Texts{"hashed:*"});
    CHECK(patterns("", "/nothing").empty());
    CHECK(patterns("", "/articles/42/comments/7/x").empty());
}

TEST_CASE("a host covers what requests for it may get, by every port") {
    const Texts found = patterns("Other.Example", "/");
    CHECK(std::find(found.begin(), found.end(), "inside*") == found.end());
    CHECK(std::find(found.begin(), found.end(), "articles:*") != found.end());
    CHECK(patterns("other.example", "/pages/a") ==
          Texts{"other.example%3A*", "other.example:/pages/a*"});
    CHECK(patterns("other.example:8080", "/pages/a") == Texts{"other.example%3A8080:/pages/a*"});
    CHECK(patterns("[::1]", "/pages/a") == Texts{"%5B%3A%3A1%5D%3A*", "%5B%3A%3A1%5D:/pages/a*"});
    CHECK(patterns("[::1]:80", "/pages/a") == Texts{"%5B%3A%3A1%5D%3A80:/pages/a*"});
    CHECK(patterns("inside.example", "/inside") == Texts{"inside*"});
}

TEST_CASE("what is certain of a key covers every key that such a URL can have") {
    const RouteTable table = make_table();
    for (const char* url : {"/articles/42", "/articles/42?x=1", "/articles/4%32x", "/files/a/b/c",
                            "/pages/a", "/hashed/1", "/articles/42/comments/1", "/a%20b/7",
                            "/any/larder/1", "/any/larde/1", "/any/l/1"}) {
        const std::string key = key_of(table, std::string("GET ") + url);
        const std::string path = std::string(url).substr(0, std::string(url).find('?'));
        for (std::size_t size = 1; size <= path.size(); ++size) {
            const std::string prefix = path.substr(0, size);
            Texts found;
            collect_prefix_patterns(table, "", prefix, found);
            const bool covered = std::any_of(found.begin(), found.end(), [&](std::string text) {
                text.pop_back();
                return key.starts_with(text);
            });
            CAPTURE(url);
            CAPTURE(prefix);
            CHECK(covered);
        }
    }
}
