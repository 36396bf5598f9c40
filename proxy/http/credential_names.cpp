#include "http/credential_names.hpp"

#include "http/claims.hpp"

namespace larder::http {

CredentialNames::CredentialNames(std::vector<std::string> lower_case_names)
    : names_(std::move(lower_case_names)) {
    for (std::string& name : names_) {
        std::replace(name.begin(), name.end(), '_', '-');
        lengths_ |= std::uint64_t{1} << std::min<std::size_t>(name.size(), 63);
    }
}

bool CredentialNames::is_among(std::string_view field_name) const {
    return std::any_of(names_.begin(), names_.end(),
                       [&](const std::string& name) { return is_same_name(name, field_name); });
}

}  // namespace larder::http
