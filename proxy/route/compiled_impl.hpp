#pragma once
#include <optional>
#include <string>
#include <vector>

#include "route/compiled_route.hpp"
#include "route/path_rule.hpp"
#include "route/pattern.hpp"
#include "route/template.hpp"

/// What the files of this folder share of a compiled route. Not for other layers.
namespace larder::route {

/// One line of a write's `purge`.
struct CompiledPurge {
    Template source;
    Shape concrete;  ///< with every value filled in
    Shape widened;   ///< with '*' for each {json:}; the same as `concrete` where there is none
    bool has_json = false;
};

struct CompiledRoute::Impl {
    PathRule path;

    // read
    Template key;
    Shape key_shape;
    std::vector<std::pair<std::string, bool>>
        ignore_query;  ///< name, and whether any rest may follow it

    /// Shapes of other routes' keys that a key of this route can also fit, because of a value
    /// (`articles:list` for `articles:{id}`). Such a key gets `collision_mark` appended, so that
    /// the two stay apart.
    std::vector<const Shape*> rivals;
    std::string collision_mark;

    /// The key with '*' in place of headers, cookies and bodies: a purge of the URL covers all of
    /// them. Nothing where the key has none of these.
    std::optional<Shape> own_pattern;

    std::vector<Template> tags;

    /// Every purge pattern of the table that can cover a key of this route.
    std::vector<const Shape*> tag_patterns;

    std::string rules_text;  ///< what CompiledRoute::rules stands for
    std::string reach_text;  ///< the part of it that says under which names purges find the entries

    // write
    std::vector<CompiledPurge> purges;
};

}  // namespace larder::route
