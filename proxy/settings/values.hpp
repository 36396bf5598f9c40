#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/host_port.hpp"
#include "base/network.hpp"
#include "settings/nearest_word.hpp"
#include "settings/node.hpp"
#include "settings/settings.hpp"

/// Readers of single values, for MapReader::read. Each gives nothing, and reports what it expected,
/// for a value that is not of its kind.
namespace larder::settings {

std::optional<bool> read_switch(const Node& node);  ///< on, off
/// Accepts only off; `otherwise` is the message for on. False: off was read.
std::optional<bool> read_off(const Node& node, std::string_view otherwise);
std::optional<std::chrono::milliseconds> read_duration(const Node& node);  ///< zero allowed
std::optional<std::chrono::milliseconds> read_timeout(const Node& node);   ///< above zero
std::optional<std::uint64_t> read_size(const Node& node);                  ///< bytes, above zero
std::optional<std::uint64_t> read_buffer_size(const Node& node);  ///< bytes, above zero, up to 16MB
std::optional<std::uint64_t> read_size_or_unlimited(
    const Node& node);                                         ///< UINT64_MAX: unlimited; 0 allowed
std::optional<int> read_count(const Node& node);               ///< 1 to a million
std::optional<int> read_count_or_unlimited(const Node& node);  ///< 0: unlimited
std::optional<int> read_count_or_auto(const Node& node);       ///< 0: auto
std::optional<double> read_share(const Node& node);            ///< "10%" as 0.1; off is 0
std::optional<std::string> read_text(const Node& node);        ///< may be empty
std::optional<std::string> read_filled_text(const Node& node);  ///< not empty
std::optional<std::vector<std::string>> read_texts(
    const Node& node);  ///< a list, or one; null is an empty list
std::optional<std::string> read_field_name(const Node& node);  ///< in lower case
std::optional<std::vector<std::string>> read_field_names(
    const Node& node);  ///< lower-case names of header fields, as a list or one
std::optional<std::vector<Coding>> read_codings(const Node& node);    ///< a list, one, or off
std::optional<std::vector<Network>> read_networks(const Node& node);  ///< a list, or one
std::optional<HostPort> read_address(const Node& node);               ///< to listen on

Form off_form(std::string expected);                     ///< off and its like, and nothing else
Form address_form(std::vector<std::string> words = {});  ///< to listen on, or one of the words

bool is_field_name(std::string_view name);  ///< a token of RFC 9110, 5.6.2

/// Reports "expected ..., not "..."".
void error_expected_form(const Node& node, std::string_view expected, std::string_view written);

/// A reader of one of the given words.
template <class T>
auto one_of(std::vector<std::pair<std::string_view, T>> choices) {
    return [choices = std::move(choices)](const Node& node) -> std::optional<T> {
        std::vector<std::string_view> words;
        words.reserve(choices.size());
        for (const auto& choice : choices) words.push_back(choice.first);
        const std::string expected = list_words(words);
        const auto text = node.text(words_form(expected, {words.begin(), words.end()}));
        if (!text) return std::nullopt;
        for (const auto& [word, value] : choices)
            if (word == *text) return value;
        error_expected_form(node, expected, *text);
        return std::nullopt;
    };
}

}  // namespace larder::settings
