#include "flow/request_id.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace larder;
using namespace larder::flow;

namespace {

std::string id_of(std::vector<http::Field> fields) {
    Exchange exchange;
    exchange.request.fields = http::Fields(fields);
    const std::string first(request_id(exchange));
    CHECK(request_id(exchange) == first);
    return first;
}

}  // namespace

TEST_CASE("a request keeps its own id where it is well formed") {
    CHECK(id_of({{"x-request-id", "f058ebd6-02f7-4d3f-942e-904344e8cde5"}}) ==
          "f058ebd6-02f7-4d3f-942e-904344e8cde5");
    CHECK(id_of({{"X-Request-ID", "a/b+c=="}}) == "a/b+c==");
}

TEST_CASE("a request without an id, or with one that is not well formed, gets a UUID") {
    std::set<std::string> seen;
    const std::vector<std::vector<http::Field>> heads{
        {},
        {{"X-Request-Id", ""}},
        {{"X-Request-Id", "two words"}},
        {{"X-Request-Id", "a\"b"}},
        {{"X-Request-Id", "\xff"}},
        {{"X-Request-Id", "a"}, {"X-Request-Id", "b"}},
    };
    for (const auto& head : heads) {
        const std::string id = id_of(head);
        CAPTURE(id);
        REQUIRE(id.size() == 36);
        CHECK((id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-'));
        CHECK(id[14] == '4');
        CHECK(std::string_view("89ab").find(id[19]) != std::string_view::npos);
        CHECK(seen.insert(id).second);
    }
    CHECK_FALSE(is_request_id(std::string(201, 'a')));
}
