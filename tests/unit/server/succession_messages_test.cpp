#include "server/succession_messages.hpp"

#include <doctest/doctest.h>

namespace larder::server {
namespace {

using Kind = redis::PurgeItem::Kind;
const std::vector<redis::PurgeItem> items{{Kind::key, false, "articles:42"},
                                          {Kind::pattern, false, "a:*"}};

TEST_CASE("what one process says is what the other hears") {
    const auto hello =
        message::parse_hello(message::to_body(message::Hello{"redis://h:1/0|p:", Milliseconds(7)}));
    REQUIRE(hello);
    CHECK(hello->redis == "redis://h:1/0|p:");
    CHECK(hello->lifetime == Milliseconds(7));
    for (const bool delivered : {false, true}) {
        const auto purge =
            message::parse_purge(message::to_body(message::Purge{12, delivered, items}));
        REQUIRE(purge);
        CHECK(purge->number == 12);
        CHECK(purge->delivered == delivered);
        CHECK(purge->items == items);
    }
    const auto later =
        message::parse_later(message::to_body(message::Later{Milliseconds(2000), items}));
    REQUIRE(later);
    CHECK(later->due_in == Milliseconds(2000));
    CHECK(later->items == items);
}

TEST_CASE("what nobody says is not heard") {
    for (const std::string text :
         {"", "x", "12 delivered", "x owed\n", "12 owed\nkh a", "12 owed\nzh a\n"}) {
        CAPTURE(text);
        CHECK_FALSE(message::parse_purge(text));
        CHECK_FALSE(message::parse_later(text));
    }
    CHECK_FALSE(message::parse_hello("redis"));
}

TEST_CASE("a purge that is too long to be sent becomes everything") {
    const std::vector<redis::PurgeItem> many(5000, {Kind::key, false, std::string(1000, 'k')});
    const auto purge = message::parse_purge(message::to_body(message::Purge{1, false, many}));
    REQUIRE(purge);
    CHECK(purge->items == std::vector{redis::purge_everything()});
}

}  // namespace
}  // namespace larder::server
