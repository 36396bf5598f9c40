#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/percent.hpp"

/// Percent-encoding as keys need it: values are decoded once and encoded again in one canonical
/// way, so that two spellings of one value make one key, and no value can hold a byte that means
/// something in a key or a pattern.
///
/// What a value looks like in a key: the unreserved characters of RFC 3986 and '@' are themselves;
/// every other byte is %HH in upper case. Three marks are not part of this encoding, so no byte of
/// a value can produce them:
///   ','     between the values of a repeated parameter or cookie,
///   '+'     a plus sign as it came in a query: some origins read it as a space, others do not,
///   "%25!"  a '%' that is not followed by two hex digits: origins read it differently.
/// A slash that came as a slash in {rest} and {path} is '/', an encoded one is %2F.
namespace larder::route {

/// Where a raw value came from: text (headers, cookies, JSON) is not percent-decoded.
enum class Source : std::uint8_t { path, query, text };

/// Appends the value as keys hold it. `keep_slash` leaves raw '/' alone.
void append_value(std::string& out, std::string_view raw, Source source, bool keep_slash = false);

/// May this byte occur in an appended value? ':' , '*', '?', '#', '=', '&' and braces never do.
bool is_value_char(char c);

/// Appends the raw bytes of the value, decoded once. False where the raw text holds something that
/// has no decoded form of its own (a malformed '%', a '+' in a query): two such values may differ
/// although their bytes are equal.
bool append_decoded(std::string& out, std::string_view raw, Source source);

/// Whether the text encodes an unreserved character, which needs no encoding (RFC 3986, 2.3). A
/// server that compares raw text takes the encoded text for another one.
bool has_needless_encoding(std::string_view raw);

/// Does the raw text decode to exactly these bytes? A malformed '%' equals nothing.
bool decodes_to(std::string_view raw, std::string_view bytes);

/// The same, but the case of ASCII letters in `raw` does not matter. `lower` is in lower case.
bool folds_to(std::string_view raw, std::string_view lower);

/// Turns a key to lower case from `begin` on, except the digits of its %HH.
void fold_case(std::string& text, std::size_t begin);

/// Does the raw text decode to bytes that begin with these?
bool decodes_to_prefix(std::string_view raw, std::string_view prefix);

/// Orders raw texts by their decoded bytes: negative, zero or positive.
int compare_decoded(std::string_view a, std::string_view b);

/// A hash of bytes, and of what raw text decodes to: equal for all spellings of one text.
std::uint64_t hash_bytes(std::string_view bytes);
std::uint64_t hash_decoded(std::string_view raw);
/// The same with ASCII letters in lower case.
std::uint64_t hash_folded(std::string_view raw);

}  // namespace larder::route
