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

/// The names in all Vary lines: lower-case, sorted, without duplicates. Nothing where the response
/// must not be stored: `reason`, none when called, says why.
std::optional<std::vector<std::string>> vary_names(const http::Fields& fields, Detail& reason);

/// Which content codings a request accepts (RFC 9110, 12.5.3), as far as they matter. Without the
/// field none is taken as accepted, though the RFC would let an origin choose: few that send none
/// can decode one.
struct AcceptedCodings {
    static constexpr std::array<std::string_view, 5> names{"br", "compress", "deflate", "gzip",
                                                           "zstd"};
    std::array<bool, 5> accepts{};
    bool identity = true;
    bool stated = false;  ///< the request has the field

    bool any = false;           ///< `*` accepts the codings that the field does not name
    bool names_others = false;  ///< the field names codings beyond these
};

AcceptedCodings accepted_codings(const http::Fields& fields);

/// Whether the request accepts the coding, of whatever name: the field names it, or `*`, with a
/// weight other than zero.
bool accepts_coding_named(const http::Fields& fields, const AcceptedCodings& accepted,
                          std::string_view coding);

/// The set of accepted codings as a text: "br+gzip+identity", further names behind; "only" in place
/// of "identity" where that is refused, "*" where codings that are not named are accepted.
void append_codings(const http::Fields& fields, const AcceptedCodings& accepted, std::string& out);

}  // namespace larder::cache
