#include "admin/purge_clients.hpp"

#include <doctest/doctest.h>

using namespace larder::admin;
using Form = ClientCall::Form;
using Texts = std::vector<std::string>;

namespace {

std::variant<PurgeOrder, std::string> order_of(
    std::string_view path, std::string_view body = {},
    const std::vector<std::pair<std::string, std::string>>& fields = {}) {
    const auto call = find_client_call(path);
    REQUIRE(call);
    boost::beast::http::fields head;
    for (const auto& [name, value] : fields) head.insert(name, value);
    return parse_client_order(*call, head, body);
}

PurgeOrder good(const std::variant<PurgeOrder, std::string>& parsed) {
    if (const auto* fault = std::get_if<std::string>(&parsed)) FAIL(*fault);
    return std::get<PurgeOrder>(parsed);
}

const char* cloudflare = "/client/v4/zones/zone/purge_cache";

}  // namespace

TEST_CASE("the paths of purge clients are known, and no others") {
    CHECK(find_client_call("/service/SU1/purge/tag")->form == Form::fastly_tag);
    CHECK(find_client_call("/service/SU1/purge/a/b")->item == "a/b");
    CHECK(find_client_call("/service/SU1/purge")->form == Form::fastly_tags);
    CHECK(find_client_call("/service/SU1/purge_all")->form == Form::fastly_all);
    CHECK(find_client_call("/purge/www.example.com/a")->item == "www.example.com/a");
    CHECK(find_client_call("/purge/www.example.com/a?b=%25")->item == "www.example.com/a?b=%25");
    CHECK(find_client_call(cloudflare)->form == Form::cloudflare);
    CHECK(find_client_call(cloudflare)->id == "zone");
    for (const char* path :
         {"/", "/purge", "/purge/", "/purges", "/service/SU1", "/service//purge/",
          "/client/v4/zones/zone", "/client/v4/zones/zone/purge_cache/x"}) {
        CAPTURE(path);
        CHECK_FALSE(find_client_call(path));
    }
}

TEST_CASE("Fastly's calls name one tag, several, everything or a URL") {
    CHECK(good(order_of("/service/s/purge/t")).tags == Texts{"t"});
    CHECK_FALSE(good(order_of("/service/s/purge/t")).soft);
    CHECK(good(order_of("/service/s/purge/t", "", {{"Fastly-Soft-Purge", "1"}})).soft);
    CHECK(good(order_of("/service/s/purge", "", {{"Surrogate-Key", "a b"}})).tags ==
          Texts{"a", "b"});
    CHECK(good(order_of("/service/s/purge", R"({"surrogate_keys": ["a", "b c"]})")).tags ==
          Texts{"a", "b c"});
    CHECK(good(order_of("/service/s/purge_all")).everything);
    CHECK(good(order_of("/purge/example.com/a")).urls == Texts{"http://example.com/a"});
    // Fastly's client sends both as they are, others encode them.
    CHECK(good(order_of("/purge/example.com/a%2Fb?c=%25")).urls ==
          Texts{"http://example.com/a%2Fb?c=%25"});
    CHECK(good(order_of("/purge/example.com%2Fa%252Fb%3Fc=1")).urls ==
          Texts{"http://example.com/a%2Fb?c=1"});
    CHECK(good(order_of("/purge/http%3A%2F%2Fexample.com%2Fa")).urls ==
          Texts{"http://example.com/a"});
    CHECK(good(order_of("/purge/HTTPS://example.com/a")).urls == Texts{"https://example.com/a"});
    CHECK(good(order_of("/service/s/purge/a%20b/c?d")).tags == Texts{"a%20b/c?d", "a b/c?d"});
    for (const char* body : {"", "{}", R"({"surrogate_keys": []})", R"({"surrogate_keys": "a"})",
                             R"({"surrogate_keys": [1]})", "[", "[]"}) {
        CAPTURE(body);
        CHECK(std::holds_alternative<std::string>(order_of("/service/s/purge", body)));
    }
}

TEST_CASE("Cloudflare's call names tags, files, hosts, prefixes or everything") {
    const PurgeOrder order = good(order_of(cloudflare, R"({
        "tags": ["t"], "hosts": ["a.example"], "prefixes": ["a.example/blog"],
        "files": ["https://a.example/x", {"url": "http://a.example/y", "headers": {}}]})"));
    CHECK(order.tags == Texts{"t"});
    CHECK(order.hosts == Texts{"a.example"});
    CHECK(order.prefixes == Texts{"a.example/blog"});
    CHECK(order.urls == Texts{"https://a.example/x", "http://a.example/y"});
    CHECK(good(order_of(cloudflare, R"({"purge_everything": true})")).everything);
    for (const char* body :
         {"", "{}", R"({"purge_everything": false})", R"({"purge_everything": "yes"})",
          R"({"files": [{}]})", R"({"files": [{"url": 1}]})", R"({"tags": [""]})",
          R"({"keys": ["a"]})"}) {
        CAPTURE(body);
        CHECK(std::holds_alternative<std::string>(order_of(cloudflare, body)));
    }
}

TEST_CASE("each service's client gets the answer that it expects") {
    const auto answer = [](std::string_view path, PurgeResult::Outcome outcome) {
        PurgeOrder order;
        order.tags = {"a", "b"};
        return to_client_answer(*find_client_call(path), order, {outcome, {}, {}, {}, "why"}, "7");
    };
    using Outcome = PurgeResult::Outcome;
    CHECK(answer("/service/s/purge/t", Outcome::done).json == R"({"status":"ok","id":"7"})");
    CHECK(answer("/service/s/purge", Outcome::journalled).json == R"({"a":"7","b":"7"})");
    CHECK(answer("/service/s/purge", Outcome::journalled).status == 200);
    CHECK(answer(cloudflare, Outcome::done).json ==
          R"({"success":true,"errors":[],"messages":[],"result":{"id":"zone"}})");
    CHECK(answer("/service/s/purge/t", Outcome::failed).status == 503);
    CHECK(answer(cloudflare, Outcome::failed).json.find(R"("success":false)") != std::string::npos);
    CHECK(answer(cloudflare, Outcome::malformed).status == 400);
}
