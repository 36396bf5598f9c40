#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larder::http {

/// Names of request fields that carry a user's identity (settings.credentials). `has` is cheap,
/// since it runs for every field of every request.
class CredentialNames {
public:
    CredentialNames() = default;
    explicit CredentialNames(std::vector<std::string> lower_case_names);

    /// Underscores count as hyphens, because CGI-like interfaces cannot tell them apart. Allocates
    /// nothing.
    [[nodiscard]] bool has(std::string_view field_name) const {
        return (lengths_ >> std::min<std::size_t>(field_name.size(), 63) & 1) != 0 &&
               is_among(field_name);
    }

private:
    [[nodiscard]] bool is_among(std::string_view field_name) const;

    std::vector<std::string> names_;
    std::uint64_t lengths_ = 0;  ///< a bit for each length; the last for all lengths from 63 on
};

}  // namespace larder::http
