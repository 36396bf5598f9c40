#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "flow/client.hpp"
#include "http/message.hpp"

/// Forwards heads: the client's request to the origin and the origin's response to the client.
/// Removes the fields of one connection (RFC 9110, 7.6.1) and adds those of an intermediary.
namespace larder::flow {

/// The sender of a request, as the origin learns it.
struct Sender {
    std::string address;   ///< the client's
    bool trusted = false;  ///< its forwarding fields are believed and extended
    bool tls = false;
};
Sender sender_of(const Client& client);

struct RequestHeadOptions {
    bool for_cache = false;  ///< a fetch to be stored: no Range, no preconditions of the client's
    bool upgrade = false;    ///< keep Upgrade and Connection: upgrade
    std::string_view conditional;   ///< validator lines of a stored response, with CRLF
    std::string_view method;        ///< empty: the request's own
    std::string_view request_id{};  ///< sent as X-Request-Id; empty: the request's own, if any
};

/// The origin that a head is written for.
struct HeadTarget {
    const origin::Upstream& upstream;
    const route::CompiledRoute* route;  ///< null: no route took the request
    const route::Captures& captures;
};

/// Replaces `out` by the head for the origin with its blank line. Host is the origin's `host`, or
/// else the request's host, or else the authority of the origin's first server.
void build_origin_head(const http::RequestHead& request, const Sender& sender,
                       const RequestHeadOptions& options, const HeadTarget& target,
                       const settings::Settings& settings, std::string& out);

/// Appends the status line and the fields of a response that is passed on, without the blank line
/// and without framing, except for the origin's Content-Length. `strip`: lower-case names to leave
/// out.
void append_passed_head(const http::ResponseHead& response, const std::vector<std::string>& strip,
                        bool upgrade, const settings::Headers& headers, WallTime received_at,
                        std::string& out);

/// A request head that owns its bytes. A fetch keeps one because its client may leave.
class OwnedRequest {
public:
    explicit OwnedRequest(const http::RequestHead& request);
    OwnedRequest(const OwnedRequest&) = delete;
    OwnedRequest& operator=(const OwnedRequest&) = delete;
    [[nodiscard]] const http::RequestHead& head() const { return head_; }
    /// The captures of the path of the request that this is a copy of, as views into the copy.
    [[nodiscard]] route::Captures captures_of(const route::Captures& captures,
                                              const http::RequestHead& request) const;

private:
    std::string bytes_;
    std::vector<http::Field> fields_;
    http::RequestHead head_;
};

}  // namespace larder::flow
