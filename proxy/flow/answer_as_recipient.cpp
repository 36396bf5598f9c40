#include "flow/answer_as_recipient.hpp"

#include <algorithm>
#include <array>

#include "flow/send_response.hpp"
#include "http/claims.hpp"

namespace larder::flow {
namespace {

constexpr std::string_view options_head =
    "HTTP/1.1 200 OK\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE\r\n";
constexpr std::string_view trace_head = "HTTP/1.1 200 OK\r\nContent-Type: message/http\r\n";

// A script that can send TRACE must not read from its answer what the browser hides from it.
bool is_sensitive(const http::Field& field) {
    static constexpr std::array<std::string_view, 4> credentials{"x-api-key", "api-key", "x-auth-token", "x-access-token"};
    if (field.id == http::FieldId::authorization || field.id == http::FieldId::proxy_authorization || field.id == http::FieldId::cookie)
        return true;
    if (http::claim_of(field) == http::Claim::identity) return true;
    return std::any_of(credentials.begin(), credentials.end(), [&](std::string_view name) { return iequals(field.name, name); });
}

std::string echo_of(const http::RequestHead& request) {
    std::string out(request.method_name);
    out.append(" ").append(request.target).append(request.minor_version == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    for (const http::Field& field : request.fields)
        if (!is_sensitive(field)) out.append(field.name).append(": ").append(field.value).append("\r\n");
    return out.append("\r\n");
}

}  // namespace

net::Task<void> answer_as_recipient(Client& client) {
    Exchange& x = client.x();
    x.outcome = {};
    x.outcome.forward = Forward::method;
    const bool traces = x.request.method == http::Method::trace;
    const std::string echo = traces ? echo_of(x.request) : std::string();
    const std::string_view body = echo;
    ResponseSender sender(client);
    sender.set_head(traces ? trace_head : options_head, 200, body.size(), false);
    const bool sent = co_await sender.body(body, true);
    static_cast<void>(sent);
}

}  // namespace larder::flow
