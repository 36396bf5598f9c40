#pragma once
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "settings/form.hpp"

namespace larder::settings {

/// What the readers of the configuration accept at one place. It is not written by hand:
/// describe_settings runs the readers without a configuration, and each question that they ask is
/// noted here. So the schema cannot differ from what is read.
struct Shape {
    std::vector<Form> forms;      ///< of a single value; empty: none is accepted
    std::unique_ptr<Shape> item;  ///< of a list; null: no list is accepted
    bool map = false;
    bool nothing = false;  ///< YAML's null is accepted

    std::vector<std::pair<std::string, std::unique_ptr<Shape>>> members;  ///< in reading order
    std::unique_ptr<Shape> any_member;  ///< of a map whose keys are the user's own
    std::string any_member_pattern;     ///< that such a key has to match; empty: any
    std::vector<std::string> required;
    std::vector<std::vector<std::string>> alternatives;  ///< keys of exactly one group are given
    std::vector<std::pair<std::string, std::string>> needs;  ///< the first only with the second

    Shape& member(std::string_view key) {
        for (auto& [name, shape] : members)
            if (name == key) return *shape;
        return *members.emplace_back(std::string(key), std::make_unique<Shape>()).second;
    }
    Shape& each_item() {
        if (!item) item = std::make_unique<Shape>();
        return *item;
    }
    void add(Form form) {
        for (const Form& known : forms)
            if (known == form) return;
        forms.push_back(std::move(form));
    }
};

/// The kind that a node without a value claims to have. A reader does different things for
/// different kinds, so describe_settings tries each kind at each depth.
enum class Assumed { scalar, map, list_of_scalars, list_of_maps };
inline constexpr std::size_t assumed_count = 4;
inline constexpr std::size_t shape_depth_max = 4;  ///< admin.tokens[].may is the deepest key
using AssumedByDepth = std::array<Assumed, shape_depth_max + 1>;

}  // namespace larder::settings
