#include "route/route_trie.hpp"

#include <algorithm>
#include <bit>

#include "route/percent.hpp"

namespace larder::route {
namespace {

std::uint64_t mix(std::uint64_t hash, std::uint32_t node) {
    hash ^= node * 0x9E3779B97F4A7C15ULL;
    return hash ^ (hash >> 29);
}

}  // namespace

/// One search. Its arrays are not initialised: setting them to nothing would take longer than the
/// search.
struct RouteTrie::Walk {
    struct Text {
        const char* data;
        std::size_t size;
        operator std::string_view() const { return {data, size}; }
    };
    struct Piece {
        Text raw;
        std::uint64_t hash;
    };

    http::Method method;
    std::string_view method_name;
    std::string_view host;
    std::string_view path;
    Captures* found;

    bool folds_case;
    bool plain;  // no segment has a percent-encoded byte

    std::array<Piece, segments_max + 1> pieces;
    std::size_t piece_count;
    std::size_t rest_at;  // where the path's next piece begins
    std::array<Text, captures_max + 1> captures;
    std::size_t capture_count;
    std::uint32_t best;

    // Whether the path has a segment at that depth, no more than one deeper than the last time.
    // Cuts the path at raw slashes, as far as the search gets: most paths without a rule differ
    // from all rules in their first segment.
    bool reaches(std::size_t depth) {
        if (depth < piece_count) return true;
        if (rest_at > path.size()) return false;
        const std::size_t end = std::min(path.find('/', rest_at), path.size());
        const std::string_view raw = path.substr(rest_at, end - rest_at);
        pieces[piece_count++] = {{raw.data(), raw.size()},
                                 folds_case ? hash_folded(raw)
                                 : plain    ? hash_bytes(raw)
                                            : hash_decoded(raw)};
        rest_at = end + 1;
        return true;
    }
};

std::uint32_t RouteTrie::literal_child(std::uint32_t node, const std::string& text) {
    for (const Edge& edge : edges_)
        if (edge.from == node && edge.text == text) return edge.to;
    nodes_.emplace_back();
    nodes_[node].has_literals = true;
    const auto child = static_cast<std::uint32_t>(nodes_.size() - 1);
    edges_.push_back({mix(hash_bytes(text), node), node, child, text});
    return child;
}

void RouteTrie::add(const PathRule& rule, const std::string& host, std::uint32_t number) {
    std::uint32_t node = 0;
    const End end{number, rule.methods, &rule, host.empty() ? nullptr : &host};
    for (const Segment& segment : rule.segments) {
        nodes_[node].least = std::min(nodes_[node].least, number);
        if (segment.kind == Segment::Kind::rest) {
            nodes_[node].rest_ends.push_back(end);
            return;
        }
        if (segment.kind == Segment::Kind::literal) {
            node = literal_child(node, segment.text);
            continue;
        }
        if (nodes_[node].capture == none) {
            nodes_.emplace_back();
            nodes_[node].capture = static_cast<std::uint32_t>(nodes_.size() - 1);
        }
        node = nodes_[node].capture;
    }
    nodes_[node].least = std::min(nodes_[node].least, number);
    nodes_[node].ends.push_back(end);
}

void RouteTrie::finish(settings::PathCase path_case) {
    folds_case_ = path_case == settings::PathCase::insensitive;
    table_.assign(std::bit_ceil(edges_.size() * 2 + 1), none);
    for (std::uint32_t i = 0; i < edges_.size(); ++i) {
        std::size_t slot = edges_[i].hash & (table_.size() - 1);
        while (table_[slot] != none) slot = (slot + 1) & (table_.size() - 1);
        table_[slot] = i;
    }
}

std::uint32_t RouteTrie::follow(std::uint32_t node, std::uint64_t hash,
                                std::string_view raw) const {
    hash = mix(hash, node);
    for (std::size_t slot = hash & (table_.size() - 1); table_[slot] != none;
         slot = (slot + 1) & (table_.size() - 1)) {
        const Edge& edge = edges_[table_[slot]];
        if (edge.hash == hash && edge.from == node &&
            (folds_case_ ? folds_to(raw, edge.text) : decodes_to(raw, edge.text)))
            return edge.to;
    }
    return none;
}

bool RouteTrie::take(const std::vector<End>& ends, Walk& walk) {
    for (const End& end : ends) {
        if (end.number >= walk.best) return false;
        const bool method_fits = walk.method == http::Method::other
                                     ? end.rule->takes(walk.method, walk.method_name)
                                     : (end.methods & method_bit(walk.method)) != 0;
        if (!method_fits || (end.host && !host_takes(*end.host, walk.host))) continue;
        walk.best = end.number;
        walk.found->count = walk.capture_count;
        std::copy_n(walk.captures.begin(), walk.capture_count, walk.found->values.begin());
        return true;
    }
    return false;
}

void RouteTrie::visit(std::uint32_t at, std::size_t depth, Walk& walk) const {
    const Node& node = nodes_[at];
    if (node.least >= walk.best) return;
    if (!walk.reaches(depth)) {
        take(node.ends, walk);
        return;
    }
    const Walk::Piece& piece = walk.pieces[depth];
    if (!node.rest_ends.empty()) {
        const char* begin = piece.raw.data;
        walk.captures[walk.capture_count++] = {
            begin, static_cast<std::size_t>(walk.path.data() + walk.path.size() - begin)};
        take(node.rest_ends, walk);
        --walk.capture_count;
    }
    if (node.has_literals) {
        const std::uint32_t child = follow(at, piece.hash, piece.raw);
        if (child != none) visit(child, depth + 1, walk);
    }
    if (node.capture != none && piece.raw.size != 0) {
        walk.captures[walk.capture_count++] = piece.raw;
        visit(node.capture, depth + 1, walk);
        --walk.capture_count;
    }
}

std::uint32_t RouteTrie::find(http::Method method, std::string_view method_name,
                              std::string_view host, std::string_view path,
                              Captures& captures) const {
    captures.count = 0;
    if (!path.starts_with('/') || table_.empty()) return none;
    Walk walk;
    walk.method = method;
    walk.method_name = method_name;
    walk.host = host;
    walk.path = path;
    walk.found = &captures;
    walk.folds_case = folds_case_;
    walk.plain = path.find('%') == std::string_view::npos;
    walk.piece_count = 0;
    walk.rest_at = 1;
    walk.capture_count = 0;
    walk.best = none;
    visit(0, 0, walk);
    return walk.best;
}

}  // namespace larder::route
