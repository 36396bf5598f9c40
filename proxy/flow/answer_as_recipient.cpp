#include "flow/answer_as_recipient.hpp"

#include "flow/send_response.hpp"
#include "http/claims.hpp"
#include "http/credential_names.hpp"

namespace larder::flow {
namespace {

constexpr std::string_view options_fields =
    "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE\r\n";
constexpr std::string_view trace_fields = "Content-Type: message/http\r\n";

// A script that can send TRACE must not read credentials in the answer that the browser hides.
bool is_sensitive(const http::Field& field, const http::CredentialNames& credentials) {
    if (field.id == http::FieldId::authorization ||
        field.id == http::FieldId::proxy_authorization || field.id == http::FieldId::cookie)
        return true;
    return http::claim_of(field) == http::Claim::identity || credentials.has(field.name);
}

std::string echo_of(const http::RequestHead& request, const http::CredentialNames& credentials) {
    std::string out(request.method_name);
    out.append(" ")
        .append(request.target)
        .append(request.minor_version == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    for (const http::Field& field : request.fields)
        if (!is_sensitive(field, credentials))
            out.append(field.name).append(": ").append(field.value).append("\r\n");
    out.append("\r\n");
    return out;
}

}  // namespace

net::Task<void> answer_as_recipient(Client& client) {
    Exchange& exchange = client.exchange();
    exchange.outcome = cache::Outcome::method();
    const bool traces = exchange.request.method == http::Method::trace;
    const std::string echo =
        traces ? echo_of(exchange.request, http::CredentialNames(client.settings().credentials))
               : std::string();
    const std::string_view fields = traces ? trace_fields : options_fields;
    co_await answer_with(client, 200, fields, echo);
}

}  // namespace larder::flow
