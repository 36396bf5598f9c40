#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "cache/stored_parts.hpp"

/// The bytes of a stored response outside the process: magic, version, an XXH3-64 over all that
/// follows, then fields of (id, length, bytes). A reader skips ids it does not know, so that
/// members can be added without a new version. What belongs to one process only (guards, sequence)
/// is not in it.
namespace larder::store {

struct EntryEncoding {
    bool compress = false;  ///< zstd the body where it pays and the head names no Content-Encoding
    std::size_t compress_above = 0;  ///< bytes of body
    bool without_body = false;
};

/// What an entry begins with; the last byte is the version. Entries of another version count as
/// absent: version 4 names the guard it was filled under, without which no entry is valid.
inline constexpr std::string_view entry_magic = "LRD\x04";

/// Bodies above this are neither written nor accepted (a Redis value ends at 512 MB).
inline constexpr std::size_t entry_body_max = 500u << 20;

[[nodiscard]] std::string encode_entry(const cache::Draft& entry, EntryEncoding how);

/// Views into `bytes`, but for a body that was compressed. Nothing for anything that `encode_entry`
/// did not make: damaged, cut, of another version, or hostile. Never allocates more than the value
/// declares, and that only after the checksum held.
[[nodiscard]] std::optional<cache::StoredParts> decode_entry(std::string_view bytes);

}  // namespace larder::store
