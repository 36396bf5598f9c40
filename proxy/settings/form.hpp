#pragma once
#include <string>
#include <vector>

namespace larder::settings {

/// How a single value is written. A reader takes a value by its Form, messages quote `expected`,
/// and the JSON Schema is made of the rest.
struct Form {
    std::string expected{};            ///< "a size such as 8KB, 64MB or 1GB"
    std::string pattern{};             ///< of the whole text (ECMA 262); empty: any text
    std::vector<std::string> words{};  ///< accepted too, exactly as written here
    bool is_switch = false;            ///< on, off and their like, in any case

    /// Whether YAML's numbers are values of this form, and from where to where.
    enum class Numbers { none, whole, any } numbers = Numbers::none;
    double minimum = 0;
    bool above_minimum = false;  ///< the minimum itself is not accepted
    double maximum = 0;          ///< 0: none
    bool may_be_empty = true;    ///< of any text
    bool any_scalar = false;     ///< YAML's numbers and booleans match the pattern too

    bool operator==(const Form&) const = default;
};

/// Any text, numbers and words of YAML included.
inline Form any_text(std::string expected = "text") { return {.expected = std::move(expected)}; }

/// One of these words.
inline Form words_form(std::string expected, std::vector<std::string> words) {
    return {.expected = std::move(expected), .words = std::move(words)};
}

/// Text of this pattern.
inline Form pattern_form(std::string expected, std::string pattern,
                         std::vector<std::string> words = {}) {
    return {
        .expected = std::move(expected), .pattern = std::move(pattern), .words = std::move(words)};
}

}  // namespace larder::settings
