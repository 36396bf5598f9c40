#include "route/foreign_syntax.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace larder::route {
namespace {

bool is_name_char(char c) {
    return is_digit(c) || c == '_' || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}

/// The name at the beginning of the text.
std::string_view leading_name(std::string_view text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_name_char);
    return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

/// The name in the text between "<" and ">" or "[" and "]", without a converter ("int:id") or dots
/// ("...rest").
std::string_view name_within(std::string_view text) {
    if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos)
        text.remove_prefix(colon + 1);
    while (text.starts_with('.')) text.remove_prefix(1);
    return leading_name(text);
}

/// The name of a regular expression's first named group.
std::string_view named_group(std::string_view text) {
    const std::size_t open = text.find("(?");
    if (open == std::string_view::npos) return {};
    const std::size_t angle = text.find('<', open);
    return angle == std::string_view::npos ? std::string_view{}
                                           : leading_name(text.substr(angle + 1));
}

std::string placeholder(std::string_view name, bool takes_rest) {
    std::string out("{");
    out.append(name.empty() ? std::string_view(takes_rest ? "rest" : "id") : name);
    out.append(takes_rest ? "*}" : "}");
    return out;
}

}  // namespace

bool looks_like_regex(std::string_view text) {
    for (const std::string_view mark :
         {"(?", "\\d", "\\w", ".*", ".+", "[^", "[0-9", "[a-z", "[A-Z", ")+", ")*", "]+", "]*"})
        if (text.find(mark) != std::string_view::npos) return true;
    if (text.starts_with('^') || text.starts_with("~ ") || text.starts_with("~*") ||
        (text.size() > 1 && text.ends_with('$')))
        return true;
    const bool group =
        text.find('(') != std::string_view::npos && text.find(')') != std::string_view::npos;
    return group && text.find('|') != std::string_view::npos;
}

std::optional<std::string> larder_segment(std::string_view segment, bool last) {
    if (segment.empty() || segment.front() == '{') return std::nullopt;
    if (segment == "*" || segment == "**") return placeholder({}, last);
    if (segment.front() == '<' && segment.back() == '>') {
        const bool path = segment.starts_with("<path:");
        return placeholder(name_within(segment.substr(1, segment.size() - 2)), path && last);
    }
    if (segment.front() == '[' && segment.back() == ']' && !looks_like_regex(segment)) {
        const bool rest = segment.find("...") != std::string_view::npos;
        std::string_view inner = segment.substr(1, segment.size() - 2);
        if (inner.starts_with('[') && inner.ends_with(']'))
            inner = inner.substr(1, inner.size() - 2);
        return placeholder(name_within(inner), rest && last);
    }
    const char first = segment.front();
    const std::string_view name =
        segment.size() > 1 ? leading_name(segment.substr(1)) : std::string_view{};
    if ((first == ':' || first == '$') && !name.empty() && !is_digit(name.front())) {
        const bool rest = segment.ends_with('*') || segment.ends_with('+');
        return placeholder(name, rest && last);
    }
    if (looks_like_regex(segment))
        return placeholder(named_group(segment),
                           last && segment.find(".*") != std::string_view::npos);
    // "*rest" of Rails, Gin and others.
    if (first == '*' && !name.empty()) return placeholder(name, last);
    if (segment.find('*') != std::string_view::npos)
        return placeholder({}, last && segment.ends_with("**"));
    return std::nullopt;
}

std::string foreign_capture(std::string_view inner, bool last) {
    const bool rest = inner.starts_with('*') || inner.ends_with(":path") ||
                      inner.ends_with("...") || inner.ends_with(":.*");
    while (inner.starts_with('*')) inner.remove_prefix(1);
    const std::string_view name = leading_name(inner);
    return name.empty() ? std::string() : placeholder(name, rest && last);
}

std::optional<ForeignPlaceholder> foreign_placeholder(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const std::string_view rest = text.substr(at);
        if (rest.front() == '{') {
            at = std::min(text.find('}', at), text.size());
            continue;
        }
        if (rest.front() == '$') {
            std::string_view name = leading_name(rest.substr(1));
            if (name.empty()) continue;
            ForeignPlaceholder found{std::string(rest.substr(0, name.size() + 1)), {}};
            if (name.starts_with("arg_") && name.size() > 4) name.remove_prefix(4);  // nginx
            const bool whole = name == "uri" || name == "request_uri";
            found.spelling = whole ? "{path}" : placeholder(name, false);
            return found;
        }
        const bool angle = rest.front() == '<';
        const bool hash = rest.starts_with("%{") || rest.starts_with("#{");
        if (!angle && !hash) continue;
        const std::size_t close = rest.find(angle ? '>' : '}');
        if (close == std::string_view::npos) continue;
        const std::string_view name =
            name_within(rest.substr(hash ? 2 : 1, close - (hash ? 2 : 1)));
        if (!name.empty())
            return ForeignPlaceholder{std::string(rest.substr(0, close + 1)),
                                      placeholder(name, false)};
    }
    return std::nullopt;
}

}  // namespace larder::route
