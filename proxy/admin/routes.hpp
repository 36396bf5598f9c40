#pragma once
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <string>

#include "admin/backend.hpp"

namespace larder::admin {

using AdminRequest = boost::beast::http::request<boost::beast::http::string_body>;

/// What is sent; the connection adds what every response has.
struct AdminReply {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::string allow;  ///< for 405
};

/// {"error": "...", "detail": "..."}; without detail where it is empty.
[[nodiscard]] AdminReply error_reply(int status, std::string_view error,
                                     std::string_view detail = {});

/// Answers one request: who may ask, then what for. `token` empty: none
/// needed. `done` is called once: at once, or for /purge and /explain from whichever thread the
/// backend completes on.
void answer_admin_request(const AdminRequest& request, const std::string& token,
                          AdminBackend& backend, std::function<void(AdminReply)> done);

}  // namespace larder::admin
