#include "flow/request_id.hpp"

#include <algorithm>
#include <array>
#include <random>

#include "base/hex.hpp"

namespace larder::flow {
namespace {

// Ids need to be different, not secret, so a fast generator will do.
std::mt19937_64& generator() {
    thread_local std::mt19937_64 engine = [] {
        std::random_device device;
        std::seed_seq seed{device(), device(), device(), device()};
        return std::mt19937_64(seed);
    }();
    return engine;
}

void append_uuid(std::string& out) {
    std::array<unsigned char, 16> bytes{};
    for (std::size_t half = 0; half < 2; ++half) {
        const std::uint64_t random = generator()();
        for (std::size_t i = 0; i < 8; ++i)
            bytes[half * 8 + i] = static_cast<unsigned char>(random >> (8 * i));
    }
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);  // version 4
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);  // variant of RFC 9562
    std::array<char, 36> text{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text[at++] = '-';
        text[at++] = lower_hex_digits[bytes[i] >> 4];
        text[at++] = lower_hex_digits[bytes[i] & 15];
    }
    out.append(text.data(), at);
}

}  // namespace

bool is_request_id(std::string_view value) {
    constexpr std::size_t bytes_max = 200;
    return !value.empty() && value.size() <= bytes_max &&
           std::all_of(value.begin(), value.end(), [](char c) {
               return c > ' ' && c <= '~' && c != '"' && c != '\\' && c != ',';
           });
}

std::string_view request_id(Exchange& exchange) {
    if (!exchange.request_id.empty()) return exchange.request_id;
    std::string_view own;
    std::size_t lines = 0;
    for (const http::Field& field : exchange.request.fields) {
        if (!iequals(field.name, "x-request-id")) continue;
        own = field.value;
        ++lines;
    }
    if (lines == 1 && is_request_id(own)) return own;
    append_uuid(exchange.request_id);
    return exchange.request_id;
}

}  // namespace larder::flow
