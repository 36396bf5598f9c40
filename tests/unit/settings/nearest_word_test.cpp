#include "settings/nearest_word.hpp"

#include <doctest/doctest.h>

using namespace larder::settings;

TEST_CASE("a mistyped word is recognised") {
    const std::vector<std::string_view> known{"listen", "origin",          "routes",
                                              "memory", "connect_timeout", "ttl"};
    CHECK(nearest_word("listne", known) == "listen");
    CHECK(nearest_word("Origin", known) == "origin");
    CHECK(nearest_word("route", known) == "routes");
    CHECK(nearest_word("connect-timeout", known) == "connect_timeout");
    CHECK(nearest_word("connecttimeout", known) == "connect_timeout");
    CHECK(nearest_word("tll", known) == "ttl");
    CHECK(nearest_word("frobnicate", known) == "");
    CHECK(nearest_word("", known) == "");
    CHECK(nearest_word(std::string(10000, 'a'), known) == "");
}

TEST_CASE("words are listed as one says them") {
    CHECK(list_words({"a"}) == "a");
    CHECK(list_words({"a", "b"}) == "a or b");
    CHECK(list_words({"a", "b", "c"}) == "a, b or c");
}
