#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace larder::route {

struct Captures;
struct PathRule;

/// A route's `origin_path`: where its origin has what the route's path names. "/v2/{rest}" beside
/// the path "/api/{rest*}" has the origin asked for /v2/users where a client asks for /api/users.
/// Never changes after it was parsed.
class OriginPath {
public:
    /// Takes the text apart; what is wrong with it as a sentence, or nothing. `path`: the route's.
    static std::optional<std::string> parse(std::string_view text, const PathRule& path,
                                            OriginPath& out);

    [[nodiscard]] bool empty() const { return pieces_.empty(); }

    /// Whether a value of the path holds a segment "." or "..", in any spelling: the origin might
    /// leave the place that the route gives it.
    [[nodiscard]] bool is_left_by(const Captures& captures) const;

    /// Appends the target for the origin: this path with the request's values, and its query.
    void append_target(const Captures& captures, const http::RequestHead& request,
                       std::string& out) const;

    /// The clients' target of one of the origin's that begins with this path; nothing where it
    /// does not, or where a value that only the route's path has is not known. `known`: of a
    /// request under this route, else null.
    [[nodiscard]] std::optional<std::string> client_target(std::string_view origin_target,
                                                           const Captures* known) const;

private:
    /// A segment: its text as written, or a value of the route's path.
    struct Piece {
        std::string text;
        std::optional<std::size_t> slot;
        bool is_rest = false;  ///< all that remains
    };

    std::vector<Piece> pieces_;
    std::vector<Piece> client_pieces_;  // of the route's own path
};

}  // namespace larder::route
