#include "redis/purge_stream.hpp"

#include <doctest/doctest.h>

namespace larder::redis {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string fault_of(Fields fields) {
    std::string fault;
    CHECK_FALSE(read_purge({"1-0", std::move(fields)}, fault));
    return fault;
}

TEST_CASE("an entry of the stream names keys, patterns, tags and URLs, each as often as it likes") {
    std::string fault;
    const auto purge = read_purge({"1-0",
                                   {{"key", "a"},
                                    {"pattern", "a:*"},
                                    {"key", "b"},
                                    {"tag", "front"},
                                    {"url", "/x"},
                                    {"soft", "1"}}},
                                  fault);
    REQUIRE(purge.has_value());
    CHECK(purge->keys == std::vector<std::string>{"a", "b"});
    CHECK(purge->patterns == std::vector<std::string>{"a:*"});
    CHECK(purge->tags == std::vector<std::string>{"front"});
    CHECK(purge->urls == std::vector<std::string>{"/x"});
    CHECK(purge->soft);
    CHECK_FALSE(read_purge({"1-0", {{"key", "a"}, {"soft", "0"}}}, fault)->soft);
}

TEST_CASE("an entry that makes no sense purges nothing") {
    CHECK(fault_of({}) == "nothing to purge");
    CHECK(fault_of({{"soft", "1"}}) == "nothing to purge");
    CHECK(fault_of({{"keys", "a"}}).find("none of key") != std::string::npos);
    CHECK(fault_of({{"key", "a"}, {"soft", "yes"}}).find("soft") != std::string::npos);
    CHECK(fault_of({{"key", ""}}).find("empty") != std::string::npos);
    CHECK(fault_of({{"key", "a:*"}}).find("pattern") != std::string::npos);
    CHECK(fault_of({{"tag", std::string(10'000, 'x')}}).find("long") != std::string::npos);
    CHECK_FALSE(fault_of(Fields(2000, {"key", "a"})).empty());
}

TEST_CASE("ids are compared as numbers") {
    CHECK(is_later("1526569495631-10", "1526569495631-9"));
    CHECK(is_later("1526569495632-0", "1526569495631-9"));
    CHECK_FALSE(is_later("5-1", "5-1"));
    CHECK_FALSE(is_later("9-0", "10-0"));
}

TEST_CASE("entries are lists of an id and of names with values; a deleted one has none") {
    const auto text = [](std::string words) {
        RedisReply reply;
        reply.type = RedisReply::Type::text;
        reply.text = std::move(words);
        return reply;
    };
    const auto array = [](std::vector<RedisReply> items) {
        RedisReply reply;
        reply.type = RedisReply::Type::array;
        reply.items = std::move(items);
        return reply;
    };
    const auto entries =
        read_entries(array({array({text("1-0"), array({text("key"), text("a"), text("lonely")})}),
                            array({text("2-0"), RedisReply{}}), RedisReply{}}));
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].fields == Fields{{"key", "a"}});
    CHECK(entries[1].fields.empty());
}

}  // namespace
}  // namespace larder::redis
