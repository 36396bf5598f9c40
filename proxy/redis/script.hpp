#pragma once
#include <array>
#include <string_view>

#include "base/sha1.hpp"

namespace larder::redis {

/// A script that Redis runs: its text, and the digest by which Redis knows it once it has run it.
struct Script {
    constexpr explicit Script(std::string_view text_in)
        : text(text_in), digest(Sha1::hex_of(text_in)) {}
    [[nodiscard]] std::string_view name() const { return {digest.data(), digest.size()}; }

    std::string_view text;
    std::array<char, 40> digest;
};

}  // namespace larder::redis
