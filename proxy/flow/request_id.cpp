#include "flow/request_id.hpp"

#include <algorithm>
#include <array>
#include <cstring>
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

// The two digits of each byte.
constexpr auto hex_pairs = [] {
    std::array<std::array<char, 2>, 256> pairs{};
    for (std::size_t byte = 0; byte < pairs.size(); ++byte)
        pairs[byte] = {lower_hex_digits[byte >> 4], lower_hex_digits[byte & 15]};
    return pairs;
}();

// Writes the lowest bytes of the number, the highest of them first.
char* write_hex(char* at, std::uint64_t number, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) {
        std::memcpy(at, hex_pairs[(number >> (8 * i)) & 0xff].data(), 2);
        at += 2;
    }
    return at;
}

// RFC 9562, 5.4: random bits but for the version, which is 4, and the variant, which is binary 10.
void append_uuid(std::string& out) {
    const std::uint64_t high = (generator()() & ~std::uint64_t{0xf000}) | 0x4000;
    const std::uint64_t low = (generator()() & ~(std::uint64_t{3} << 62)) | std::uint64_t{2} << 62;
    std::array<char, 36> text;
    char* at = write_hex(text.data(), high >> 32, 4);
    *at++ = '-';
    at = write_hex(at, high >> 16, 2);
    *at++ = '-';
    at = write_hex(at, high, 2);
    *at++ = '-';
    at = write_hex(at, low >> 48, 2);
    *at++ = '-';
    write_hex(at, low, 6);
    out.append(text.data(), text.size());
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
