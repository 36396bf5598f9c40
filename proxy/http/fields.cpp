#include "http/fields.hpp"

#include <array>
#include <cstring>

namespace larder::http {
namespace {

constexpr std::size_t id_count = static_cast<std::size_t>(FieldId::count_);

constexpr std::array<std::string_view, id_count> names{"",
                                                       "accept",
                                                       "accept-encoding",
                                                       "age",
                                                       "authorization",
                                                       "cache-control",
                                                       "cache-group-invalidation",
                                                       "cache-groups",
                                                       "cache-status",
                                                       "cache-tag",
                                                       "cdn-cache-control",
                                                       "connection",
                                                       "content-encoding",
                                                       "content-length",
                                                       "content-location",
                                                       "content-range",
                                                       "content-type",
                                                       "cookie",
                                                       "date",
                                                       "etag",
                                                       "expect",
                                                       "expires",
                                                       "forwarded",
                                                       "host",
                                                       "if-match",
                                                       "if-modified-since",
                                                       "if-none-match",
                                                       "if-range",
                                                       "if-unmodified-since",
                                                       "keep-alive",
                                                       "last-modified",
                                                       "location",
                                                       "pragma",
                                                       "proxy-authenticate",
                                                       "proxy-authorization",
                                                       "proxy-connection",
                                                       "range",
                                                       "set-cookie",
                                                       "surrogate-key",
                                                       "te",
                                                       "trailer",
                                                       "transfer-encoding",
                                                       "upgrade",
                                                       "vary",
                                                       "via",
                                                       "x-cache",
                                                       "x-forwarded-for",
                                                       "x-forwarded-host",
                                                       "x-forwarded-port",
                                                       "x-forwarded-proto",
                                                       "x-http-method-override",
                                                       "x-original-url",
                                                       "x-real-ip",
                                                       "x-rewrite-url"};

constexpr std::size_t table_size = 512;

// Length, first, middle and last letter distinguish most known names, so probes are short. The bit
// of the case counts for nothing.
constexpr std::size_t slot_of(std::string_view name) {
    const auto first = static_cast<unsigned char>(name.front() | 0x20);
    const auto middle = static_cast<unsigned char>(name[name.size() / 2] | 0x20);
    const auto last = static_cast<unsigned char>(name.back() | 0x20);
    return (name.size() * 131u + first * 31u + middle * 7u + last * 193u) % table_size;
}

constexpr auto make_table() {
    std::array<std::uint8_t, table_size> table{};
    for (std::size_t id = 1; id < id_count; ++id) {
        std::size_t slot = slot_of(names[id]);
        while (table[slot] != 0) slot = (slot + 1) % table_size;
        table[slot] = static_cast<std::uint8_t>(id);
    }
    return table;
}

constexpr auto table = make_table();

template <class Word>
bool differs(const char* text, const char* lower) {
    Word a, b;
    std::memcpy(&a, text, sizeof a);
    std::memcpy(&b, lower, sizeof b);
    // Bytes may differ in the bit of the case, and only where `lower` has a letter: letters have
    // 0x40, which hyphens and digits have not.
    constexpr Word case_bits = static_cast<Word>(0x2020202020202020u);
    return ((a ^ b) & static_cast<Word>(~((b >> 1) & case_bits))) != 0;
}

// Whether the text is the known name, in any case; both have the same size. Compares whole words,
// the last of which may overlap the one before.
bool is_name(const char* text, const char* lower, std::size_t size) {
    if (size < 4) {
        for (std::size_t i = 0; i < size; ++i)
            if (to_lower(text[i]) != lower[i]) return false;
        return true;
    }
    if (size < 8)
        return !differs<std::uint32_t>(text, lower) &&
               !differs<std::uint32_t>(text + size - 4, lower + size - 4);
    for (std::size_t i = 0; i + 8 < size; i += 8)
        if (differs<std::uint64_t>(text + i, lower + i)) return false;
    return !differs<std::uint64_t>(text + size - 8, lower + size - 8);
}

template <class Matches>
std::optional<std::string> join(std::span<const Field> lines, Matches matches) {
    std::optional<std::string> out;
    for (const Field& line : lines) {
        if (!matches(line)) continue;
        if (out) {
            out->append(", ");
        } else {
            out.emplace();
        }
        out->append(line.value);
    }
    return out;
}

}  // namespace

FieldId field_id(std::string_view name) {
    if (name.empty()) return FieldId::other;
    for (std::size_t slot = slot_of(name); table[slot] != 0; slot = (slot + 1) % table_size) {
        const std::string_view known = names[table[slot]];
        if (known.size() == name.size() && is_name(name.data(), known.data(), name.size()))
            return static_cast<FieldId>(table[slot]);
    }
    return FieldId::other;
}

std::string_view field_name(FieldId id) { return names[static_cast<std::size_t>(id)]; }

std::optional<std::string> Fields::joined(FieldId id) const {
    if (!has(id)) return std::nullopt;
    return join(lines_, [id](const Field& line) { return line.id == id; });
}

}  // namespace larder::http
