#include "wire/http1/response_framing.hpp"

#include "base/text.hpp"

namespace larder::wire::http1 {
namespace {

// RFC 9110, 6.4.1.
bool never_has_body(int status) { return status == 204 || status == 304 || status < 200; }

}  // namespace

ResponseFraming frame_response(const FramedResponse& response) {
    ResponseFraming framing;
    framing.has_body = response.method != http::Method::head && !never_has_body(response.status);
    const bool length_unknown = framing.has_body && !response.length;
    framing.chunked = length_unknown && response.minor_version >= 1;
    framing.until_close = length_unknown && response.minor_version == 0;
    framing.keep_alive = response.may_keep_alive && !framing.until_close;
    return framing;
}

void append_length(const FramedResponse& response, std::string& out) {
    if (!response.length || response.length_in_lines || never_has_body(response.status)) return;
    out += "Content-Length: ";
    append_decimal(out, static_cast<std::int64_t>(*response.length));
    out += "\r\n";
}

void append_framing(const FramedResponse& response, const ResponseFraming& framing,
                    std::string& out) {
    append_length(response, out);
    if (framing.chunked) out += "Transfer-Encoding: chunked\r\n";
    append_connection(framing.keep_alive, response.minor_version, out);
}

void append_connection(bool keep_alive, int minor_version, std::string& out) {
    if (!keep_alive) {
        out += "Connection: close\r\n";
    } else if (minor_version == 0) {
        out += "Connection: keep-alive\r\n";
    }
}

}  // namespace larder::wire::http1
