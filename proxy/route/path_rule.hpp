#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "settings/settings.hpp"

/// The `match` of a route, "METHOD[,METHOD...] PATH", taken apart.
namespace larder::route {

inline constexpr std::size_t segments_max = 32;

/// One piece of a path between slashes: a literal (decoded), `{name}` for one non-empty segment, or
/// `{name*}` for what remains. `/files/{rest*}` takes `/files/a/b` and `/files/` (with an empty
/// rest), not `/files`.
struct Segment {
    enum class Kind : std::uint8_t { literal, capture, rest };
    Kind kind = Kind::literal;
    std::string text;  ///< the literal's decoded bytes, or the capture's name
};

struct PathRule {
    /// Where the case is insensitive, literals are kept in lower case.
    settings::PathCase path_case = settings::PathCase::exact;
    std::uint32_t methods = 0;             ///< a bit for each http::Method; GET brings HEAD
    std::vector<std::string> other_names;  ///< methods that http::Method does not know
    bool all_methods = false;              ///< "*": every method, known or not
    /// Whether the rule takes a method that may ask by its body.
    [[nodiscard]] bool asks_by_body() const {
        constexpr std::uint32_t bits =
            std::uint32_t{1} << static_cast<unsigned>(http::Method::query) |
            std::uint32_t{1} << static_cast<unsigned>(http::Method::post);
        return (methods & bits) != 0;
    }
    std::string path;               ///< as written
    std::vector<Segment> segments;  ///< "/articles/{id}" has two, "/" one (empty)

    [[nodiscard]] bool takes(http::Method method, std::string_view name) const;

    /// The slot of a capture in Captures; nothing where the path has none of that name.
    [[nodiscard]] std::optional<std::size_t> capture_slot(std::string_view name) const;
};

constexpr std::uint32_t method_bit(http::Method method) {
    return 1u << static_cast<unsigned>(method);
}

/// Parses `match`. Returns what is wrong with it, as a sentence, or nothing.
std::optional<std::string> parse_path_rule(std::string_view match, PathRule& out);

/// Whether `outer` takes every path that `inner` takes (methods and hosts aside).
bool path_covers(const PathRule& outer, const PathRule& inner);

/// Whether there is a path that both take (methods and hosts aside).
bool paths_meet(const PathRule& a, const PathRule& b);

/// Does the rule's host (empty: any; "*.example.com": one label or more before it) take the
/// request's? Case does not matter; the request's port counts only where the rule names one.
bool host_takes(std::string_view rule, std::string_view host);

}  // namespace larder::route
