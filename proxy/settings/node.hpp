#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings/environment.hpp"
#include "settings/problem.hpp"
#include "settings/shape.hpp"
#include "settings/yaml_tree.hpp"

/// Reads the tree of values. A Node knows the path that leads to it ("routes[2].ttl"), so a reader
/// that finds a fault only says what it expected. Faults are collected; reading goes on after each.
namespace larder::settings {

/// What all nodes of one load share. Outlives them.
struct Reading {
    Problems& problems;
    const Environment& environment;
    std::map<std::string, Position>& positions;  ///< of every key that was read
    AssumedByDepth assumed{};                    ///< where a Shape is made instead of reading
};

class Node {
public:
    /// The value outlives the node.
    Node(const Value& value, std::string path, Reading& reading)
        : value_(&value), path_(std::move(path)), reading_(&reading) {}
    /// A node without a value: what the readers ask of it fills the shape. The shape outlives the
    /// node.
    Node(Shape& shape, Assumed as, Reading& reading, std::size_t depth = 0);

    [[nodiscard]] bool is_map() const {
        return shape_ ? as_ == Assumed::map : value_->kind == Value::Kind::map;
    }
    [[nodiscard]] bool is_list() const {
        return shape_ ? as_ >= Assumed::list_of_scalars : value_->kind == Value::Kind::list;
    }
    [[nodiscard]] bool is_null() const { return value_->kind == Value::Kind::null && !shape_; }
    /// is_null, for a reader that takes null for an empty list.
    [[nodiscard]] bool is_null_as_empty() const;
    [[nodiscard]] Position at() const { return value_->at; }
    [[nodiscard]] const std::string& path() const { return path_; }

    /// A scalar's text, with its variables replaced. Nothing, and a problem, for anything else, for
    /// an unset variable and for control characters (a value ends up in header fields and Redis
    /// commands).
    [[nodiscard]] std::optional<std::string> text(const Form& form) const;
    /// Any text; `expected` names it where there is none.
    [[nodiscard]] std::optional<std::string> text(std::string_view expected) const {
        return text(any_text(std::string(expected)));
    }

    /// A list's items, with paths of their own. Empty for anything else.
    [[nodiscard]] std::vector<Node> items() const;

    void error(std::string message) const;
    void warn(std::string message) const;
    /// "expected a size, not a list"
    void error_expected(std::string_view expected) const;

private:
    friend class MapReader;
    void report(Problem::Severity severity, Position at, std::string path,
                std::string message) const;

    const Value* value_;
    std::string path_;
    Reading* reading_;
    Shape* shape_ = nullptr;  ///< not null: there is no value, and this is filled
    Assumed as_ = Assumed::scalar;
    std::size_t depth_ = 0;  ///< of the shape

    /// The shape of something within this one.
    [[nodiscard]] Node inner(Shape& shape) const {
        const std::size_t depth = std::min(depth_ + 1, shape_depth_max);
        return {shape, reading_->assumed[depth], *reading_, depth};
    }
};

/// The entries of a map, each taken by its name. Repeated keys are reported at once.
/// report_unknown_keys() reports the unknown keys: those that no reader asked for before.
class MapReader {
public:
    /// `expected` describes the map in the problem that is reported where the node is no map.
    MapReader(const Node& node, std::string_view expected);

    [[nodiscard]] bool is_map() const { return node_.shape_ || node_.is_map(); }
    [[nodiscard]] bool has(std::string_view key) const {
        return node_.shape_ || find(key) != nullptr;
    }

    /// Reports that the map "needs WHAT" where it lacks the key.
    void require(std::string_view key, std::string_view what);
    /// Reports where only one of the two is given.
    void require_both_or_neither(std::string_view one, std::string_view other);
    /// Says for the schema that the keys of exactly one group are given; the caller checks it.
    void declare_alternatives(std::vector<std::vector<std::string>> groups);
    /// Says for the schema that a key makes sense only with another one; the caller checks it.
    void declare_need(std::string_view key, std::string_view other);

    /// Whether the map lacks the key, and has no key that is reported as a misspelling of it.
    [[nodiscard]] bool lacks(std::string_view key) const;

    /// The value of a key, which counts as known from now on; nothing where the map does not have
    /// it.
    std::optional<Node> take(std::string_view key);

    /// Reads a key's value with `parse` (Node to optional) into `out`, which keeps its default
    /// where the key is absent or wrong. True where a value was read.
    template <class T, class Parse>
    bool read(std::string_view key, T& out, const Parse& parse) {
        const auto node = take(key);
        if (!node) return false;
        const auto value = parse(*node);
        if (!value) return false;
        out = static_cast<T>(*value);
        return true;
    }

    /// Every entry, each of them known from now on: for maps whose keys are the user's own. Keys
    /// that are no plain words are reported and left out. `sample` and `pattern` tell the schema
    /// what a key looks like; the caller checks it.
    [[nodiscard]] std::vector<std::pair<std::string, Node>> entries(
        std::string_view sample = "name", std::string_view pattern = {});

    void report_unknown_keys();

    /// A problem with one key of this map, at the key.
    void error_at_key(std::string_view key, std::string message) const;

private:
    using Entry = Value::Entry;
    [[nodiscard]] const Entry* find(std::string_view key) const;
    [[nodiscard]] std::string path_of(std::string_view key) const;
    void report_repeated_keys() const;

    Node node_;
    std::vector<std::string_view> known_;
    bool all_known_ = false;
};

}  // namespace larder::settings
