#include "base/utf8.hpp"

#include <doctest/doctest.h>

using namespace larder;

TEST_CASE("UTF-8 is what RFC 3629 allows") {
    for (const char* text : {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
        CAPTURE(text);
        CHECK(is_utf8(text));
        CHECK(valid_utf8(text) == text);
    }
    for (const char* text :
         {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "a\x80"}) {
        CAPTURE(text);
        CHECK_FALSE(is_utf8(text));
        CHECK(is_utf8(valid_utf8(text)));
    }
    CHECK(valid_utf8("a\xff"
                     "b") ==
          "a\xef\xbf\xbd"
          "b");
}
