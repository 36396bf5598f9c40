#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Targets for libFuzzer, one for each thing of larder that reads what strangers wrote. A target
/// takes any bytes. Besides not crashing, it checks promises of the code it calls, with `require`.
/// `scripts/fuzz` searches; the ordinary tests replay what is in corpus/ and crashes/ through the
/// same functions (replay.cpp).
namespace larder::fuzz {

void request_head(std::string_view input);
void response_head(std::string_view input);
void chunked_body(std::string_view input);
void cache_control(std::string_view input);
void field_values(std::string_view input);
void cache_decisions(std::string_view input);
void routes(std::string_view input);
void configuration(std::string_view input);
void redis_replies(std::string_view input);
void stored_entry(std::string_view input);
void proxy_header(std::string_view input);
void admin_input(std::string_view input);
void addresses(std::string_view input);
void http2_session(std::string_view input);
void canonical_json(std::string_view input);

/// A promise that was not kept ends the fuzzer, and fails the replay, by this.
inline void require(bool kept, const char* promise) {
    if (!kept) throw std::logic_error(std::string("not kept: ") + promise);
}

/// Cuts text into pieces of 0 to 15 bytes as `seed` says, for readers that must not care how their
/// input arrives.
inline std::vector<std::string_view> cut(std::string_view text, std::uint32_t seed) {
    std::vector<std::string_view> pieces;
    while (!text.empty()) {
        seed = seed * 1664525 + 1013904223;
        const std::string_view piece = text.substr(0, seed >> 28);
        pieces.push_back(piece);
        text.remove_prefix(piece.size());
        if (piece.empty()) seed += 1;
    }
    return pieces;
}

/// Takes the first byte off the input; zero of an empty one.
inline unsigned take_byte(std::string_view& input) {
    if (input.empty()) return 0;
    const auto byte = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    return byte;
}

/// Takes what stands before the mark off the input, the mark too; all of it where there is no mark.
inline std::string_view take_until(std::string_view& input, std::string_view mark) {
    const std::size_t end = input.find(mark);
    const std::string_view taken = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + mark.size());
    return taken;
}

/// The text with each LF made CRLF, so that corpus files can be read and written.
inline std::string with_crlf(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') out.push_back('\r');
        out.push_back(c);
    }
    return out;
}

}  // namespace larder::fuzz
