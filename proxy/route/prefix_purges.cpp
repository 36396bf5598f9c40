#include "route/prefix_purges.hpp"

#include <algorithm>
#include <optional>

#include "route/compiled_impl.hpp"
#include "route/key_shape.hpp"
#include "route/percent.hpp"

namespace larder::route {
namespace {

/// What a path prefix says of one capture.
struct Known {
    std::string_view begins;  ///< its raw text begins so
    bool whole = false;       ///< and ends there
};

/// The text without a %HH at its end that the end of the prefix may have cut.
std::string_view without_cut_percent(std::string_view text) {
    const std::size_t percent = text.find('%', text.size() < 2 ? 0 : text.size() - 2);
    return text.substr(0, percent);
}

/// What the prefix says of a route's captures, by their slots; nothing where no path of the route
/// begins so.
std::optional<std::vector<Known>> meet(const PathRule& rule, std::string_view prefix) {
    std::vector<Known> captures;
    std::string_view rest = prefix.substr(std::min<std::size_t>(1, prefix.size()));
    bool ended = false;  // the prefix ended: it says nothing of the segments that follow
    for (const Segment& segment : rule.segments) {
        if (segment.kind == Segment::Kind::rest) {
            captures.push_back({ended ? std::string_view() : rest, false});
            return captures;
        }
        const std::size_t slash = rest.find('/');
        const bool whole = !ended && slash != std::string_view::npos;
        const std::string_view text = ended ? std::string_view() : rest.substr(0, slash);
        if (segment.kind == Segment::Kind::capture) {
            captures.push_back({text, whole});
        } else {
            const bool folds = rule.path_case == settings::PathCase::insensitive;
            const std::string_view sure = whole ? text : without_cut_percent(text);
            const std::string begins = percent_decoded(sure).value_or(std::string(sure));
            const std::string given = folds ? to_lower_copy(begins) : begins;
            if (whole ? segment.text != given : !segment.text.starts_with(given))
                return std::nullopt;
        }
        if (whole) {
            rest.remove_prefix(slash + 1);
        } else {
            ended = true;
        }
    }
    if (!ended) return std::nullopt;  // the prefix is longer than every path of the route
    return captures;
}

/// The beginning of all keys that the route may make of such URLs. `host` in lower case; empty:
/// unknown.
std::string certain_beginning(const CompiledRoute::Impl& impl, const std::vector<Known>& captures,
                              std::string_view host, std::string_view prefix) {
    std::string out;
    for (const Part& part : impl.key.parts) {
        const std::size_t begin = out.size();
        Known known;
        bool keeps_slash = true;
        switch (part.kind) {
            case Part::Kind::literal:
                out += part.text;
                continue;
            case Part::Kind::host:
                known = {host, !host.empty()};
                break;
            case Part::Kind::path:
                known = {prefix, false};
                break;
            case Part::Kind::capture:
                keeps_slash = false;
                [[fallthrough]];
            case Part::Kind::rest:
                known = captures[part.slot];
                break;
            default:
                break;
        }
        if (part.sha256) return out;
        const auto source = part.kind == Part::Kind::host ? Source::text : Source::path;
        append_value(out, known.whole ? known.begins : without_cut_percent(known.begins), source,
                     keeps_slash);
        if (part.folds_case) fold_case(out, begin);
        if (!known.whole) return out;
    }
    return out;
}

void add_once(std::string pattern, std::vector<std::string>& patterns) {
    if (std::find(patterns.begin(), patterns.end(), pattern) == patterns.end())
        patterns.push_back(std::move(pattern));
}

void add_pattern(std::string beginning, std::vector<std::string>& patterns) {
    // "lar" may begin a key that begins with "larder:", which is stored under another beginning.
    if (!beginning.empty() && beginning.size() < own_namespace.size() &&
        own_namespace.starts_with(beginning))
        add_once(std::string(moved_letter).append(beginning, 1).append("*"), patterns);
    leave_own_namespace(beginning);
    constexpr std::size_t hash_bytes = 65;  // '#' and the SHA-256 that end a shortened key
    if (beginning.size() > key_bytes_max - hash_bytes) beginning.resize(key_bytes_max - hash_bytes);
    beginning += '*';
    add_once(std::move(beginning), patterns);
}

}  // namespace

void collect_prefix_patterns(const RouteTable& table, std::string_view host,
                             std::string_view path_prefix, std::vector<std::string>& patterns) {
    const std::string name = to_lower_copy(host);
    const std::size_t bracket = name.rfind(']');  // of an IPv6 address
    const bool names_port =
        name.find(':', bracket == std::string::npos ? 0 : bracket) != std::string::npos;
    for (const auto& route : table.routes()) {
        if (route->rule.kind != settings::RouteKind::read) continue;
        if (!name.empty() && !host_takes(route->rule.host, name)) continue;
        const auto captures = meet(route->impl->path, path_prefix);
        if (!captures) continue;
        add_pattern(certain_beginning(*route->impl, *captures, name, path_prefix), patterns);
        const bool has_host = route->impl->key.has(Part::Kind::host);
        if (!has_host || name.empty() || names_port) continue;
        // The same host with any port: the pattern ends behind the ':' before the port.
        std::string by_port = certain_beginning(*route->impl, *captures, name + ":", path_prefix);
        std::string named;
        append_value(named, name + ":", Source::text);
        const std::size_t at = by_port.find(named);
        if (at != std::string::npos) by_port.resize(at + named.size());
        add_pattern(std::move(by_port), patterns);
    }
}

}  // namespace larder::route
