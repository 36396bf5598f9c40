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
    // "max-age =1" is meant as max-age, and is invalid: an argument that no number is says so.
    const std::string_view name = member.substr(0, equals);
    const std::string_view trimmed = trim_ows(name);
    if (trimmed.size() != name.size()) argument = " ";
    return {trimmed, argument};
}

void keep_smallest(std::optional<Seconds>& kept, Seconds value) { kept = kept ? std::min(*kept, value) : value; }

void keep_smallest(std::optional<Seconds>& kept, const Directive& directive) {
    const auto value = directive.argument ? parse_delta_seconds(*directive.argument) : std::nullopt;
    keep_smallest(kept, value.value_or(Seconds(0)));
}

/// no-cache and private: with usable field names they only concern these fields, without they concern the response.
void keep_names(bool& whole, std::vector<std::string>& names, const std::optional<std::string_view>& argument) {
    bool usable = false;
    bool broken = !argument;
    for_each_member(argument.value_or(std::string_view{}), [&](std::string_view name) {
        usable = true;
        broken = broken || !is_token(name) || names.size() == named_fields_max;
        if (!broken) names.push_back(to_lower_copy(name));
    });
    if (broken || !usable) whole = true;
}

void keep(CacheControl& out, const Directive& directive) {
    const std::string_view name = directive.name;
    if (iequals(name, "max-age")) return keep_smallest(out.max_age, directive);
    if (iequals(name, "s-maxage")) return keep_smallest(out.s_maxage, directive);
    if (iequals(name, "no-cache")) return keep_names(out.no_cache, out.no_cache_fields, directive.argument);
    if (iequals(name, "private")) return keep_names(out.private_, out.private_fields, directive.argument);
    if (iequals(name, "stale-while-revalidate")) return keep_smallest(out.stale_while_revalidate, directive);
    if (iequals(name, "stale-if-error")) return keep_smallest(out.stale_if_error, directive);
    if (iequals(name, "max-stale")) {
        if (!directive.argument) return keep_smallest(out.max_stale, Seconds::max());
        return keep_smallest(out.max_stale, directive);
    }
    if (iequals(name, "min-fresh")) {
        // Here the largest is the strictest.
        const auto value = directive.argument ? parse_delta_seconds(*directive.argument) : std::nullopt;
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
    for (const Field& line : fields) {
        if (line.id != FieldId::cache_control) continue;
        for_each_member(line.value, [&](std::string_view member) { keep(out, split_directive(member)); });
    }
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
