#include "http/canonical_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "base/utf8.hpp"

namespace larder::http {
namespace {

constexpr int depth_max = 64;
constexpr std::size_t digits_max = 17;  // that a double keeps
constexpr double exact_max = 9007199254740992.0;

void append_utf8(std::uint32_t code, std::string& out) {
    const auto byte = [&out](std::uint32_t value) { out.push_back(static_cast<char>(value)); };
    if (code < 0x80) return byte(code);
    if (code < 0x800) {
        byte(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        byte(0xe0 | code >> 12);
        byte(0x80 | (code >> 6 & 0x3f));
    } else {
        byte(0xf0 | code >> 18);
        byte(0x80 | (code >> 12 & 0x3f));
        byte(0x80 | (code >> 6 & 0x3f));
    }
    byte(0x80 | (code & 0x3f));
}

// The character that the text begins with, taken off it; nothing where it is not UTF-8.
std::optional<std::uint32_t> take_utf8(std::string_view& text) {
    const Utf8Sequence first = decode_utf8(text);
    if (first.size == 0) return std::nullopt;
    text.remove_prefix(first.size);
    return first.point;
}

// RFC 8785, 3.2.3: names are ordered by their UTF-16 code units, where a character beyond the basic
// plane begins with a unit from D800 on.
bool comes_before(std::string_view a, std::string_view b) {
    const std::size_t most = std::min(a.size(), b.size());
    std::size_t same = 0;
    while (same < most && a[same] == b[same]) ++same;
    while (same > 0 && same < most && (static_cast<unsigned char>(a[same]) & 0xc0) == 0x80) --same;
    a.remove_prefix(same);
    b.remove_prefix(same);
    if (a.empty() || b.empty()) return a.size() < b.size();
    const std::uint32_t left = take_utf8(a).value_or(0);
    const std::uint32_t right = take_utf8(b).value_or(0);
    const auto unit = [](std::uint32_t code) {
        return code < 0x10000 ? code : 0xd800 + ((code - 0x10000) >> 10);
    };
    return unit(left) != unit(right) ? unit(left) < unit(right) : left < right;
}

// RFC 8785, 3.2.2.3: as ECMAScript writes it.
std::string number_text(double value) {
    if (value == 0) return "0";
    std::array<char, 32> buffer{};
    const auto end =
        std::to_chars(buffer.begin(), buffer.end(), std::abs(value), std::chars_format::scientific);
    const std::string_view written(buffer.data(),
                                   static_cast<std::size_t>(end.ptr - buffer.data()));
    const std::size_t e = written.find('e');
    std::string digits(written.substr(0, e));
    std::erase(digits, '.');
    const bool small = written[e + 1] == '-';
    const int exponent = static_cast<int>(parse_decimal(written.substr(e + 2)).value_or(0));
    const int point = 1 + (small ? -exponent : exponent);  // digits before the decimal point
    const int count = static_cast<int>(digits.size());
    std::string out = value < 0 ? "-" : "";
    if (count <= point && point <= 21)
        return out + digits + std::string(static_cast<std::size_t>(point - count), '0');
    if (0 < point && point <= 21) {
        digits.insert(static_cast<std::size_t>(point), 1, '.');
        return out + digits;
    }
    if (-6 < point && point <= 0)
        return out + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
    if (count > 1) digits.insert(1, 1, '.');
    return out + digits + (point > 0 ? "e+" : "e-") + std::to_string(std::abs(point - 1));
}

// RFC 8785, 3.2.2.2.
void append_string(std::string_view text, std::string& out) {
    out.push_back('"');
    for (const char c : text) {
        static constexpr std::string_view named = "\b\t\n\f\r\"\\";
        static constexpr std::string_view letters = "btnfr\"\\";
        const std::size_t at = named.find(c);
        if (at != std::string_view::npos) {
            out.push_back('\\');
            out.push_back(letters[at]);
        } else if (static_cast<unsigned char>(c) < 0x20) {
            static constexpr std::string_view hex = "0123456789abcdef";
            out.append("\\u00");
            out.push_back(hex[static_cast<unsigned char>(c) >> 4]);
            out.push_back(hex[static_cast<unsigned char>(c) & 15]);
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

}  // namespace

/// Reads one text strictly (RFC 8259). `good` turns false at the first fault.
class JsonReader {
public:
    using Value = CanonicalJson::Value;
    using Kind = CanonicalJson::Kind;

    explicit JsonReader(std::string_view text) : rest_(text) {}

    bool read_all(Value& root) {
        read_value(root, 0);
        skip_blanks();
        return good_ && rest_.empty();
    }
    [[nodiscard]] bool is_exact() const { return is_exact_; }

private:
    void fail() {
        good_ = false;
        rest_ = {};
    }
    void skip_blanks() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r"), rest_.size()));
    }
    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    void read_value(Value& out, int depth) {
        skip_blanks();
        if (rest_.empty() || depth > depth_max) return fail();
        if (rest_.front() == '"') {
            out.kind = Kind::string;
            return read_string(out.text);
        }
        if (rest_.front() == '{' || rest_.front() == '[') return read_items(out, depth);
        for (const std::string_view word : {"true", "false", "null"}) {
            if (!rest_.starts_with(word)) continue;
            out.text = word;
            return rest_.remove_prefix(word.size());
        }
        read_number(out.text);
    }

    void read_items(Value& out, int depth) {
        const bool object = rest_.front() == '{';
        const char close = object ? '}' : ']';
        rest_.remove_prefix(1);
        out.kind = object ? Kind::object : Kind::array;
        skip_blanks();
        if (take(close)) return;
        do {
            Value& item = out.items.emplace_back();
            if (object) {
                skip_blanks();
                read_string(item.name);
                skip_blanks();
                if (!take(':')) return fail();
            }
            read_value(item, depth + 1);
            skip_blanks();
        } while (take(','));
        if (!good_ || !take(close)) return fail();
        if (!object) return;
        std::sort(out.items.begin(), out.items.end(),
                  [](const Value& a, const Value& b) { return comes_before(a.name, b.name); });
        const auto twice =
            std::adjacent_find(out.items.begin(), out.items.end(),
                               [](const Value& a, const Value& b) { return a.name == b.name; });
        if (twice != out.items.end()) fail();
    }

    void read_string(std::string& out) {
        if (!take('"')) return fail();
        while (good_ && !take('"')) {
            if (rest_.empty() || static_cast<unsigned char>(rest_.front()) < 0x20) return fail();
            if (take('\\')) {
                read_escape(out);
            } else if (const auto code = take_utf8(rest_)) {
                append_utf8(*code, out);
            } else {
                return fail();
            }
        }
    }

    void read_escape(std::string& out) {
        if (rest_.empty()) return fail();
        const char c = rest_.front();
        rest_.remove_prefix(1);
        static constexpr std::string_view letters = "btnfr\"\\/";
        static constexpr std::string_view meant = "\b\t\n\f\r\"\\/";
        if (const std::size_t at = letters.find(c); at != std::string_view::npos)
            return out.push_back(meant[at]);
        if (c != 'u') return fail();
        std::uint32_t code = read_hex();
        if (code >= 0xdc00 && code < 0xe000) return fail();
        if (code >= 0xd800 && code < 0xdc00) {
            if (!take('\\') || !take('u')) return fail();
            const std::uint32_t low = read_hex();
            if (low < 0xdc00 || low >= 0xe000) return fail();
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        append_utf8(code, out);
    }

    std::uint32_t read_hex() {
        std::uint32_t code = 0;
        const std::string_view digits = rest_.substr(0, 4);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
        if (digits.size() < 4 || error != std::errc() || end != digits.data() + 4) {
            fail();
            return 0;
        }
        rest_.remove_prefix(4);
        return code;
    }

    std::size_t take_digits() {
        std::size_t size = 0;
        while (size < rest_.size() && is_digit(rest_[size])) ++size;
        rest_.remove_prefix(size);
        return size;
    }

    void read_number(std::string& out) {
        const std::string_view begin = rest_;
        take('-');
        const bool zero = rest_.starts_with('0');
        const std::size_t whole = take_digits();
        if (whole == 0 || (zero && whole > 1)) return fail();
        if (take('.') && take_digits() == 0) return fail();
        const std::string_view mantissa = begin.substr(0, begin.size() - rest_.size());
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            if (take_digits() == 0) return fail();
        }
        const std::string_view written = begin.substr(0, begin.size() - rest_.size());
        if (is_plain_integer(written)) {
            out = written;
            return;
        }
        double value = 0;
        const auto parsed = std::from_chars(written.data(), written.data() + written.size(), value);
        if (parsed.ec != std::errc() || significant_digits(mantissa) > digits_max) return fail();
        if (std::abs(value) >= exact_max) is_exact_ = false;
        out = number_text(value);
    }

    // Most numbers: the canonical form is what is written. Not -0.
    static bool is_plain_integer(std::string_view written) {
        constexpr std::size_t digits_always_exact = 15;
        const std::string_view digits = written.substr(written.starts_with('-') ? 1 : 0);
        return digits.size() <= digits_always_exact && written != "-0" &&
               std::all_of(digits.begin(), digits.end(), is_digit);
    }

    static std::size_t significant_digits(std::string_view mantissa) {
        std::string digits(mantissa);
        std::erase_if(digits, [](char c) { return !is_digit(c); });
        const std::size_t first = digits.find_first_not_of('0');
        const std::size_t last = digits.find_last_not_of('0');
        return first == std::string::npos ? 0 : last - first + 1;
    }

    std::string_view rest_;
    bool good_ = true;
    bool is_exact_ = true;
};

std::optional<CanonicalJson> CanonicalJson::parse(std::string_view text) {
    CanonicalJson out;
    JsonReader reader(text);
    if (!reader.read_all(out.root_)) return std::nullopt;
    out.is_exact_ = reader.is_exact();
    return out;
}

void CanonicalJson::append(const Value& value, std::string& out) {
    if (value.kind == Kind::word) {
        out.append(value.text);
    } else if (value.kind == Kind::string) {
        append_string(value.text, out);
    } else {
        const bool object = value.kind == Kind::object;
        out.push_back(object ? '{' : '[');
        for (const Value& item : value.items) {
            if (&item != &value.items.front()) out.push_back(',');
            if (object) {
                append_string(item.name, out);
                out.push_back(':');
            }
            append(item, out);
        }
        out.push_back(object ? '}' : ']');
    }
}

std::string CanonicalJson::text() const {
    std::string out;
    append(root_, out);
    return out;
}

const CanonicalJson::Value* CanonicalJson::child(const Value& value, std::string_view token) {
    if (value.kind == Kind::array) {
        const bool plain = token == "0" || !token.starts_with('0');
        const auto index = plain ? parse_decimal(token) : std::nullopt;
        return index && *index < value.items.size() ? &value.items[*index] : nullptr;
    }
    if (value.kind != Kind::object) return nullptr;
    std::string name;
    for (std::size_t i = 0; i < token.size(); ++i) {
        const bool escaped = token[i] == '~' && i + 1 < token.size();
        name.push_back(!escaped ? token[i] : token[++i] == '1' ? '/' : '~');
    }
    const auto found = std::find_if(value.items.begin(), value.items.end(),
                                    [&](const Value& item) { return item.name == name; });
    return found == value.items.end() ? nullptr : &*found;
}

std::optional<std::string> CanonicalJson::text_at(std::string_view pointer) const {
    const Value* value = &root_;
    while (value && !pointer.empty()) {
        pointer.remove_prefix(1);
        const std::size_t end = std::min(pointer.find('/'), pointer.size());
        value = child(*value, pointer.substr(0, end));
        pointer.remove_prefix(end);
    }
    if (!value) return std::nullopt;
    std::string out;
    append(*value, out);
    return out;
}

}  // namespace larder::http
