#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/hex.hpp"

namespace larder {

/// SHA-1 (FIPS 180-4) of a text as 40 lower-case hexadecimal digits, also when the program is
/// compiled. Redis names scripts so. Not for anything that must be safe against forgery.
class Sha1 {
public:
    static constexpr std::array<char, 40> hex_of(std::string_view text) {
        Sha1 sum;
        const std::uint64_t bits = std::uint64_t{text.size()} * 8;
        const std::size_t blocks = (text.size() + 8) / 64 + 1;
        for (std::size_t block = 0; block < blocks; ++block) {
            std::array<std::uint32_t, 80> words{};
            for (std::size_t i = 0; i < 64; ++i) {
                const std::size_t at = block * 64 + i;
                std::uint32_t byte = 0;
                if (at < text.size()) byte = static_cast<unsigned char>(text[at]);
                if (at == text.size()) byte = 0x80;
                if (block + 1 == blocks && i >= 56)
                    byte = static_cast<std::uint32_t>(bits >> (8 * (63 - i))) & 0xFF;
                words[i / 4] |= byte << (8 * (3 - i % 4));
            }
            sum.add(words);
        }
        std::array<char, 40> out{};
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = lower_hex_digits[(sum.state_[i / 8] >> (4 * (7 - i % 8))) & 15];
        return out;
    }

private:
    static constexpr std::uint32_t turned(std::uint32_t value, int by) {
        return value << by | value >> (32 - by);
    }
    constexpr void add(std::array<std::uint32_t, 80>& words) {
        for (std::size_t i = 16; i < 80; ++i)
            words[i] = turned(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
        auto [a, b, c, d, e] = state_;
        for (std::size_t i = 0; i < 80; ++i) {
            std::uint32_t mix = 0;
            std::uint32_t constant = 0;
            if (i < 20) mix = (b & c) | (~b & d), constant = 0x5A827999;
            if (i >= 20 && i < 40) mix = b ^ c ^ d, constant = 0x6ED9EBA1;
            if (i >= 40 && i < 60) mix = (b & c) | (b & d) | (c & d), constant = 0x8F1BBCDC;
            if (i >= 60) mix = b ^ c ^ d, constant = 0xCA62C1D6;
            const std::uint32_t next = turned(a, 5) + mix + e + constant + words[i];
            e = d, d = c, c = turned(b, 30), b = a, a = next;
        }
        state_[0] += a, state_[1] += b, state_[2] += c, state_[3] += d, state_[4] += e;
    }

    std::array<std::uint32_t, 5> state_{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
};

}  // namespace larder
