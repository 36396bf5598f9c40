#include "admin/page.hpp"

#include <openssl/evp.h>

#include <array>

#include "admin/page_parts.hpp"

namespace larder::admin {
namespace {

template <std::size_t N>
std::string_view text_of(const unsigned char (&bytes)[N]) {
    return {reinterpret_cast<const char*>(bytes), N};
}

void put(std::string& text, std::string_view mark, std::string_view value) {
    text.replace(text.find(mark), mark.size(), value);
}

/// 'sha256-...' (Content Security Policy Level 3, 2.3.1).
std::string hash_of(std::string_view part) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(part.data(), part.size(), digest.data(), &size, EVP_sha256(), nullptr);
    std::array<unsigned char, 4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1> base64{};
    const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
    return "'sha256-" +
           std::string(reinterpret_cast<const char*>(base64.data()),
                       static_cast<std::size_t>(length)) +
           "'";
}

std::string with_script_and_style() {
    std::string page(text_of(page_parts::html));
    put(page, "@STYLE@", text_of(page_parts::css));
    put(page, "@SCRIPT@", text_of(page_parts::js));
    return page;
}

}  // namespace

std::string admin_page(std::string_view offers) {
    static const std::string whole = with_script_and_style();
    std::string page = whole;
    put(page, "@OFFERS@", offers);
    return page;
}

const std::string& admin_page_policy() {
    // data: is for the icon, which is empty so that browsers ask for none.
    static const std::string policy =
        "default-src 'none'; script-src " + hash_of(text_of(page_parts::js)) + "; style-src " +
        hash_of(text_of(page_parts::css)) +
        "; connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'none'";
    return policy;
}

}  // namespace larder::admin
