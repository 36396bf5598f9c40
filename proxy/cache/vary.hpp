#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/outcome.hpp"
#include "http/fields.hpp"

namespace larder::cache {

/// More names in Vary than this are not stored (`vary-limit`).
inline constexpr std::size_t vary_names_max = 16;

/// The names in all Vary lines: lower-case, sorted, without duplicates. Nothing where the response must not be stored:
/// `reason`, none when called, says why.
std::optional<std::vector<std::string>> vary_names(const http::Fields& fields, Detail& reason);

/// Which content codings a request accepts (RFC 9110, 12.5.3), as far as they matter. Without the field none is taken as
/// accepted, though the RFC would let an origin choose: few that send none can decode one.
struct AcceptedCodings {
    static constexpr std::array<std::string_view, 5> names{"br", "compress", "deflate", "gzip", "zstd"};
    std::array<bool, 5> accepts{};
    bool identity = true;
    bool stated = false;  ///< the request has the field

    /// True of any coding that is not among `names`.
    [[nodiscard]] bool allows(std::string_view coding) const;
    /// "br+gzip+identity"; "only" in place of "identity" where that is refused.
    void append_to(std::string& out) const;
};

AcceptedCodings accepted_codings(const http::Fields& fields);

}  // namespace larder::cache
