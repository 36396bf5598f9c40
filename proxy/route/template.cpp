#include "route/template.hpp"

#include <algorithm>

#include "route/percent.hpp"

namespace larder::route {
namespace {

using Kind = Part::Kind;
using Wrong = std::optional<std::string>;

constexpr std::size_t values_max = 32;

std::string quoted(std::string_view inner) { return "{" + std::string(inner) + "}"; }

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

bool is_name(std::string_view text) {
    return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
               std::string_view("*?#&+%|,;").find(c) != std::string_view::npos;
    });
}

std::size_t query_slot(Template& out, std::string_view name) {
    const auto found = std::find(out.query_names.begin(), out.query_names.end(), name);
    const auto slot = static_cast<std::size_t>(found - out.query_names.begin());
    if (found == out.query_names.end()) {
        out.query_names.emplace_back(name);
        out.empty_differs.push_back(false);
    }
    return slot;
}

Wrong name_part(std::string_view inner, std::string_view name, const PathRule& path, Template& out,
                Part& part) {
    if (name.ends_with('*'))
        return quoted(inner) + ": what {" + std::string(name) + "} of the path takes is named {" +
               std::string(name.substr(0, name.size() - 1)) + "} here";
    if (!is_name(name))
        return quoted(inner) +
               ": a placeholder is {name}, {name=default}, {path}, {host}, {method}, {header:name} "
               "or {cookie:name}, "
               "each with |sha256 if wanted";
    part.text = name;
    if (const auto slot = path.capture_slot(name)) {
        part.slot = *slot;
        const bool rest =
            path.segments.back().kind == Segment::Kind::rest && path.segments.back().text == name;
        part.kind = rest ? Kind::rest : Kind::capture;
        part.folds_case = path.path_case == settings::PathCase::insensitive;
    } else if (name == "path" || name == "host" || name == "method") {
        part.kind = name == "path" ? Kind::path : name == "host" ? Kind::host : Kind::method;
        part.folds_case =
            part.kind == Kind::path && path.path_case == settings::PathCase::insensitive;
    } else {
        part.kind = Kind::query;
        part.slot = query_slot(out, name);
        if (part.fallback && !part.fallback->empty()) out.empty_differs[part.slot] = true;
    }
    return std::nullopt;
}

Wrong prefixed_part(std::string_view inner, std::string_view kind, std::string_view name,
                    TemplateUse use, Part& part) {
    if (kind == "json") {
        if (use != TemplateUse::purge)
            return quoted(inner) +
                   ": {json:...} looks into the response of a write, so it stands in `purge` only";
        if (!name.empty() && name.front() != '/')
            return quoted(inner) + ": a JSON Pointer begins with '/', such as {json:/author/id}";
        part.kind = Kind::json;
        part.text = name;
        return std::nullopt;
    }
    if (kind == "response" && use != TemplateUse::tag)
        return quoted(inner) +
               ": {response:...} is known only once the origin answered, so it stands in `tags` "
               "only";
    if (kind != "header" && kind != "cookie" && kind != "response")
        return quoted(inner) + ": unknown kind of placeholder \"" + std::string(kind) +
               ":\"; known are header:, cookie:" + (use == TemplateUse::purge ? ", json:" : "") +
               (use == TemplateUse::tag ? ", response:" : "");
    if (!is_token(name))
        return quoted(inner) + ": \"" + std::string(name) + "\" is no name of a " +
               (kind == "cookie" ? "cookie" : "header field");
    part.kind = kind == "header" ? Kind::header : kind == "cookie" ? Kind::cookie : Kind::response;
    part.text = kind == "cookie" ? std::string(name) : to_lower_copy(name);
    if (kind != "cookie") part.field = http::field_id(name);
    return std::nullopt;
}

bool names_body(std::string_view inner) {
    return inner == "body" || inner.starts_with("body|") || inner.starts_with("body:");
}

// {body|sha256}, {body|json|sha256}, {body:/pointer} and {body:/pointer|sha256}.
Wrong body_part(std::string_view inner, TemplateUse use, const PathRule& path, Template& out) {
    if (use != TemplateUse::key || !path.asks_by_body())
        return quoted(inner) +
               ": the body of a request stands only in the key of a QUERY or POST route";
    Part part;
    part.kind = Kind::body;
    std::string_view rest = inner.substr(4);
    part.sha256 = rest.ends_with("|sha256");
    if (part.sha256) rest.remove_suffix(7);
    if (rest.starts_with(":")) {
        part.text = rest.substr(1);
        if (!part.text.empty() && part.text.front() != '/')
            return quoted(inner) + ": a JSON Pointer begins with '/', such as {body:/filters/city}";
    } else if (!part.sha256 || (!rest.empty() && rest != "|json")) {
        return quoted(inner) +
               ": the body as a whole is {body|sha256}, or {body|json|sha256} as canonical JSON; "
               "one value of it is {body:/filters/city}";
    }
    part.json = !rest.empty();
    out.parts.push_back(std::move(part));
    return std::nullopt;
}

