#include <doctest/doctest.h>

#include "unit/route/table_kit.hpp"

using namespace larder;
using namespace larder::route;
using namespace larder::route::kit;

namespace {

std::string masked(const RouteTable& table, std::string_view line, const HeaderList& headers,
                   Secrets secrets = Secrets::masked) {
    const OfflineRequest asked = request(line, headers);
    const Match found = match(table, asked);
    return masked_key(*found.route, found.captures, asked.head(), secrets);
}

}  // namespace

TEST_CASE("a masked key shows nothing that comes from header fields and cookies") {
    const RouteTable table = table_of(
        {read("GET /a/{id}", "a:{id}:{header:x-user}:{cookie:sid|sha256}:{q=none}"),
         write("PUT /a/{id}", {"a:{id}:{header:x-user}:*", "b:{id}"}), read("GET /b", "b")});
    const HeaderList headers{{"X-User", "alice"}, {"Cookie", "sid=s3cret"}};
    CHECK(masked(table, "GET /a/7?q=1&r=2", headers) == "a:7:***:***:1?r=2");
    CHECK(masked(table, "GET /a/7?q=1&r=2", headers, Secrets::masked_with_query) ==
          "a:7:***:***:***?r=***");
    CHECK(masked(table, "GET /a/7", {}, Secrets::masked_with_query) == "a:7:***:***:none");
    CHECK(table.routes()[0]->has_secrets);
    CHECK(table.routes()[1]->has_secrets);
    CHECK_FALSE(table.routes()[2]->has_secrets);

    const OfflineRequest put = request("PUT /a/7", headers);
    PurgeSet shown, hidden;
    table.collect_write_purges(match(table, put), put.head(), nullptr, shown);
    table.collect_write_purges(match(table, put), put.head(), nullptr, hidden, Secrets::masked);
    CHECK(holds(shown.patterns, "a:7:alice:*"));
    CHECK(holds(hidden.patterns, "a:7:***:*"));
    CHECK(hidden.patterns.size() == shown.patterns.size());
    CHECK(holds(hidden.keys, "b:7"));
}
