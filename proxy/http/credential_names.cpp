#include "http/credential_names.hpp"

#include "base/text.hpp"

namespace larder::http {

CredentialNames::CredentialNames(std::vector<std::string> lower_case_names)
    : names_(std::move(lower_case_names)) {
    for (std::string& name : names_) {
        std::replace(name.begin(), name.end(), '_', '-');
        lengths_ |= std::uint64_t{1} << std::min<std::size_t>(name.size(), 63);
    }
}

bool CredentialNames::is_among(std::string_view field_name) const {
    const auto plain = [](char c) { return c == '_' ? '-' : to_lower(c); };
    return std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
        return std::equal(name.begin(), name.end(), field_name.begin(), field_name.end(),
                          [&](char known, char given) { return known == plain(given); });
    });
}

}  // namespace larder::http
