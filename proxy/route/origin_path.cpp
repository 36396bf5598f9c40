#include "route/origin_path.hpp"

#include <algorithm>

#include "route/path_rule.hpp"
#include "route/percent.hpp"
#include "route/route_table.hpp"

namespace larder::route {
namespace {

// Removes the first segment of a path that begins with '/', and returns it.
std::string_view take_segment(std::string_view& path) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    return segment;
}

bool is_same_segment(std::string_view written, std::string_view came) {
    std::string decoded;
    return append_decoded(decoded, written, Source::path) ? decodes_to(came, decoded)
                                                          : written == came;
}

// Servers differ in what ends a segment, and many read it without its `;parameters`.
bool has_dot_segment(std::string_view raw) {
    std::string text;
    if (!append_decoded(text, raw, Source::path)) text = raw;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find_first_of("/\\", begin), text.size());
        std::string_view segment = std::string_view(text).substr(begin, end - begin);
        segment = segment.substr(0, segment.find(';'));
        if (segment == "." || segment == "..") return true;
        begin = end + 1;
    }
    return false;
}

std::string names_of(const PathRule& path) {
    std::string names;
    for (const Segment& segment : path.segments)
        if (segment.kind != Segment::Kind::literal)
            names += (names.empty() ? "{" : ", {") + segment.text + "}";
    return names.empty() ? "the route's path has none" : "the route's path has " + names;
}

}  // namespace

std::optional<std::string> OriginPath::parse(std::string_view text, const PathRule& path,
                                             OriginPath& out) {
    if (!text.starts_with('/')) return "must begin with '/', such as /v2/{rest}";
    for (char c : text)
        if (static_cast<unsigned char>(c) <= ' ' || c == '?' || c == '#' || c == 0x7f)
            return "holds no spaces, control characters, '?' or '#'; the request's query stays";
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view segment = take_segment(rest);
        Piece piece{std::string(segment), {}, false};
        if (segment.find_first_of("{}") != std::string_view::npos) {
            const bool whole = segment.size() > 2 && segment.starts_with('{') &&
                               segment.ends_with('}') &&
                               segment.find_first_of("{}", 1) == segment.size() - 1;
            if (!whole) return "a placeholder is a whole segment, such as /v2/{rest}";
            std::string_view name = segment.substr(1, segment.size() - 2);
            if (name.ends_with('*')) name.remove_suffix(1);
            piece.slot = path.capture_slot(name);
            if (!piece.slot)
                return "{" + std::string(name) +
                       "} is no placeholder of this route: " + names_of(path);
            const Segment& last = path.segments.back();
            piece.is_rest = last.kind == Segment::Kind::rest && last.text == name;
            if (piece.is_rest && !rest.empty())
                return "{" + std::string(name) + "} takes all that remains, so it comes last";
        }
        out.pieces_.push_back(std::move(piece));
    }
    std::size_t slot = 0;
    std::string_view own = path.path;
    for (const Segment& segment : path.segments) {
        Piece piece{std::string(take_segment(own)), {}, segment.kind == Segment::Kind::rest};
        if (segment.kind != Segment::Kind::literal) piece.slot = slot++;
        out.client_pieces_.push_back(std::move(piece));
    }
    return std::nullopt;
}

bool OriginPath::is_left_by(const Captures& captures) const {
    return std::any_of(pieces_.begin(), pieces_.end(), [&](const Piece& piece) {
        return piece.slot && has_dot_segment(captures.values[*piece.slot]);
    });
}

void OriginPath::append_target(const Captures& captures, const http::RequestHead& request,
                               std::string& out) const {
    for (const Piece& piece : pieces_) {
        out += '/';
        out += piece.slot ? captures.values[*piece.slot] : std::string_view(piece.text);
    }
    if (request.has_query) (out += '?') += request.query;
}

std::optional<std::string> OriginPath::client_target(std::string_view origin_target,
                                                     const Captures* known) const {
    const std::size_t query = std::min(origin_target.find('?'), origin_target.size());
    std::string_view path = origin_target.substr(0, query);
    std::vector<std::optional<std::string_view>> values(captures_max);
    if (known)
        for (std::size_t i = 0; i < known->count; ++i) values[i] = known->values[i];
    for (const Piece& piece : pieces_) {
        if (!path.starts_with('/')) return std::nullopt;
        if (piece.is_rest) {
            values[*piece.slot] = path.substr(1);
            path = {};
            continue;
        }
        const std::string_view segment = take_segment(path);
        if (piece.slot && segment.empty()) return std::nullopt;
        if (piece.slot) {
            values[*piece.slot] = segment;
        } else if (!is_same_segment(piece.text, segment)) {
            return std::nullopt;
        }
    }
    std::string out;
    for (const Piece& piece : client_pieces_) {
        out += '/';
        if (piece.slot && !values[*piece.slot]) return std::nullopt;
        out += piece.slot ? *values[*piece.slot] : std::string_view(piece.text);
    }
    out.append(path).append(origin_target.substr(query));
    return out;
}

}  // namespace larder::route
