#include "net/network.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

namespace larder::net {
namespace {

bool contain(std::initializer_list<const char*> networks, const char* address) {
    std::vector<Network> parsed;
    for (const char* text : networks) parsed.push_back(*parse_network(text));
    return Networks(parsed).contains(boost::asio::ip::make_address(address));
}

TEST_CASE("an address is in a range where the bits of the prefix are the same") {
    CHECK(contain({"10.0.0.0/8"}, "10.255.0.1"));
    CHECK_FALSE(contain({"10.0.0.0/8"}, "11.0.0.1"));
    CHECK(contain({"10.0.0.0/12"}, "10.15.255.255"));
    CHECK_FALSE(contain({"10.0.0.0/12"}, "10.16.0.0"));
    CHECK(contain({"127.0.0.1"}, "127.0.0.1"));
    CHECK_FALSE(contain({"127.0.0.1"}, "127.0.0.2"));
    CHECK(contain({"fd00::/8"}, "fdff::1"));
    CHECK_FALSE(contain({"fd00::/8"}, "fe00::1"));
    CHECK(contain({"192.0.2.0/24", "::1"}, "::1"));
    CHECK_FALSE(contain({}, "127.0.0.1"));
}

TEST_CASE("an IPv4 address inside IPv6 counts as the IPv4 address") {
    CHECK(contain({"10.0.0.0/8"}, "::ffff:10.1.2.3"));
    CHECK(contain({"::ffff:10.0.0.0/104"}, "10.1.2.3"));
    CHECK_FALSE(contain({"10.0.0.0/8"}, "::10.1.2.3"));
    CHECK_FALSE(contain({"0.0.0.0/0"}, "2001:db8::1"));
    CHECK(contain({"::/0"}, "10.1.2.3"));
}

}  // namespace
}  // namespace larder::net
