#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "settings/problem.hpp"

/// The configuration's text as a tree of plain values with positions. Built from yaml-cpp's events
/// rather than its own nodes: those follow aliases without a bound, hide repeated keys, and know no
/// merge keys.
namespace larder::settings {

struct Value {
    enum class Kind { null, scalar, list, map };
    struct Entry;

    Kind kind = Kind::null;
    Position at;
    std::string text;            ///< a scalar's
    std::vector<Value> items;    ///< a list's
    std::vector<Entry> entries;  ///< a map's, in the order of the file, repeated keys included
    std::size_t nodes = 1;       ///< this and all below it
    std::size_t bytes = 0;       ///< of all scalars in it
    bool plain = false;          ///< a scalar without quotes
};

/// Of a map. A pair would need a Value that is complete (clang insists).
struct Value::Entry {
    Value first;   ///< the key
    Value second;  ///< its value
};

/// What a configuration may grow to once its aliases are followed. Beyond: an error.
inline constexpr std::size_t yaml_nodes_max = 1'000'000;
inline constexpr std::size_t yaml_bytes_max = 64 * 1024 * 1024;
inline constexpr std::size_t yaml_depth_max = 32;
inline constexpr std::size_t yaml_text_bytes_max = 16 * 1024 * 1024;

/// Parses one document. Nothing, and one problem with the position, where it is not YAML or exceeds
/// a bound. An empty text is a null value. `<<` merges maps; the map's own keys win over merged
/// ones.
std::optional<Value> read_yaml(const std::string& text, Problems& problems);

}  // namespace larder::settings
