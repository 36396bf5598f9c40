#include "route/path_rule.hpp"

#include <algorithm>

#include "route/foreign_syntax.hpp"
#include "route/percent.hpp"
#include "route/route_table.hpp"

namespace larder::route {
namespace {

using Kind = Segment::Kind;

std::optional<std::string> add_method(std::string_view name, PathRule& out) {
    if (name.empty())
        return "a method is missing; write \"METHOD[,METHOD...] PATH\", such as \"GET "
               "/articles/{id}\"";
    if (name == "*") return "\"*\" stands for every method, so it stands alone: \"* /path\"";
    for (char c : name)
        if (!(c >= 'A' && c <= 'Z') && !is_digit(c) && c != '-' && c != '_')
            return "\"" + std::string(name) +
                   "\" is no method; methods are upper-case letters, such as GET or PATCH";
    const http::Method method = http::method_of(name);
    if (method == http::Method::other) {
        out.other_names.emplace_back(name);
        return std::nullopt;
    }
    out.methods |= method_bit(method);
    if (method == http::Method::get) out.methods |= method_bit(http::Method::head);
    return std::nullopt;
}

std::optional<std::string> parse_capture(std::string_view piece, bool last, PathRule& out) {
    const std::string whole(piece);
    if (piece.size() < 2 || piece.front() != '{' || piece.back() != '}' ||
        piece.find_first_of("{}", 1) != piece.size() - 1)
        return "\"" + whole + "\": a placeholder is a whole segment, such as /articles/{id}";
    piece = piece.substr(1, piece.size() - 2);
    Segment segment{Kind::capture, {}};
    if (piece.ends_with('*')) {
        segment.kind = Kind::rest;
        piece.remove_suffix(1);
        if (!last) return whole + " takes all that remains, so it must be the last segment";
    }
    const bool named = !piece.empty() && std::all_of(piece.begin(), piece.end(), [](char c) {
        return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_' || c == '-' ||
               c == '.';
    });
    if (!named) {
        const std::string hint = foreign_capture(piece, last);
        return "\"" + whole +
               "\": a placeholder's name is made of letters, digits, '_', '-' and '.'" +
               (hint.empty() ? "" : "; write " + hint);
    }
    if (out.capture_slot(piece))
        return "{" + std::string(piece) + "} stands twice in the path; give each its own name";
    segment.text = piece;
    out.segments.push_back(std::move(segment));
    return std::nullopt;
}

std::optional<std::string> parse_path(std::string_view path, PathRule& out) {
    if (looks_like_regex(path) &&
        (!path.starts_with('/') || path.find('?') != std::string_view::npos))
        return "the path must begin with '/' and is no regular expression: {name} stands for one "
               "segment, {name*} for all that "
               "remains, such as /articles/{id}";
    if (!path.starts_with('/')) return "the path must begin with '/'";
    for (char c : path)
        if (static_cast<unsigned char>(c) <= ' ' || c == '?' || c == '#' || c == 0x7f)
            return "a path holds no spaces, control characters, '?' or '#'; query parameters are "
                   "named in the key";
    out.path = path;
    for (std::size_t begin = 1; begin <= path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string_view piece = path.substr(begin, end - begin);
        begin = end + 1;
        if (piece.find_first_of("{}") != std::string_view::npos) {
            if (auto wrong = parse_capture(piece, end == path.size(), out)) return wrong;
            continue;
        }
        Segment segment;
        if (!append_decoded(segment.text, piece, Source::path))
            return "\"" + std::string(piece) + "\": '%' must be followed by two hex digits";
        if (out.path_case == settings::PathCase::insensitive)
            segment.text = to_lower_copy(segment.text);
        out.segments.push_back(std::move(segment));
    }
    if (out.segments.size() > segments_max)
        return "a path has at most " + std::to_string(segments_max) + " segments";
    const auto captures = std::count_if(out.segments.begin(), out.segments.end(),
                                        [](const Segment& s) { return s.kind != Kind::literal; });
    if (captures > static_cast<std::ptrdiff_t>(captures_max))
        return "a path has at most " + std::to_string(captures_max) + " placeholders";
    return std::nullopt;
}

bool segment_covers(const Segment& outer, const Segment& inner) {
    if (outer.kind == Kind::literal) return inner.kind == Kind::literal && inner.text == outer.text;
    return inner.kind == Kind::capture || (inner.kind == Kind::literal && !inner.text.empty());
}

}  // namespace

bool PathRule::takes(http::Method method, std::string_view name) const {
    if (all_methods) return true;
    if (method != http::Method::other) return (methods & method_bit(method)) != 0;
    return std::find(other_names.begin(), other_names.end(), name) != other_names.end();
}

std::optional<std::size_t> PathRule::capture_slot(std::string_view name) const {
    std::size_t slot = 0;
    for (const Segment& segment : segments) {
        if (segment.kind == Kind::literal) continue;
        if (segment.text == name) return slot;
        ++slot;
    }
    return std::nullopt;
}

std::optional<std::string> parse_path_rule(std::string_view match, PathRule& out) {
    const std::size_t space = match.find(' ');
    if (space == std::string_view::npos)
        return "expected \"METHOD[,METHOD...] PATH\", such as \"GET /articles/{id}\"";
    const std::string_view names = match.substr(0, space);
    out.all_methods = names == "*";
    if (out.all_methods) out.methods = ~std::uint32_t{0};
    for (std::size_t begin = 0; !out.all_methods && begin <= names.size();) {
        const std::size_t end = std::min(names.find(',', begin), names.size());
        if (auto wrong = add_method(names.substr(begin, end - begin), out)) return wrong;
        begin = end + 1;
    }
    std::string_view path = match.substr(space);
    while (path.starts_with(' ')) path.remove_prefix(1);
    while (path.ends_with(' ')) path.remove_suffix(1);
    return parse_path(path, out);
}

bool path_covers(const PathRule& outer, const PathRule& inner) {
    for (std::size_t i = 0; i < outer.segments.size(); ++i) {
        if (i >= inner.segments.size()) return false;
        if (outer.segments[i].kind == Kind::rest) return true;
        if (inner.segments[i].kind == Kind::rest ||
            !segment_covers(outer.segments[i], inner.segments[i]))
            return false;
    }
    return outer.segments.size() == inner.segments.size();
}

bool paths_meet(const PathRule& a, const PathRule& b) {
    for (std::size_t i = 0;; ++i) {
        if (i == a.segments.size() || i == b.segments.size())
            return a.segments.size() == b.segments.size();
        const Segment& left = a.segments[i];
        const Segment& right = b.segments[i];
        if (left.kind == Kind::rest || right.kind == Kind::rest) return true;
        if (left.kind == Kind::literal && right.kind == Kind::literal && left.text != right.text)
            return false;
        if (left.kind != right.kind && (left.kind == Kind::literal ? left : right).text.empty())
            return false;
    }
}

namespace {

// Compares the whole texts, with a port where they have one.
bool takes_whole(std::string_view rule, std::string_view host) {
    if (!rule.starts_with("*.")) return iequals(rule, host);
    const std::string_view end = rule.substr(1);
    return host.size() > end.size() && iequals(host.substr(host.size() - end.size()), end);
}

}  // namespace

bool host_takes(std::string_view rule, std::string_view host) {
    if (rule.empty() || takes_whole(rule, host)) return true;
    const std::size_t colon = host.rfind(':');
    if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos)
        return false;
    return takes_whole(rule, host.substr(0, colon));
}

}  // namespace larder::route
