#include "redis/seen_ids.hpp"

#include <doctest/doctest.h>

#include <string>

namespace larder::redis {
namespace {

TEST_CASE("ids are remembered by name, the last one of each") {
    SeenIds seen;
    CHECK(seen.of("a").empty());
    seen.note("a", "0123456789abcdef");
    CHECK(seen.of("a") == "0123456789abcdef");
    seen.note("a", "fedcba9876543210");
    CHECK(seen.of("a") == "fedcba9876543210");
}

TEST_CASE("what is no id is forgotten") {
    SeenIds seen;
    for (const std::string id : {"", "held", "0123456789abcdef0"}) {
        seen.note("a", "0123456789abcdef");
        seen.note("a", id);
        CHECK(seen.of("a").empty());
    }
}

TEST_CASE("a name that takes another's place is not taken for it") {
    SeenIds seen;
    int right = 0;
    for (int i = 0; i < 20'000; ++i) seen.note(std::to_string(i), "0123456789abcdef");
    for (int i = 20'000; i < 40'000; ++i) right += seen.of(std::to_string(i)).empty() ? 1 : 0;
    CHECK(right == 20'000);
}

TEST_CASE("as many names as a cluster has groups of slots are remembered, nearly all") {
    SeenIds seen;
    const auto name = [](int group) { return "larder:all:{" + std::to_string(group) + "}"; };
    int right = 0;
    for (int group = 0; group < 1024; ++group) seen.note(name(group), "0123456789abcdef");
    for (int group = 0; group < 1024; ++group) right += seen.of(name(group)).empty() ? 0 : 1;
    CHECK(right > 1000);
}

}  // namespace
}  // namespace larder::redis
