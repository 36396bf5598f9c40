#include "flow/exchange.hpp"

#include <doctest/doctest.h>

using namespace larder;

TEST_CASE("a large body that a key was made of does not stay with the exchange") {
    flow::Exchange exchange;
    exchange.body.assign(64 * 1024, 'x');
    exchange.reset();
    CHECK(exchange.body.empty());
    CHECK(exchange.body.capacity() < 64);
}
