#include "route/sha256.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace larder::route {

void append_sha256(std::string& out, std::string_view bytes) {
    constexpr char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("libcrypto cannot compute SHA-256");
    for (unsigned i = 0; i < size; ++i) {
        out.push_back(digits[digest[i] >> 4]);
        out.push_back(digits[digest[i] & 15]);
    }
}

}  // namespace larder::route
