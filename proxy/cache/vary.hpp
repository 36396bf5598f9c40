#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/outcome.hpp"
#include "cache/stored_response.hpp"
#include "http/message.hpp"

namespace larder::cache {

/// More names in Vary than this are not stored (`vary-limit`).
inline constexpr std::size_t vary_names_max = 16;

/// The names in all Vary lines: lower-case, sorted, without duplicates. Nothing where the response
/// must not be stored: `reason`, none when called, says why.
std::optional<std::vector<std::string>> vary_names(const http::Fields& fields, Detail& reason);

/// Which variant of the key a request asks for (RFC 9111, 4.1): scheme and authority of its target
/// URI (without the authority where the route's key pins it) and the request's values of the named
/// fields. Values are normalised: white space and list joins; Accept-Encoding becomes the set of
/// accepted codings. The text is short and printable; a long one ends in a SHA-256, so that no two
/// differing requests share a text. `vary` as in StoreDecision. Replaces `out`.
void build_variant(const http::RequestHead& request, NameList vary, bool with_host,
                   std::string& out);
/// The same where the response does not vary. Mostly the text of the request before, so it is kept:
/// valid until this thread's next call of either.
[[nodiscard]] const std::string& target_variant(const http::RequestHead& request, bool with_host);

/// Scheme and authority of the target URI that a variant answers.
struct VariantTarget {
    std::string scheme;     ///< empty where the variant is too long to tell
    std::string authority;  ///< empty where the variant has none (the route's key pins it)
};
VariantTarget target_of_variant(std::string_view variant);

/// Which content codings a request accepts (RFC 9110, 12.5.3), as far as they matter. Without the
/// field, no coding counts as accepted, though the RFC lets an origin choose: few clients that do
/// not send the field can decode a coding.
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

/// Whether the request accepts the content coding of the stored response. Without Vary an entry can
/// hold a coding that the client cannot decode: the entry is then not for this request
/// (Verdict::fetch). Costs nothing where the stored response has no coding.
inline bool accepts_coding(const http::RequestHead& request, const StoredResponse& stored);

/// The same of a response that has a coding.
bool accepts_coding_of(const http::RequestHead& request, const StoredResponse& stored);

inline bool accepts_coding(const http::RequestHead& request, const StoredResponse& stored) {
    return !stored.has_coding() || accepts_coding_of(request, stored);
}

}  // namespace larder::cache
