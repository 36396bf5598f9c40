#include "flow/head_scan.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace larder::flow {
namespace {

constexpr bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

// The next control byte, sixteen at a time where the processor can.
const char* next_control(const char* at, const char* end) {
#if defined(__SSE2__)
    const __m128i highest = _mm_set1_epi8(0x1f);
    const __m128i del = _mm_set1_epi8(0x7f);
    while (end - at >= 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, highest), bytes);
        const int found = _mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(bytes, del)));
        if (found != 0) return at + __builtin_ctz(static_cast<unsigned>(found));
        at += 16;
    }
#endif
    while (at < end && !is_control(*at)) ++at;
    return at;
}

}  // namespace

HeadScan scan_head(std::string_view input) {
    const char* const begin = input.data();
    const char* const end = begin + input.size();
    const char* line = begin;
    for (const char* at = begin; (at = next_control(at, end)) < end;) {
        if (*at == '\t') {
            ++at;
            continue;
        }
        if (*at != '\r') return {HeadScan::Kind::bad_byte, 0};
        if (at + 1 == end) return {};
        if (at[1] != '\n') return {HeadScan::Kind::bad_byte, 0};
        at += 2;
        if (at - line == 2 && line != begin) return {HeadScan::Kind::complete, static_cast<std::size_t>(at - begin)};
        line = at;
        if (at < end && (*at == ' ' || *at == '\t')) return {HeadScan::Kind::folded, 0};
    }
    return {};
}

}  // namespace larder::flow
