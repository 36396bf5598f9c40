#pragma once
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <optional>
#include <string>

#include "admin/backend.hpp"
#include "settings/settings.hpp"

namespace larder::admin {

using AdminRequest = boost::beast::http::request<boost::beast::http::string_body>;

/// The reply to send; the connection adds the fields that every response has.
struct AdminReply {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::string allow;                             ///< for 405
    std::optional<observe::EventFilter> events{};  ///< in place of a body: requests as they happen
};

/// {"error": "...", "detail": "..."}; without `detail` if it is empty.
[[nodiscard]] AdminReply error_reply(int status, std::string_view error,
                                     std::string_view detail = {});

/// A request, and what tells who sent it.
struct AdminQuestion {
    const AdminRequest& request;
    std::string who;                ///< the client's address
    const settings::Admin& access;  ///< the tokens in force
};

/// Checks whether the request is allowed, then answers it. Calls `done` once: at once, or for
/// purges, reloads and /explain later, from any thread.
void answer_admin_request(const AdminQuestion& question, AdminBackend& backend,
                          std::function<void(AdminReply)> done);

}  // namespace larder::admin
