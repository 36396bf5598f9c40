#include "redis/large.hpp"

#include <doctest/doctest.h>

using namespace larder::redis;

TEST_CASE("a stub tells how large the whole is, and holds the entry without its body") {
    const std::string value = make_stub({"0123456789abcdef", 6'000'321}, "the head: with colons");
    std::string_view head;
    const auto stub = read_stub(value, head);
    REQUIRE(stub);
    CHECK(stub->token == "0123456789abcdef");
    CHECK(stub->bytes == 6'000'321);
    CHECK(head == "the head: with colons");
}

TEST_CASE("what is no stub is none") {
    std::string_view head;
    for (const char* value : {"", "LRD1", "larder-large:", "larder-large:0123456789abcdef",
                              "larder-large:0123456789abcdef:", "larder-large:0123456789abcdef12",
                              "larder-large:0123456789abcdefx:",
                              "larder-large:0123456789abcdef99999999999999999999999:"}) {
        CAPTURE(value);
        CHECK_FALSE(read_stub(value, head));
    }
}
