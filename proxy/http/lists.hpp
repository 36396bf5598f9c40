#pragma once
#include <string_view>

#include "base/text.hpp"

/// Members of list-based fields (RFC 9110, 5.6.1), read leniently and in linear time.
namespace larder::http {

/// tchar of RFC 9110, 5.6.2.
constexpr bool is_token_char(char c) {
    if (c >= 'a' && c <= 'z') return true;
    if (c >= 'A' && c <= 'Z') return true;
    if (is_digit(c)) return true;
    return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr bool is_token(std::string_view text) {
    if (text.empty()) return false;
    for (char c : text)
        if (!is_token_char(c)) return false;
    return true;
}

/// Calls `use(member)` for each non-empty member, without the white space around it. Commas within
/// quoted strings do not separate. An unclosed quote counts as an ordinary character, so that it
/// does not hide the members after it.
template <class Use>
constexpr void for_each_member(std::string_view value, Use use) {
    bool quotes_close = true;
    std::size_t start = 0;
    std::size_t at = 0;
    const auto take = [&](std::size_t end) {
        const std::string_view member = trim_ows(value.substr(start, end - start));
        if (!member.empty()) use(member);
        start = end + 1;
    };
    while (at < value.size()) {
        if (value[at] == ',') {
            take(at);
        } else if (value[at] == '"' && quotes_close) {
            std::size_t close = at + 1;
            while (close < value.size() && value[close] != '"')
                close += value[close] == '\\' ? 2 : 1;
            if (close < value.size()) {
                at = close;
            } else {
                quotes_close = false;
            }
        }
        ++at;
    }
    take(value.size());
}

/// Whether the list has the token, in any case.
constexpr bool has_member(std::string_view value, std::string_view token) {
    bool found = false;
    for_each_member(value,
                    [&](std::string_view member) { found = found || iequals(member, token); });
    return found;
}

}  // namespace larder::http
