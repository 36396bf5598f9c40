#include "redis/slots.hpp"

#include <array>

namespace larder::redis {
namespace {

// CRC-16/XMODEM: polynomial 0x1021, begun with 0, as the specification of Redis Cluster says.
constexpr std::array<std::uint16_t, 256> make_table() {
    std::array<std::uint16_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        std::uint32_t sum = byte << 8;
        for (int bit = 0; bit < 8; ++bit) sum = sum << 1 ^ ((sum & 0x8000) != 0 ? 0x1021 : 0);
        table[byte] = static_cast<std::uint16_t>(sum);
    }
    return table;
}
constexpr auto table = make_table();

std::string_view hashed_part(std::string_view key) {
    const std::size_t open = key.find('{');
    if (open == key.npos) return key;
    const std::size_t close = key.find('}', open + 1);
    if (close == key.npos || close == open + 1) return key;
    return key.substr(open + 1, close - open - 1);
}

}  // namespace

std::uint16_t slot_of(std::string_view key) {
    std::uint16_t sum = 0;
    for (const char c : hashed_part(key))
        sum = static_cast<std::uint16_t>(sum << 8 ^
                                         table[(sum >> 8 ^ static_cast<unsigned char>(c)) & 0xFF]);
    return sum % slots_all;
}

}  // namespace larder::redis
