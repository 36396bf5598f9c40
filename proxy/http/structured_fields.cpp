#include "http/structured_fields.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "http/lists.hpp"

namespace larder::http {
namespace {

// Each member of a dictionary is compared with all members before it, in quadratic time.
constexpr std::size_t dictionary_members_max = 1024;

constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_alpha(char c) { return is_lower(to_lower(c)); }

/// The parsing algorithms of RFC 9651, 4.2, one function each. False makes the whole field invalid.
class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    bool dictionary(StructuredDictionary& out) {
        return members([&] { return dictionary_member(out); });
    }

    bool list(StructuredList& out) {
        return members([&] {
            StructuredItem item;
            if (!member_value(item)) return false;
            out.push_back(std::move(item));
            return true;
        });
    }

private:
    [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
    [[nodiscard]] bool sees(char c) const { return !at_end() && text_[at_] == c; }
    bool take(char c) {
        if (!sees(c)) return false;
        ++at_;
        return true;
    }
    void skip_spaces() {
        while (take(' ')) {
        }
    }
    void skip_white_space() {
        while (take(' ') || take('\t')) {
        }
    }

    template <class Member>
    bool members(Member member) {
        skip_spaces();
        while (!at_end()) {
            if (!member()) return false;
            skip_white_space();
            if (at_end()) return true;
            if (!take(',')) return false;
            skip_white_space();
            if (at_end()) return false;  // a trailing comma
        }
        return true;
    }

    bool dictionary_member(StructuredDictionary& out) {
        std::string name;
        if (!key(name)) return false;
        StructuredItem item;
        if (take('=') ? !member_value(item) : !parameters()) return false;
        const auto same = [&](const auto& entry) { return entry.first == name; };
        std::erase_if(out, same);
        if (out.size() == dictionary_members_max) return false;
        out.emplace_back(std::move(name), std::move(item));
        return true;
    }

    bool member_value(StructuredItem& out) { return sees('(') ? inner_list(out) : item(out); }

    bool item(StructuredItem& out) { return bare_item(out) && parameters(); }

    bool inner_list(StructuredItem& out) {
        out.type = StructuredItem::Type::inner_list;
        ++at_;
        while (!at_end()) {
            skip_spaces();
            if (take(')')) return parameters();
            StructuredItem ignored;
            if (!item(ignored)) return false;
            if (!sees(' ') && !sees(')')) return false;
        }
        return false;
    }

    bool parameters() {
        while (take(';')) {
            skip_spaces();
            std::string ignored_key;
            if (!key(ignored_key)) return false;
            StructuredItem ignored;
            if (take('=') && !bare_item(ignored)) return false;
        }
        return true;
    }

    bool key(std::string& out) {
        if (at_end() || !(is_lower(text_[at_]) || text_[at_] == '*')) return false;
        const std::size_t start = at_;
        while (!at_end() && (is_lower(text_[at_]) || is_digit(text_[at_]) ||
                             std::string_view("_-.*").find(text_[at_]) != std::string_view::npos))
            ++at_;
        out = text_.substr(start, at_ - start);
        return true;
    }

    bool bare_item(StructuredItem& out) {
        if (at_end()) return false;
        const char c = text_[at_];
        if (c == '-' || is_digit(c)) return number(out);
        if (c == '"') return string(out);
        if (c == '*' || is_alpha(c)) return token(out);
        if (c == ':') return byte_sequence(out);
        if (c == '?') return boolean(out);
        if (c == '@') return date(out);
        if (c == '%') return display_string(out);
        return false;
    }

    bool number(StructuredItem& out) {
        const std::size_t start = at_;
        const bool negative = take('-');
        const std::size_t digits_from = at_;
        while (!at_end() && is_digit(text_[at_])) ++at_;
        const std::string_view digits = text_.substr(digits_from, at_ - digits_from);
        if (digits.empty()) return false;
        if (take('.')) {
            const std::size_t fraction_from = at_;
            while (!at_end() && is_digit(text_[at_])) ++at_;
            const std::size_t fraction = at_ - fraction_from;
            out.type = StructuredItem::Type::decimal;
            out.text = text_.substr(start, at_ - start);
            return digits.size() <= 12 && fraction >= 1 && fraction <= 3;
        }
        if (digits.size() > 15) return false;
        out.type = StructuredItem::Type::integer;
        out.integer = static_cast<std::int64_t>(*parse_decimal(digits));
        if (negative) out.integer = -out.integer;
        return true;
    }

    bool string(StructuredItem& out) {
        out.type = StructuredItem::Type::string;
        for (++at_; !at_end(); ++at_) {
            char c = text_[at_];
            if (c == '"') return ++at_, true;
            if (c == '\\') {
                ++at_;
                if (!sees('"') && !sees('\\')) return false;
                c = text_[at_];
            }
            const auto byte = static_cast<unsigned char>(c);
            if (byte < 0x20 || byte > 0x7e) return false;
            out.text.push_back(c);
        }
        return false;
    }

    bool token(StructuredItem& out) {
        out.type = StructuredItem::Type::token;
        const std::size_t start = at_++;
        while (!at_end() && (is_token_char(text_[at_]) || text_[at_] == ':' || text_[at_] == '/'))
            ++at_;
        out.text = text_.substr(start, at_ - start);
        return true;
    }

    bool byte_sequence(StructuredItem& out) {
        const std::size_t end = text_.find(':', at_ + 1);
        if (end == std::string_view::npos) return false;
        out.type = StructuredItem::Type::bytes;
        out.text = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        return std::all_of(out.text.begin(), out.text.end(), [](char c) {
            return is_alpha(c) || is_digit(c) || c == '+' || c == '/' || c == '=';
        });
    }

    bool boolean(StructuredItem& out) {
        ++at_;
        out.type = StructuredItem::Type::boolean;
        out.boolean = sees('1');
        return take('1') || take('0');
    }

    bool date(StructuredItem& out) {
        ++at_;
        if (!number(out) || out.type != StructuredItem::Type::integer) return false;
        out.type = StructuredItem::Type::date;
        return true;
    }

    bool display_string(StructuredItem& out) {
        ++at_;
        if (!sees('"')) return false;
        const std::size_t end = text_.find('"', at_ + 1);
        if (end == std::string_view::npos) return false;
        out.type = StructuredItem::Type::display_string;
        out.text = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        return std::all_of(out.text.begin(), out.text.end(),
                           [](char c) { return c > 0x1f && c < 0x7f; });
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::optional<StructuredDictionary> parse_dictionary(std::string_view value) {
    StructuredDictionary out;
    if (!Parser(trim_ows(value)).dictionary(out)) return std::nullopt;
    return out;
}

std::optional<StructuredList> parse_list(std::string_view value) {
    StructuredList out;
    if (!Parser(trim_ows(value)).list(out)) return std::nullopt;
    return out;
}

}  // namespace larder::http
