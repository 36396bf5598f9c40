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

/// A route's `origin_path`: the path at the origin in place of the client's path. With the path
/// "/api/{rest*}" and the origin path "/v2/{rest}", larder asks the origin for /v2/users where a
/// client asks for /api/users. Never changes after it was parsed.
class OriginPath {
public:
    /// Parses the text. Returns what is wrong with it, as a sentence, or nothing. `path`: the
    /// route's.
    static std::optional<std::string> parse(std::string_view text, const PathRule& path,
                                            OriginPath& out);

    [[nodiscard]] bool empty() const { return pieces_.empty(); }

    /// Whether a value of the path holds a segment "." or "..", in any spelling. The origin could
    /// resolve such a segment to a path outside of this one.
    [[nodiscard]] bool is_left_by(const Captures& captures) const;

    /// Appends the target for the origin: this path with the request's values, and its query.
    void append_target(const Captures& captures, const http::RequestHead& request,
                       std::string& out) const;

    /// The target that clients use for a target at the origin. Nothing where `origin_target` does
    /// not begin with this path, or where a value that only the route's own path has is not known.
    /// `known`: the captures of a request under this route, else null.
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
