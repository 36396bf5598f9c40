#include "http/head_lines.hpp"

#include <algorithm>
#include <array>

#include "http/lists.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace larder::http {
namespace {

constexpr std::size_t typical_lines = 24;

constexpr bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

// The next control byte. Looks at sixteen bytes at a time if the processor has SSE2.
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

constexpr auto token_chars = [] {
    std::array<bool, 256> table{};
    for (int byte = 0; byte < 256; ++byte)
        table[static_cast<std::size_t>(byte)] = is_token_char(static_cast<char>(byte));
    return table;
}();

std::size_t token_size(std::string_view text) {
    std::size_t size = 0;
    while (size < text.size() && token_chars[static_cast<unsigned char>(text[size])]) ++size;
    return size;
}

// Where the line's first colon is; the size of the line if there is none. `readable`: how many
// bytes there are from the line's beginning on, with what follows the line.
std::size_t colon_of(std::string_view line, std::size_t readable) {
#if defined(__SSE2__)
    if (readable >= 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(line.data()));
        const int found = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(':')));
        if (found != 0)
            return std::min<std::size_t>(__builtin_ctz(static_cast<unsigned>(found)), line.size());
        if (line.size() <= 16) return line.size();
    }
#else
    static_cast<void>(readable);
#endif
    return std::min(line.find(':'), line.size());
}

// 0 for "HTTP/1.0", 1 for "HTTP/1.1", up to 9 for what may follow; -1 for anything else.
int minor_version_of(std::string_view text) {
    const bool known = text.size() == 8 && text.starts_with("HTTP/1.") && is_digit(text[7]);
    return known ? text[7] - '0' : -1;
}

}  // namespace

HeadScan scan_head(std::string_view input, std::vector<std::uint32_t>& line_ends) {
    line_ends.clear();
    line_ends.reserve(typical_lines);
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
        if (at == line && line != begin)
            return {HeadScan::Kind::complete, static_cast<std::size_t>(at + 2 - begin)};
        line_ends.push_back(static_cast<std::uint32_t>(at - begin));
        at += 2;
        line = at;
        if (at < end && (*at == ' ' || *at == '\t')) return {HeadScan::Kind::folded, 0};
    }
    return {};
}

HeadFault split_request_line(std::string_view line, RequestLine& out) {
    out.method = line.substr(0, token_size(line));
    line.remove_prefix(out.method.size());
    if (out.method.empty() || !line.starts_with(' ')) return HeadFault::method;
    line.remove_prefix(1);
    out.target = line.substr(0, line.find(' '));
    out.target = out.target.substr(0, out.target.find('\t'));
    line.remove_prefix(out.target.size());
    if (out.target.empty() || !line.starts_with(' ')) return HeadFault::target;
    // A later version is read as the latest one known (RFC 9110, 2.5).
    out.minor_version = std::min(minor_version_of(line.substr(1)), 1);
    return out.minor_version < 0 ? HeadFault::version : HeadFault::none;
}

HeadFault split_status_line(std::string_view line, StatusLine& out) {
    out.minor_version = minor_version_of(line.substr(0, 8));
    if (out.minor_version < 0 || out.minor_version > 1) return HeadFault::version;
    const bool has_status = line.size() >= 13 && line[8] == ' ' && is_digit(line[9]) &&
                            is_digit(line[10]) && is_digit(line[11]) && line[12] == ' ';
    if (!has_status) return HeadFault::status;
    out.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    out.reason = line.substr(13);
    return HeadFault::none;
}

HeadFault split_fields(std::string_view input, const std::vector<std::uint32_t>& line_ends,
                       std::size_t fields_max, std::vector<Field>& fields) {
    fields.clear();
    if (line_ends.size() - 1 > fields_max) return HeadFault::too_many_fields;
    fields.reserve(line_ends.size());
    for (std::size_t i = 1; i < line_ends.size(); ++i) {
        const std::size_t begin = line_ends[i - 1] + 2;
        const std::string_view line(input.data() + begin, line_ends[i] - begin);
        const std::size_t colon = colon_of(line, input.size() - begin);
        if (colon == line.size()) return HeadFault::field;
        const std::string_view name(line.data(), colon);
        const FieldId id = field_id(name);
        // A known name is a token.
        if (id == FieldId::other && (name.empty() || token_size(name) != name.size()))
            return HeadFault::field;
        fields.push_back({name, trim_ows(line.substr(colon + 1)), id});
    }
    return HeadFault::none;
}

}  // namespace larder::http
