#include "cli/screen.hpp"

#include <doctest/doctest.h>

using namespace larder::cli;

TEST_CASE("what is cut says so") {
    CHECK(cut("/articles", 9) == "/articles");
    CHECK(cut("/articles", 8) == "/articl~");
    CHECK(cut("/articles", 1) == "~");
    CHECK(cut("/articles", 0).empty());
}

TEST_CASE("words are wrapped below each other") {
    CHECK(wrapped("", 4, 10).empty());
    CHECK(wrapped("as it is", 4, 10) == "as it is");
    CHECK(wrapped("steps 1. one two three", 6, 14) == "steps 1. one\n      two\n      three");
    CHECK(wrapped("    begins with blanks", 4, 10) == "    begins\n    with\n    blanks");
}

TEST_CASE("a word that is longer than a line stays whole") {
    CHECK(wrapped("key articles:list:0:20 x", 4, 8) == "key\n    articles:list:0:20\n    x");
    CHECK(wrapped("articles:list:0:20", 4, 8) == "articles:list:0:20");
    CHECK(wrapped("one two", 20, 5) == "one\n" + std::string(20, ' ') + "two");
}
