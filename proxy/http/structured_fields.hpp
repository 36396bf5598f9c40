#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The part of Structured Fields (RFC 9651) that a cache needs: dictionaries and lists, parsed
/// strictly. Parameters are checked and dropped.
namespace larder::http {

struct StructuredItem {
    enum class Type : std::uint8_t {
        integer,
        decimal,
        string,
        token,
        bytes,
        boolean,
        date,
        display_string,
        inner_list
    };
    Type type = Type::boolean;
    std::int64_t integer = 0;  ///< for integer and date
    bool boolean = true;       ///< for boolean
    std::string text;  ///< for string and token; the raw text of decimal, bytes, display_string
};

using StructuredDictionary = std::vector<std::pair<std::string, StructuredItem>>;
using StructuredList = std::vector<StructuredItem>;

/// `value` has all lines of the field, joined with a comma. std::nullopt if the value is invalid or
/// has more than 1024 members; empty if the field is empty. The last value of a repeated key
/// counts.
std::optional<StructuredDictionary> parse_dictionary(std::string_view value);
std::optional<StructuredList> parse_list(std::string_view value);

}  // namespace larder::http
