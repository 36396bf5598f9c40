#include "http/cache_control.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "http/lists.hpp"
#include "http/structured_fields.hpp"

namespace larder::http {
namespace {

constexpr std::size_t named_fields_max = 64;

struct Directive {
    std::string_view name;
    std::optional<std::string_view> argument;  ///< without its quotes
};

Directive split_directive(std::string_view member) {
    const std::size_t equals = member.find('=');
    if (equals == std::string_view::npos) return {member, std::nullopt};
    std::string_view argument = member.substr(equals + 1);
    if (argument.size() >= 2 && argument.front() == '"' && argument.back() == '"')
        argument = argument.substr(1, argument.size() - 2);
    // "max-age =1" is an invalid max-age. The argument " " is not a number, so it counts as zero.
    const std::string_view name = member.substr(0, equals);
    const std::string_view trimmed = trim_ows(name);
    if (trimmed.size() != name.size()) argument = " ";
    return {trimmed, argument};
}

void keep_smallest(std::optional<Seconds>& kept, Seconds value) {
    kept = kept ? std::min(*kept, value) : value;
}

void keep_smallest(std::optional<Seconds>& kept, const Directive& directive) {
    const auto value = directive.argument ? parse_delta_seconds(*directive.argument) : std::nullopt;
    keep_smallest(kept, value.value_or(Seconds(0)));
}

/// no-cache and private with valid field names apply to these fields only, otherwise to the whole
/// response.
void keep_names(bool& whole, std::vector<std::string>& names,
                const std::optional<std::string_view>& argument) {
    bool usable = false;
    bool broken = !argument;
    for_each_member(argument.value_or(std::string_view{}), [&](std::string_view name) {
        usable = true;
        // 'set-cookie' in single quotes is a valid token, but no field has this name. The origin
        // means the field Set-Cookie, so the directive must not be lost: apply it to the response.
        const bool quoted = name.front() == '\'' || name.back() == '\'';
        broken = broken || quoted || !is_token(name) || names.size() == named_fields_max;
        if (!broken) names.push_back(to_lower_copy(name));
    });
    if (broken || !usable) whole = true;
}

void keep(CacheControl& out, const Directive& directive) {
    const std::string_view name = directive.name;
    if (iequals(name, "max-age")) return keep_smallest(out.max_age, directive);
    if (iequals(name, "s-maxage")) return keep_smallest(out.s_maxage, directive);
    if (iequals(name, "no-cache"))
        return keep_names(out.no_cache, out.no_cache_fields, directive.argument);
    if (iequals(name, "private"))
        return keep_names(out.private_, out.private_fields, directive.argument);
    if (iequals(name, "stale-while-revalidate"))
        return keep_smallest(out.stale_while_revalidate, directive);
    if (iequals(name, "stale-if-error")) return keep_smallest(out.stale_if_error, directive);
    if (iequals(name, "max-stale")) {
        if (!directive.argument) return keep_smallest(out.max_stale, Seconds::max());
        return keep_smallest(out.max_stale, directive);
    }
    if (iequals(name, "min-fresh")) {
        // The largest min-fresh is the strictest.
        const auto value =
            directive.argument ? parse_delta_seconds(*directive.argument) : std::nullopt;
        out.min_fresh = std::max(out.min_fresh.value_or(Seconds(0)), value.value_or(Seconds(0)));
        return;
    }
    out.no_store = out.no_store || iequals(name, "no-store");
    out.public_ = out.public_ || iequals(name, "public");
    out.must_revalidate = out.must_revalidate || iequals(name, "must-revalidate");
    out.proxy_revalidate = out.proxy_revalidate || iequals(name, "proxy-revalidate");
    out.must_understand = out.must_understand || iequals(name, "must-understand");
    out.only_if_cached = out.only_if_cached || iequals(name, "only-if-cached");
}

constexpr std::string_view lax_separators = ",; \t\"'";

/// The position after the quoted string that begins at `at`. If the quote is never closed, the
/// position after the quote, so that an unclosed quote does not hide the directives after it.
std::size_t behind_quotes(std::string_view text, std::size_t at) {
    std::size_t end = at + 1;
    while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
    return end < text.size() ? end + 1 : at + 1;
}

/// Whether the member does not follow the grammar of a single directive: there is `;` or a blank
/// outside of a quoted argument, or the directive itself is in quotes.
bool is_lax(std::string_view member) {
    if (member.front() == '"' || member.front() == '\'') return true;
    for (std::size_t at = 0; at < member.size();) {
        const char c = member[at];
        if (c == ';' || c == ' ' || c == '\t') return true;
        at = c == '"' ? behind_quotes(member, at) : at + 1;
    }
    return false;
}

/// Takes the restrictions from a member that is_lax. `bound` becomes the smallest lifetime so far.
void keep_prohibitions(CacheControl& out, std::optional<Seconds>& bound, std::string_view member) {
    while (!member.empty()) {
        const std::size_t end = std::min(member.find_first_of(lax_separators), member.size());
        const std::string_view piece = member.substr(0, end);
        member.remove_prefix(std::min(end + 1, member.size()));
        if (piece.empty()) continue;
        const Directive directive = split_directive(piece);
        const std::string_view name = directive.name;
        out.no_store = out.no_store || iequals(name, "no-store");
        out.private_ = out.private_ || iequals(name, "private");
        out.no_cache = out.no_cache || iequals(name, "no-cache");
        // must-revalidate also permits storing responses to credentials (RFC 9111, 3.5).
        // proxy-revalidate has the same restriction without the permission.
        const bool revalidate =
            iequals(name, "must-revalidate") || iequals(name, "proxy-revalidate");
        out.proxy_revalidate = out.proxy_revalidate || revalidate;
        if (iequals(name, "max-age") || iequals(name, "s-maxage")) keep_smallest(bound, directive);
    }
}

void apply_bound(CacheControl& out, Seconds bound) {
    keep_smallest(out.max_age, bound);
    if (out.s_maxage) keep_smallest(out.s_maxage, bound);
}

bool keep_seconds(std::optional<Seconds>& kept, const StructuredItem& item) {
    if (item.type != StructuredItem::Type::integer || item.integer < 0) return false;
    kept = std::min(Seconds(item.integer), delta_seconds_max);
    return true;
}

bool keep_flag(bool& kept, const StructuredItem& item) {
    if (item.type != StructuredItem::Type::boolean) return false;
    kept = item.boolean;
    return true;
}

bool keep_flag_or_names(bool& whole, std::vector<std::string>& names, const StructuredItem& item) {
    using Type = StructuredItem::Type;
    if (item.type == Type::boolean) return keep_flag(whole, item);
    if (item.type != Type::string && item.type != Type::token) return false;
    keep_names(whole, names, item.text);
    return true;
}

bool keep(CacheControl& out, std::string_view name, const StructuredItem& item) {
    if (name == "max-age") return keep_seconds(out.max_age, item);
    if (name == "s-maxage") return keep_seconds(out.s_maxage, item);
    if (name == "stale-while-revalidate") return keep_seconds(out.stale_while_revalidate, item);
    if (name == "stale-if-error") return keep_seconds(out.stale_if_error, item);
    if (name == "no-cache") return keep_flag_or_names(out.no_cache, out.no_cache_fields, item);
    if (name == "private") return keep_flag_or_names(out.private_, out.private_fields, item);
    if (name == "no-store") return keep_flag(out.no_store, item);
    if (name == "public") return keep_flag(out.public_, item);
    if (name == "must-revalidate") return keep_flag(out.must_revalidate, item);
    if (name == "proxy-revalidate") return keep_flag(out.proxy_revalidate, item);
    if (name == "must-understand") return keep_flag(out.must_understand, item);
    return true;
}

}  // namespace

std::optional<Seconds> parse_delta_seconds(std::string_view text) {
    if (text.empty()) return std::nullopt;
    std::int64_t value = 0;
    for (char c : text) {
        if (!is_digit(c)) return std::nullopt;
        value = std::min<std::int64_t>(value * 10 + (c - '0'), delta_seconds_max.count());
    }
    return Seconds(value);
}

CacheControl parse_cache_control(const Fields& fields) {
    CacheControl out;
    std::optional<Seconds> bound;
    for (const Field& line : fields) {
        if (line.id != FieldId::cache_control) continue;
        for_each_member(line.value, [&](std::string_view member) {
            if (is_lax(member)) {
                keep_prohibitions(out, bound, member);
            } else {
                keep(out, split_directive(member));
            }
        });
    }
    if (bound) apply_bound(out, *bound);
    return out;
}

std::optional<CacheControl> parse_cdn_cache_control(const Fields& fields) {
    const auto value = fields.joined(FieldId::cdn_cache_control);
    if (!value) return std::nullopt;
    const auto dictionary = parse_dictionary(*value);
    if (!dictionary || dictionary->empty()) return std::nullopt;
    CacheControl out;
    for (const auto& [name, item] : *dictionary)
        if (!keep(out, name, item)) return std::nullopt;
    return out;
}

}  // namespace larder::http
