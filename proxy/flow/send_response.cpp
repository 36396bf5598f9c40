#include "flow/send_response.hpp"

#include <array>
#include <charconv>

#include "http/http_date.hpp"

namespace larder::flow {
namespace {

iovec piece(std::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
    out += '"';
}

}  // namespace

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

void ResponseSender::set_head(std::string_view lines, int status,
                              std::optional<std::uint64_t> length, bool length_in_lines) {
    Exchange& exchange = client_.exchange();
    const http::RequestHead& request = client_.request();
    const settings::Headers& headers = client_.settings().headers;
    exchange.status = status;
    const bool bodyless_status = status == 204 || status == 304 || (status >= 100 && status < 200);
    has_body_ = request.method != http::Method::head && !bodyless_status;
    chunked_ = has_body_ && !length && request.minor_version >= 1;
    until_close_ = has_body_ && !length && request.minor_version == 0;
    const bool keep = exchange.keep_alive && request.keep_alive && !until_close_ &&
                      !client_.services.draining && !exchange.body_pending;
    exchange.keep_alive = keep;

    std::string& text = exchange.text;
    text.assign(lines);
    if (headers.via) text += "Via: 1.1 larder\r\n";
    append_outcome(text, exchange.outcome, headers, exchange.key);
    if (length && !length_in_lines && !bodyless_status) {
        text += "Content-Length: ";
        append_decimal(text, static_cast<std::int64_t>(*length));
        text += "\r\n";
    }
    if (chunked_) text += "Transfer-Encoding: chunked\r\n";
    if (!keep) {
        text += "Connection: close\r\n";
    } else if (request.minor_version == 0) {
        text += "Connection: keep-alive\r\n";
    }
    text += "\r\n";
}

net::Task<bool> ResponseSender::body(std::string_view data, bool last) {
    Exchange& exchange = client_.exchange();
    if (!has_body_) data = {};
    char size_line[24];
    std::string_view before;
    std::string_view after;
    if (chunked_ && !data.empty()) {
        char* end = std::to_chars(size_line, size_line + 20, data.size(), 16).ptr;
        *end++ = '\r';
        *end++ = '\n';
        before = {size_line, static_cast<std::size_t>(end - size_line)};
        after = last ? "\r\n0\r\n\r\n" : "\r\n";
    } else if (chunked_ && last) {
        after = "0\r\n\r\n";
    }
    ended_ |= last;
    std::array<iovec, 4> pieces{piece(exchange.text), piece(before), piece(data), piece(after)};
    std::size_t size = 0;
    for (const iovec& part : pieces) size += part.iov_len;
    if (size == 0) co_return true;
    exchange.answered = true;
    exchange.bytes_out += size;
    const bool sent =
        co_await client_.stream.write_all(pieces, client_.settings().limits.body_timeout);
    client_.exchange().text.clear();
    if (!sent) client_.exchange().keep_alive = false;
    co_return sent;
}

net::Task<bool> ResponseSender::end(std::string_view trailers) {
    if (ended_) co_return true;
    if (!chunked_ || trailers.empty()) {
        const bool sent = co_await body(std::string_view(), true);
        co_return sent;
    }
    ended_ = true;
    Exchange& exchange = client_.exchange();
    std::array<iovec, 4> pieces{piece(exchange.text), piece("0\r\n"), piece(trailers),
                                piece("\r\n")};
    exchange.answered = true;
    exchange.bytes_out += exchange.text.size() + trailers.size() + 5;
    const bool sent =
        co_await client_.stream.write_all(pieces, client_.settings().limits.body_timeout);
    client_.exchange().text.clear();
    if (!sent) client_.exchange().keep_alive = false;
    co_return sent;
}

net::Task<bool> ResponseSender::interim(std::string_view lines) {
    if (client_.request().minor_version == 0) co_return true;
    std::array<iovec, 2> pieces{piece(lines), piece("\r\n")};
    const bool sent =
        co_await client_.stream.write_all(pieces, client_.settings().limits.body_timeout);
    co_return sent;
}

void ResponseSender::break_off() {
    client_.exchange().keep_alive = false;
    if (!client_.exchange().answered || !has_body_) return;
    client_.stream.abort();
}

net::Task<void> answer_error(Client& client, int status, cache::Detail detail,
                             std::string_view message, bool close) {
    Exchange& exchange = client.exchange();
    exchange.outcome.detail = detail;
    if (close) exchange.keep_alive = false;
    std::string body = "{\"error\": ";
    append_json_string(body, reason_phrase(status));
    body += ", \"detail\": ";
    append_json_string(body, message);
    body += "}\n";
    std::string lines = "HTTP/1.1 ";
    append_decimal(lines, status);
    lines += ' ';
    lines += reason_phrase(status);
    lines += "\r\nDate: ";
    lines += http::format_http_date(std::chrono::floor<Seconds>(wall_now()));
    lines += "\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n";
    if (status == 405) lines += "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";
    if (status == 503) lines += "Retry-After: 1\r\n";
    ResponseSender sender(client);
    sender.set_head(lines, status, body.size(), false);
    const bool sent = co_await sender.body(body, true);
    static_cast<void>(sent);
}

}  // namespace larder::flow
