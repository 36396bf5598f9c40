#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace larder::route {

/// Keys longer than this are shortened.
inline constexpr std::size_t key_bytes_max = 1024;

/// Every key must go through leave_own_namespace before it is used. Keys that begin with "larder:"
/// are larder's own, so the 'l' of such a key becomes "%6C". No value holds "%6C", because letters
/// are never encoded.
inline constexpr std::string_view own_namespace = "larder:";
inline constexpr std::string_view moved_letter = "%6C";
inline constexpr std::string_view moved_namespace = "%6Carder:";
void leave_own_namespace(std::string& key);

/// Shortens a key that is longer than key_bytes_max. Its first `bare_size` bytes are the key
/// without the appended query. The short key keeps the beginning (so that prefix patterns still
/// cover it) and ends in '#' and the SHA-256 of the whole key. A key without an appended query
/// becomes the same text as the bare part of a key with one, so that its purge covers both. Returns
/// the new bare size.
std::size_t shorten_key(std::string& key, std::size_t bare_size);

}  // namespace larder::route
