#pragma once
#include <cstddef>
#include <string_view>

namespace larder::flow {

/// The first look at a head's bytes (RFC 9112, 2.2 and 5.2): where it ends, and whether a byte is in it that has no place in
/// one: CR and LF only as a pair, no NUL and no other control but HTAB, no line that begins with white space.
struct HeadScan {
    enum class Kind { complete, need_more, bad_byte, folded };
    Kind kind = Kind::need_more;
    std::size_t size = 0;  ///< with the blank line, once complete
};

HeadScan scan_head(std::string_view input);

}  // namespace larder::flow