Wrong parse_placeholder(std::string_view inner, TemplateUse use, const PathRule& path,
                        Template& out) {
    // Where no body can be meant, "body" is a query parameter like any other.
    const bool plain = inner == "body" || inner == "body|sha256";
    if (names_body(inner) && (path.asks_by_body() || !plain))
        return body_part(inner, use, path, out);
    Part part;
    std::string_view rest = inner;
    if (const std::size_t bar = rest.rfind('|'); bar != std::string_view::npos) {
        if (rest.substr(bar) != "|sha256") return quoted(inner) + ": the only filter is |sha256";
        part.sha256 = true;
        rest = rest.substr(0, bar);
    }
    const std::size_t equals = rest.starts_with("json:") ? std::string_view::npos : rest.find('=');
    if (equals != std::string_view::npos) part.fallback = rest.substr(equals + 1);
    const std::string_view name = rest.substr(0, equals);
    const std::size_t colon = name.find(':');
    const Wrong wrong =
        colon == std::string_view::npos
            ? name_part(inner, name, path, out, part)
            : prefixed_part(inner, name.substr(0, colon), name.substr(colon + 1), use, part);
    if (!wrong) out.parts.push_back(std::move(part));
    return wrong;
}

Wrong add_literal(std::string_view text, TemplateUse use, Template& out) {
    if (text.find('}') != std::string_view::npos) return "'}' without '{'";
    for (char c : text) {
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7f)
            return "control characters cannot stand here";
        if (c == '#') return "'#' cannot stand here: larder shortens long keys with it";
        if (c == '*' && use != TemplateUse::purge) return "'*' is for purge patterns only";
        if (c == '?' && use == TemplateUse::key)
            return "'?' begins the appended query of a key; separate with another character, such "
                   "as ':'";
    }
    while (!text.empty()) {
        const std::size_t star = std::min(text.find('*'), text.size());
        Part part;
        if (star > 0) {
            part.text = text.substr(0, star);
            out.parts.push_back(part);
        }
        if (star == text.size()) break;
        part.kind = Kind::star;
        part.text.clear();
        out.parts.push_back(part);
        text.remove_prefix(star + 1);
    }
    return std::nullopt;
}

Wrong mark_ambiguous(Template& out) {
    Part* open = nullptr;
    bool all_value_chars = true;
    char first = 0;
    for (Part& part : out.parts) {
        if (part.is_value()) {
            if (open && first == 0)
                return "two placeholders stand side by side, so two different values could make "
                       "one key; put ':' "
                       "between them";
            if (open && all_value_chars) open->ambiguous_before = first;
            open = &part;
            all_value_chars = true;
            first = 0;
        } else {
            if (first == 0) first = part.text.front();
            all_value_chars =
                all_value_chars && std::all_of(part.text.begin(), part.text.end(), is_value_char);
        }
    }
    return std::nullopt;
}

}  // namespace

bool Template::has(Kind kind) const {
    return std::any_of(parts.begin(), parts.end(),
                       [kind](const Part& part) { return part.kind == kind; });
}

bool Template::has_secrets() const {
    return std::any_of(parts.begin(), parts.end(),
                       [](const Part& part) { return part.is_secret(); });
}

Wrong parse_template(std::string_view text, TemplateUse use, const PathRule& path, Template& out) {
    out.source = text;
    if (text.empty()) return "must not be empty";
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t open = std::min(text.find('{', at), text.size());
        if (open > at)
            if (auto wrong = add_literal(text.substr(at, open - at), use, out)) return wrong;
        if (open == text.size()) break;
        const std::size_t close = text.find('}', open);
        if (close == std::string_view::npos || text.find('{', open + 1) < close)
            return "'{' without '}'";
        if (auto wrong = parse_placeholder(text.substr(open + 1, close - open - 1), use, path, out))
            return wrong;
        at = close + 1;
    }
    if (use != TemplateUse::tag && text.starts_with("larder:"))
        return "\"larder:\" is where larder keeps its own; choose another beginning";
    const auto values = std::count_if(out.parts.begin(), out.parts.end(),
                                      [](const Part& part) { return part.is_value(); });
    if (values > static_cast<std::ptrdiff_t>(values_max))
        return "has more than " + std::to_string(values_max) + " placeholders";
    return use == TemplateUse::key ? mark_ambiguous(out) : std::nullopt;
}

}  // namespace larder::route
