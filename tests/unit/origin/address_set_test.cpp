#include "origin/address_set.hpp"

#include <doctest/doctest.h>

#include <string>

namespace larder::origin {
namespace {

using boost::asio::ip::make_address;

// "a b" for the addresses 10.0.0.a and 10.0.0.b.
std::vector<Endpoint> list(const std::string& names) {
    std::vector<Endpoint> out;
    for (char name : names)
        if (name != ' ') out.emplace_back(make_address("10.0.0." + std::to_string(name - 'a')), 80);
    return out;
}

TEST_CASE("a lookup's answer is merged into what is known") {
    struct Row {
        const char* what;
        const char* known;
        const char* found;
        const char* now;
        const char* added;
        const char* gone;
    };
    for (const Row& row : {
             Row{"the first answer", "", "b a", "b a", "b a", ""},
             {"the same", "a b c", "a b c", "a b c", "", ""},
             {"the same, shuffled", "a b c", "c a b", "a b c", "", ""},
             {"one more", "a b", "c b a", "a b c", "c", ""},
             {"one less", "a b c", "c a", "a c", "", "b"},
             {"another one", "a", "b", "b", "b", "a"},
             {"found twice", "a", "b b a a", "a b", "b", ""},
             {"no answer", "a b", "", "a b", "", ""},
         }) {
        CAPTURE(row.what);
        const AddressChange change = merge_addresses(list(row.known), list(row.found));
        CHECK(change.now == list(row.now));
        CHECK(change.added == list(row.added));
        CHECK(change.gone == list(row.gone));
        CHECK(change.any() == (change.now != list(row.known)));
    }
}

TEST_CASE("another port, or the same address in another family, is another one") {
    const std::vector<Endpoint> known{{make_address("127.0.0.1"), 80}};
    const std::vector<Endpoint> found{{make_address("127.0.0.1"), 81},
                                      {make_address("::ffff:127.0.0.1"), 80}};
    const AddressChange change = merge_addresses(known, found);
    CHECK(change.now == found);
    CHECK(change.gone == known);
}

TEST_CASE("a name with very many addresses has as many servers as are kept") {
    std::vector<Endpoint> found;
    for (unsigned short port = 1; port <= 1000; ++port)
        found.emplace_back(make_address("10.0.0.1"), port);
    CHECK(merge_addresses({}, found).now.size() == 256);
}

}  // namespace
}  // namespace larder::origin
