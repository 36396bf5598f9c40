#include "http/head_parser.hpp"

#include <algorithm>

#include "http/head_lines.hpp"
#include "http/max_forwards.hpp"
#include "http/tidy_head.hpp"

namespace larder::http {
namespace {

using http::Field;
using http::FieldId;
using http::Framing;
using http::HeadScan;

HeadResult malformed(const char* why) { return {HeadStatus::malformed, 0, why}; }

HeadResult fault_result(http::HeadFault fault) {
    using Fault = http::HeadFault;
    switch (fault) {
        case Fault::method:
            return malformed("bad method");
        case Fault::target:
            return malformed("bad request target");
        case Fault::version:
            return malformed("bad HTTP version");
        case Fault::status:
            return malformed("bad status code");
        case Fault::too_many_fields:
            return {HeadStatus::too_large, 0, "too many header fields"};
        case Fault::field:
            return malformed("bad header field");
        case Fault::none:
            break;
    }
    return {HeadStatus::complete, 0, ""};
}

// The framing fields of a request or a response, read strictly (RFC 9112, 6).
struct FramingFields {
    const char* error = nullptr;
    bool unknown_coding = false;
    bool chunked = false;
    bool has_length = false;
    std::uint64_t length = 0;
};

FramingFields framing_fields(const http::Fields& fields, int minor_version) {
    FramingFields out;
    if (!fields.has_any(FieldId::content_length, FieldId::transfer_encoding)) return out;
    int lengths = 0;
    int codings = 0;
    for (const Field& field : fields) {
        if (field.id == FieldId::content_length) {
            const auto value = parse_decimal(field.value);
            if (!value || *value > INT64_MAX) out.error = "bad Content-Length";
            if (++lengths > 1) out.error = "several Content-Length fields";
            out.has_length = true;
            out.length = value.value_or(0);
        } else if (field.id == FieldId::transfer_encoding) {
            if (++codings > 1) out.error = "several Transfer-Encoding fields";
            if (iequals(field.value, "chunked")) {
                out.chunked = true;
            } else {
                out.unknown_coding = true;
                // If chunked is repeated or not the last coding, the end of the body is ambiguous.
                const std::string lower = to_lower_copy(field.value);
                const std::size_t at = lower.find("chunked");
                if (lower.empty() || (at != std::string::npos && at + 7 != lower.size()))
                    out.error = "bad Transfer-Encoding";
                if (at != std::string::npos && at != lower.rfind("chunked"))
                    out.error = "bad Transfer-Encoding";
                if (at == std::string::npos && lower.find_first_of(" \t,;\"") != std::string::npos)
                    out.error = "bad Transfer-Encoding";
            }
        }
    }
    if (codings > 0 && lengths > 0) out.error = "Content-Length beside Transfer-Encoding";
    if (codings > 0 && minor_version == 0) out.error = "Transfer-Encoding in HTTP/1.0";
    return out;
}

// Looks for close and keep-alive in all Connection lines.
bool wants_keep_alive(const http::Fields& fields, int minor_version) {
    if (!fields.has(FieldId::connection)) return minor_version > 0;
    bool close = false;
    bool keep = false;
    for (const Field& field : fields) {
        if (field.id != FieldId::connection) continue;
        std::string_view rest = field.value;
        while (!rest.empty()) {
            const std::size_t comma = rest.find(',');
            const std::string_view option = trim_ows(rest.substr(0, comma));
            close |= iequals(option, "close");
            keep |= iequals(option, "keep-alive");
            rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
        }
    }
    return !close && (minor_version > 0 || keep);
}

// Whether there are no control bytes and no blanks. A URI has no bytes above 0x7f (RFC 3986, 2),
// but clients send raw UTF-8, and all servers read it as percent-encoded. So these are allowed.
bool is_printable(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= ' ' || byte == 0x7f;
    });
}

// Splits an absolute-form (RFC 9112, 3.2.2). Its authority replaces Host.
HeadResult split_absolute(std::string_view target, HeadStorage& storage, http::RequestHead& head) {
    const std::size_t scheme_size = iequals(target.substr(0, 7), "http://")    ? 7
                                    : iequals(target.substr(0, 8), "https://") ? 8
                                                                               : 0;
    if (scheme_size == 0) return malformed("bad request target");
    const std::string_view rest = target.substr(scheme_size);
    const std::size_t end = rest.find_first_of("/?");
    const std::string_view authority = rest.substr(0, end);
    if (!valid_host(authority)) return malformed("bad authority in the request target");
    head.host = authority;
    std::string_view path = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
    if (path.empty() && head.method == http::Method::options) {
        head.target = "*";  // RFC 9112, 3.2.4
        return {HeadStatus::complete, 0, ""};
    }
    if (path.empty() || path.front() == '?') {
        storage.rewritten.assign("/").append(path);
        path = storage.rewritten;
    }
    head.target = path;
    return {HeadStatus::complete, 0, ""};
}

