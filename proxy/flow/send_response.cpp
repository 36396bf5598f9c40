#include "flow/send_response.hpp"

#include "base/json_string.hpp"
#include "flow/request_trace.hpp"
#include "http/http_date.hpp"
#include "route/compiled_route.hpp"

namespace larder::flow {
std::string_view reason_phrase(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 206:
            return "Partial Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 416:
            return "Range Not Satisfiable";
        case 431:
            return "Request Header Fields Too Large";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        default:
            return "Unknown";
    }
}

void append_own_fields(Client& client, std::string& out) {
    const Exchange& exchange = client.exchange();
    const settings::Headers& headers = client.settings().headers;
    if (headers.via) out += "Via: 1.1 larder\r\n";
    const bool masks =
        headers.cache_key && exchange.match.route != nullptr && exchange.match.route->has_secrets;
    if (!masks)
        return exchange.outcome.append_fields(headers, exchange.key, exchange.age_field(), out);
    exchange.outcome.append_fields(
        headers,
        route::masked_key(*exchange.match.route, exchange.match.captures, exchange.request),
        exchange.age_field(), out);
}

void begin_response(Client& client, std::string_view lines, int status, BodyLength length) {
    Exchange& exchange = client.exchange();
    exchange.status = status;
    exchange.text.assign(lines);
    append_own_fields(client, exchange.text);
    if (exchange.trace) append_explanation(client, lines, exchange.text);
    client.begin_response(status, length);
}

net::Task<void> answer_with(Client& client, int status, std::string_view fields,
                            std::string_view body) {
    std::string lines = "HTTP/1.1 ";
    append_decimal(lines, status);
    lines += ' ';
    lines += reason_phrase(status);
    lines += "\r\nDate: ";
    lines += http::format_http_date(std::chrono::floor<Seconds>(wall_now()));
    lines += "\r\n";
    lines += fields;
    const BodyLength length{body.size()};
    begin_response(client, lines, status, length);
    const bool sent = co_await client.send_body(body, Follows::nothing);
    static_cast<void>(sent);
}

net::Task<void> answer_error(Client& client, int status, cache::Detail detail,
                             std::string_view message, KeepAlive keep_alive) {
    Exchange& exchange = client.exchange();
    exchange.outcome = exchange.outcome.error(detail);
    if (keep_alive == KeepAlive::no) exchange.keep_alive = false;
    std::string body = "{\"error\": ";
    append_json_string(body, reason_phrase(status));
    body += ", \"detail\": ";
    append_json_string(body, message);
    body += "}\n";
    std::string fields = "Content-Type: application/json\r\nCache-Control: no-store\r\n";
    if (status == 405) fields += "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";
    if (status == 503) fields += "Retry-After: 1\r\n";
    co_await answer_with(client, status, fields, body);
}

}  // namespace larder::flow
