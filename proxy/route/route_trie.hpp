#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "route/path_rule.hpp"
#include "route/route_table.hpp"

namespace larder::route {

/// Finds the first rule, in the order of the file, that takes a request, in a time that depends on
/// the path's length and not on the number of rules.
///
/// A trie over path segments. All literal edges live in one hash table keyed by (node, decoded
/// segment), so a step is one probe; a node has at most one edge for `{id}` besides. A path may fit
/// several branches (`/articles/featured` and `/articles/{id}`): the walk takes them all, but skips
/// every subtree whose smallest rule number is not below the best found so far. Segments are
/// compared decoded, and only raw slashes separate them.
class RouteTrie {
public:
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

    /// Rules are added in the order of their numbers. `rule` and `host` must outlive the trie.
    void add(const PathRule& rule, const std::string& host, std::uint32_t number);

    /// To be called once, after the last add().
    void finish(settings::PathCase path_case);

    /// The smallest number whose rule takes the request, or `none`. Allocates nothing.
    std::uint32_t find(http::Method method, std::string_view method_name, std::string_view host,
                       std::string_view path, Captures& captures) const;

private:
    struct Edge {
        std::uint64_t hash = 0;
        std::uint32_t from = none;
        std::uint32_t to = none;
        std::string text;
    };
    struct End {
        std::uint32_t number;
        std::uint32_t methods;
        const PathRule* rule;
        const std::string* host;  ///< null: any
    };
    struct Node {
        std::uint32_t least = none;    ///< the smallest number at or below this node
        std::uint32_t capture = none;  ///< where `{id}` leads
        bool has_literals = false;
        std::vector<End> ends;       ///< rules whose path ends here
        std::vector<End> rest_ends;  ///< rules whose `{rest*}` takes what follows
    };
    struct Walk;

    std::uint32_t literal_child(std::uint32_t node, const std::string& text);
    [[nodiscard]] std::uint32_t follow(std::uint32_t node, std::uint64_t hash,
                                       std::string_view raw) const;
    static bool take(const std::vector<End>& ends, Walk& walk);
    void visit(std::uint32_t node, std::size_t depth, Walk& walk) const;

    std::vector<Node> nodes_{1};
    std::vector<Edge> edges_;           ///< in the order they were made
    std::vector<std::uint32_t> table_;  ///< open addressing over edges_
    bool folds_case_ = false;
};

}  // namespace larder::route