HeadResult check_target(std::string_view target, HeadStorage& storage, http::RequestHead& head) {
    if (!is_printable(target) || target.find('#') != std::string_view::npos)
        return malformed("bad request target");
    if (head.method == http::Method::connect)
        return {HeadStatus::not_implemented, 0, "CONNECT is not supported"};
    // A client that searches for proxies on the path sends Max-Forwards. A TRACE without
    // Max-Forwards would only show the client what larder sends to the origin.
    const auto is_limited = [&storage] {
        return std::any_of(storage.fields.begin(), storage.fields.end(), http::is_max_forwards);
    };
    if (head.method == http::Method::trace && !is_limited())
        return {HeadStatus::not_implemented, 0, "TRACE needs Max-Forwards"};
    if (target.front() == '/') {
        head.target = target;
    } else if (target == "*") {
        if (head.method != http::Method::options) return malformed("bad request target");
        head.target = target;
    } else {
        const HeadResult split = split_absolute(target, storage, head);
        if (split.status != HeadStatus::complete) return split;
    }
    const std::size_t mark = head.target.find('?');
    head.path = head.target.substr(0, mark);
    head.has_query = mark != std::string_view::npos;
    head.query = head.has_query ? head.target.substr(mark + 1) : std::string_view{};
    return {HeadStatus::complete, 0, ""};
}

// RFC 9112, 3.2: HTTP/1.1 needs exactly one valid Host.
const char* check_host(HeadStorage& storage, http::RequestHead& head) {
    const Field* host = nullptr;
    for (const Field& field : storage.fields) {
        if (field.id != FieldId::host) continue;
        if (host) return "several Host fields";
        host = &field;
    }
    if (!host) return head.minor_version > 0 ? "no Host field" : nullptr;
    if (host->value != storage.host || storage.host.empty()) {
        if (!valid_host(host->value)) return "bad Host field";
        storage.host = host->value;
    }
    if (head.host.empty()) head.host = host->value;
    return nullptr;
}

HeadResult limits_on_incomplete(std::string_view input, const HeadLimits& limits) {
    const std::size_t line_end = input.find('\r');
    const std::string_view line = input.substr(0, line_end);
    if (line.size() > limits.target_bytes + 64)
        return {HeadStatus::target_too_long, 0, "the request target is too long"};
    if (input.size() > limits.head_bytes + limits.target_bytes)
        return {HeadStatus::too_large, 0, "the header is too large"};
    return {HeadStatus::need_more, 0, ""};
}

