#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace larder::route {

/// Keys longer than this are shortened.
inline constexpr std::size_t key_bytes_max = 1024;

/// What must be done to every key before it is used: one that begins with "larder:" is moved out of
/// larder's own namespace (its 'l' becomes "%6C", which no value holds, for letters are never
/// encoded).
inline constexpr std::string_view moved_letter = "%6C";
inline constexpr std::string_view moved_namespace = "%6Carder:";
void leave_own_namespace(std::string& key);

/// Shortens a key, whose first `bare_size` bytes are without the appended query, where it is longer
/// than key_bytes_max: it keeps its beginning (so that prefix patterns still cover it) and ends in
/// '#' and the SHA-256 of the whole. A key without appended query comes to the same text as the
/// bare part of one with, so that its purge covers both. Returns the new bare size.
std::size_t shorten_key(std::string& key, std::size_t bare_size);

}  // namespace larder::route
