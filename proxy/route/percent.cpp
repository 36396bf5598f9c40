#include "route/percent.hpp"

#include <array>
#include <cstring>

#include "base/text.hpp"

namespace larder::route {
namespace {

constexpr auto plain = [] {
    std::array<bool, 256> table{};
    for (int c = '0'; c <= '9'; ++c) table[c] = true;
    for (int c = 'A'; c <= 'Z'; ++c) table[c] = true;
    for (int c = 'a'; c <= 'z'; ++c) table[c] = true;
    for (char c : {'-', '.', '_', '~', '@'}) table[static_cast<unsigned char>(c)] = true;
    return table;
}();

constexpr auto value_chars = [] {
    auto table = plain;
    for (char c : {'%', '+', ',', '!', '/'}) table[static_cast<unsigned char>(c)] = true;
    return table;
}();

void append_byte(std::string& out, unsigned byte) {
    if (plain[byte]) {
        out.push_back(static_cast<char>(byte));
        return;
    }
    append_percent(out, static_cast<unsigned char>(byte));
}

/// Takes eight bytes at a time. A shorter rest is filled up with zeros. The size is hashed last.
class Hash {
public:
    void word(std::uint64_t bytes) {
        state_ = (state_ ^ bytes) * 0x9FB21C651E98DF25ULL;
        state_ ^= state_ >> 32;
    }
    std::uint64_t finish(std::size_t size) {
        word(size);
        return state_;
    }

private:
    std::uint64_t state_ = 14695981039346656037ULL;
};

}  // namespace

std::uint64_t hash_bytes(std::string_view bytes) {
    Hash hash;
    std::uint64_t word = 0;
    std::size_t at = 0;
    for (; at + sizeof word <= bytes.size(); at += sizeof word) {
        std::memcpy(&word, bytes.data() + at, sizeof word);
        hash.word(word);
    }
    word = 0;
    std::memcpy(&word, bytes.data() + at, bytes.size() - at);
    hash.word(word);
    return hash.finish(bytes.size());
}

namespace {

template <class Change>
std::uint64_t hash_changed(std::string_view raw, Change change) {
    Hash hash;
    std::size_t size = 0;
    unsigned char bytes[8] = {};
    const auto mix = [&hash, &bytes] {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes, sizeof word);
        hash.word(word);
        std::memset(bytes, 0, sizeof bytes);
    };
    for (std::size_t at = 0; at < raw.size();) {
        bytes[size++ % sizeof bytes] = static_cast<unsigned char>(change(next_decoded(raw, at)));
        if (size % sizeof bytes == 0) mix();
    }
    mix();
    return hash.finish(size);
}

int folded(int byte) { return byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte; }

}  // namespace

std::uint64_t hash_decoded(std::string_view raw) {
    return hash_changed(raw, [](int byte) { return byte; });
}

std::uint64_t hash_folded(std::string_view raw) { return hash_changed(raw, folded); }

bool folds_to(std::string_view raw, std::string_view lower) {
    std::size_t at = 0;
    for (char c : lower)
        if (at >= raw.size() || folded(next_decoded(raw, at)) != static_cast<unsigned char>(c))
            return false;
    return at == raw.size();
}

void fold_case(std::string& text, std::size_t begin) {
    for (std::size_t at = begin; at < text.size(); ++at) {
        if (text[at] == '%') {
            at += 2;
        } else {
            text[at] = to_lower(text[at]);
        }
    }
}

bool is_value_char(char c) { return value_chars[static_cast<unsigned char>(c)]; }

void append_value(std::string& out, std::string_view raw, Source source, bool keep_slash) {
    for (std::size_t at = 0; at < raw.size();) {
        const char c = raw[at];
        if (plain[static_cast<unsigned char>(c)]) {
            const std::size_t begin = at;
            while (++at < raw.size() && plain[static_cast<unsigned char>(raw[at])]) {
            }
            out.append(raw, begin, at - begin);
        } else if ((c == '/' && keep_slash) || (c == '+' && source == Source::query)) {
            out.push_back(c);
            ++at;
        } else if (c == '%' && source != Source::text) {
            const int byte = next_decoded(raw, at);
            if (byte == malformed_percent) {
                out.append("%25!");
            } else {
                append_byte(out, static_cast<unsigned>(byte));
            }
        } else {
            append_byte(out, static_cast<unsigned char>(c));
            ++at;
        }
    }
}

bool append_decoded(std::string& out, std::string_view raw, Source source) {
    if (source == Source::text) {
        out.append(raw);
        return true;
    }
    bool faithful = true;
    for (std::size_t at = 0; at < raw.size();) {
        if (raw[at] == '+' && source == Source::query) faithful = false;
        const int byte = next_decoded(raw, at);
        if (byte == malformed_percent) faithful = false;
        out.push_back(byte == malformed_percent ? '%' : static_cast<char>(byte));
    }
    return faithful;
}

bool has_needless_encoding(std::string_view raw) {
    for (std::size_t at = raw.find('%'); at < raw.size(); at = raw.find('%', at)) {
        const int byte = next_decoded(raw, at);
        const auto c = static_cast<char>(byte);
        const bool unreserved = byte != malformed_percent && byte < 0x80 &&
                                plain[static_cast<unsigned char>(c)] && c != '@';
        if (unreserved) return true;
    }
    return false;
}

bool decodes_to_prefix(std::string_view raw, std::string_view prefix) {
    std::size_t at = 0;
    for (char c : prefix)
        if (at >= raw.size() || next_decoded(raw, at) != static_cast<unsigned char>(c))
            return false;
    return true;
}

bool decodes_to(std::string_view raw, std::string_view bytes) {
    if (raw == bytes && raw.find('%') == std::string_view::npos) return true;
    std::size_t at = 0;
    for (char c : bytes)
        if (at >= raw.size() || next_decoded(raw, at) != static_cast<unsigned char>(c))
            return false;
    return at == raw.size();
}

int compare_decoded(std::string_view a, std::string_view b) {
    std::size_t at_a = 0;
    std::size_t at_b = 0;
    while (at_a < a.size() && at_b < b.size()) {
        const int left = next_decoded(a, at_a);
        const int right = next_decoded(b, at_b);
        if (left != right) return left - right;
    }
    return static_cast<int>(at_a < a.size()) - static_cast<int>(at_b < b.size());
}

}  // namespace larder::route
