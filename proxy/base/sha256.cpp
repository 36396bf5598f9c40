#include "base/sha256.hpp"

#include <openssl/evp.h>

#include <stdexcept>

#include "base/hex.hpp"

namespace larder {

void append_sha256(std::string& out, std::string_view bytes) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("libcrypto cannot compute SHA-256");
    for (unsigned i = 0; i < size; ++i) append_hex(out, digest[i]);
}

}  // namespace larder
