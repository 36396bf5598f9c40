#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// As much of Structured Fields (RFC 9651) as a cache reads: dictionaries and lists, parsed
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
    std::int64_t integer = 0;  ///< of integer and date
    bool boolean = true;       ///< of boolean
    std::string text;  ///< of string and token; the raw text of decimal, bytes and display_string
};

using StructuredDictionary = std::vector<std::pair<std::string, StructuredItem>>;
using StructuredList = std::vector<StructuredItem>;

/// Nothing where the value as a whole is invalid; empty where the field is empty. Of a repeated key
/// the last value stands. More than 1024 members count as invalid. `value` is all of the field's
/// lines joined with a comma.
std::optional<StructuredDictionary> parse_dictionary(std::string_view value);
std::optional<StructuredList> parse_list(std::string_view value);

}  // namespace larder::http
