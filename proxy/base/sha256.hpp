#pragma once
#include <string>
#include <string_view>

namespace larder {

/// Appends the SHA-256 of the bytes as 64 lower-case hex digits. Throws std::runtime_error if
/// libcrypto fails.
void append_sha256(std::string& out, std::string_view bytes);

}  // namespace larder
