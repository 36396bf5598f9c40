#include "base/sha1.hpp"

#include <doctest/doctest.h>

#include <string>

namespace larder {
namespace {

std::string sum(std::string_view text) {
    const auto digits = Sha1::hex_of(text);
    return {digits.begin(), digits.end()};
}

TEST_CASE("SHA-1 of the texts that FIPS 180 gives, and around the ends of a block") {
    CHECK(sum("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    CHECK(sum("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    CHECK(sum(std::string(55, 'a')) == "c1c8bbdc22796e28c0e15163d20899b65621d65a");
    CHECK(sum(std::string(64, 'a')) == "0098ba824b5c16427bd7a1122a5a442a25ec644d");
    CHECK(sum(std::string(1000, 'a')) == "291e9a6c66994949b57ba5e650361e98fc36b1ba");
}

static_assert(Sha1::hex_of("abc")[0] == 'a', "scripts are named when the program is compiled");

}  // namespace
}  // namespace larder