// Input that does not begin like a request (a TLS ClientHello, a binary protocol) is refused at
// once instead of after a blank line that may never come.
bool begins_like_a_token(std::string_view input) {
    const char c = input.front();
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

bool valid_host(std::string_view host) {
    if (host.empty()) return false;
    std::string_view port;
    if (host.front() == '[') {
        const std::size_t close = host.find(']');
        if (close == std::string_view::npos || close < 3) return false;
        for (char c : host.substr(1, close - 1))
            if (!(is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f') || c == ':' ||
                  c == '.'))
                return false;
        const std::string_view rest = host.substr(close + 1);
        if (rest.empty()) return true;
        if (rest.front() != ':') return false;
        port = rest.substr(1);
    } else {
        const std::size_t colon = host.find(':');
        const std::string_view name = host.substr(0, colon);
        if (name.empty() || name.size() > 255) return false;
        for (char c : name) {
            const char lower = to_lower(c);
            const bool fine = (lower >= 'a' && lower <= 'z') || is_digit(c) ||
                              std::string_view("-._~!$&'()*+;=%").find(c) != std::string_view::npos;
            if (!fine) return false;
        }
        if (colon == std::string_view::npos) return true;
        port = host.substr(colon + 1);
    }
    if (port.empty()) return true;  // RFC 3986, 3.2.3: "host:" is the default port
    const auto number = parse_decimal(port);
    return port.size() <= 5 && number && *number <= 65535;
}

HeadResult parse_request_head(std::string_view input, const HeadLimits& limits,
                              HeadStorage& storage, http::RequestHead& head) {
    head = http::RequestHead{};
    if (input.empty()) return {};
    std::size_t skipped = 0;
    if (input.front() == '\r') {  // RFC 9112, 2.2: skip one empty line before a request
        if (input.size() == 1) return {};
        if (input[1] != '\n') return malformed("bad byte in the header");
        skipped = 2;
        input.remove_prefix(2);
        if (input.empty()) return {};
    }
    if (!begins_like_a_token(input)) return malformed("bad method");
    const HeadScan scan = http::scan_head(input, storage.line_ends);
    if (scan.kind == HeadScan::Kind::bad_byte) return malformed("bad byte in the header");
    if (scan.kind == HeadScan::Kind::folded) return malformed("folded header field");
    if (scan.kind == HeadScan::Kind::need_more) return limits_on_incomplete(input, limits);

    http::RequestLine line;
    HeadResult result =
        fault_result(http::split_request_line(input.substr(0, storage.line_ends.front()), line));
    if (result.status != HeadStatus::complete) return result;
    if (line.target.size() > limits.target_bytes)
        return {HeadStatus::target_too_long, 0, "the request target is too long"};
    result = fault_result(
        http::split_fields(input, storage.line_ends, limits.field_count, storage.fields));
    if (result.status != HeadStatus::complete) return result;
    if (scan.size - line.target.size() > limits.head_bytes)
        return {HeadStatus::too_large, 0, "the header is too large"};

    head.fields = http::Fields(storage.fields);
    head.method_name = line.method;
    head.method = http::method_of(line.method);
    head.minor_version = static_cast<std::uint8_t>(line.minor_version);
    if (line.method.size() > 64) return malformed("bad method");
    const HeadResult target = check_target(line.target, storage, head);
    if (target.status != HeadStatus::complete) return target;
    if (const char* why = check_host(storage, head)) return malformed(why);

    const FramingFields framing = framing_fields(head.fields, line.minor_version);
    if (framing.error) return malformed(framing.error);
    if (framing.unknown_coding)
        return {HeadStatus::not_implemented, 0, "transfer coding not supported"};
    head.framing = framing.chunked                            ? Framing::chunked
                   : framing.has_length && framing.length > 0 ? Framing::length
                                                              : Framing::none;
    head.content_length = framing.length;
    head.keep_alive = wants_keep_alive(head.fields, line.minor_version);
    if (line.minor_version > 0)
        if (const Field* expect = head.fields.first(FieldId::expect))
            head.expects_continue =
                iequals(expect->value, "100-continue") && head.framing != Framing::none;
    return {HeadStatus::complete, skipped + scan.size, ""};
}

namespace {

// RFC 9112, 6.3: how the end of the body is found.
void set_framing(const FramingFields& fields, bool to_head, http::ResponseHead& head) {
    head.content_length = fields.length;
    if (to_head || head.status < 200 || head.status == 204 || head.status == 304) {
        head.framing = Framing::none;
    } else if (fields.chunked) {
        head.framing = Framing::chunked;
    } else if (fields.has_length) {
        head.framing = fields.length > 0 ? Framing::length : Framing::none;
    } else {
        head.framing = Framing::until_close;
        head.keep_alive = false;
    }
}

// Whether a Content-Length has no leading zeros.
bool is_plain_length(const Field& field) {
    return field.id != FieldId::content_length || field.value.size() == 1 ||
           !field.value.starts_with('0');
}

HeadResult parse_strictly(std::string_view input, const HeadLimits& limits, bool to_head,
                          HeadStorage& storage, http::ResponseHead& head) {
    const std::string_view start = std::string_view("HTTP/1.").substr(0, input.size());
    if (!input.starts_with(start)) return malformed("not an HTTP/1 response");
    const HeadScan scan = http::scan_head(input, storage.line_ends);
    if (scan.kind == HeadScan::Kind::bad_byte) return malformed("bad byte in the header");
    if (scan.kind == HeadScan::Kind::folded) return malformed("folded header field");
    if (scan.kind == HeadScan::Kind::need_more) {
        if (input.size() > limits.head_bytes)
            return {HeadStatus::too_large, 0, "the header is too large"};
        return {};
    }
    if (scan.size > limits.head_bytes) return {HeadStatus::too_large, 0, "the header is too large"};

    http::StatusLine line;
    HeadResult result =
        fault_result(http::split_status_line(input.substr(0, storage.line_ends.front()), line));
    if (result.status != HeadStatus::complete) return result;
    result = fault_result(
        http::split_fields(input, storage.line_ends, limits.field_count, storage.fields));
    if (result.status != HeadStatus::complete) return result;
    if (line.status < 100) return malformed("bad status code");

    head.status = line.status;
    head.reason = line.reason;
    head.minor_version = static_cast<std::uint8_t>(line.minor_version);
    head.fields = http::Fields(storage.fields);
    head.keep_alive = wants_keep_alive(head.fields, line.minor_version);
    const FramingFields framing = framing_fields(head.fields, line.minor_version);
    if (framing.error) return malformed(framing.error);
    if (framing.unknown_coding) return malformed("transfer coding not supported");
    if (framing.has_length &&
        !std::all_of(storage.fields.begin(), storage.fields.end(), is_plain_length))
        return malformed("bad Content-Length");
    set_framing(framing, to_head, head);
    return {HeadStatus::complete, scan.size, ""};
}

}  // namespace

HeadResult parse_response_head(std::string_view input, const HeadLimits& limits, bool to_head,
                               HeadStorage& storage, http::ResponseHead& head) {
    head = http::ResponseHead{};
    storage.tidied.clear();
    if (input.empty()) return {};
    const HeadResult strict = parse_strictly(input, limits, to_head, storage, head);
    if (strict.status != HeadStatus::malformed) return strict;
    const TidyHead tidy = tidy_response_head(input, storage.tidied);
    if (tidy.kind == TidyHead::Kind::refused) return malformed(tidy.why);
    if (tidy.kind == TidyHead::Kind::need_more) {
        if (input.size() > limits.head_bytes)
            return {HeadStatus::too_large, 0, "the header is too large"};
        return {};
    }
    head = http::ResponseHead{};
    HeadResult result = parse_strictly(storage.tidied, limits, to_head, storage, head);
    if (result.status == HeadStatus::complete) result.consumed = tidy.consumed;
    return result;
}

}  // namespace larder::http
