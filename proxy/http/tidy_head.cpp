#include "http/tidy_head.hpp"

#include <cstdint>
#include <optional>

#include "base/text.hpp"

namespace larder::http {
namespace {

TidyHead refused(const char* why) { return {TidyHead::Kind::refused, 0, why}; }

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

// Removes a line with its LF or CRLF from the front. Precondition: `rest` has an LF.
std::string_view take_line(std::string_view& rest) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

// Finds the end of the head, which is its first empty line.
TidyHead find_end(std::string_view input) {
    std::size_t line = 0;
    for (std::size_t at = 0; at < input.size(); ++at) {
        const char c = input[at];
        if (c == '\r') {
            if (at + 1 == input.size()) break;
            if (input[at + 1] != '\n') return refused("bad byte in the header");
            continue;
        }
        if (c != '\n') {
            if (is_control(c)) return refused("bad byte in the header");
            const bool folds = at == line && line > 0 && (c == ' ' || c == '\t');
            if (folds) return refused("folded header field");
            continue;
        }
        const bool is_empty = at == line || (at == line + 1 && input[line] == '\r');
        if (is_empty && line == 0) return refused("not an HTTP/1 response");
        if (is_empty) return {TidyHead::Kind::complete, at + 1, ""};
        line = at + 1;
    }
    return {};
}

const char* add_status_line(std::string_view line, std::string& out) {
    constexpr std::string_view protocol = "HTTP/1.";
    if (!line.starts_with(protocol)) return "not an HTTP/1 response";
    line.remove_prefix(protocol.size());
    if (line.size() < 2 || !is_digit(line[0]) || line[1] != ' ') return "bad HTTP version";
    const char minor = line[0] == '0' ? '0' : '1';
    line.remove_prefix(2);
    while (line.starts_with(' ')) line.remove_prefix(1);
    const std::string_view status = line.substr(0, 3);
    line.remove_prefix(status.size());
    const bool has_digits = status.size() == 3 && parse_decimal(status).has_value();
    if (!has_digits || (!line.empty() && line[0] != ' ')) return "bad status code";
    out.append(protocol).append(1, minor).append(" ").append(status).append(" ");
    out.append(trim_ows(line)).append("\r\n");
    return nullptr;
}

// The value of Content-Length: one number or a list of equal ones. std::nullopt if it is invalid.
std::optional<std::uint64_t> length_of(std::string_view value) {
    std::optional<std::uint64_t> length;
    while (true) {
        const std::size_t comma = value.find(',');
        const auto one = parse_decimal(trim_ows(value.substr(0, comma)));
        if (!one || *one > INT64_MAX || (length && *length != *one)) return std::nullopt;
        length = one;
        if (comma == std::string_view::npos) return length;
        value.remove_prefix(comma + 1);
    }
}

}  // namespace

TidyHead tidy_response_head(std::string_view input, std::string& out) {
    const TidyHead end = find_end(input);
    if (end.kind != TidyHead::Kind::complete) return end;
    std::string_view rest = input.substr(0, end.consumed);
    std::string clean;
    clean.reserve(rest.size() + 64);
    const char* fault = add_status_line(take_line(rest), clean);
    if (fault) return refused(fault);
    std::optional<std::uint64_t> length;
    while (true) {
        const std::string_view line = take_line(rest);
        if (line.empty()) break;
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) return refused("bad header field");
        const std::string_view name = line.substr(0, colon);
        if (!iequals(name, "content-length")) {
            clean.append(line).append("\r\n");
            continue;
        }
        const auto value = length_of(line.substr(colon + 1));
        if (!value) return refused("bad Content-Length");
        if (length && *length != *value) return refused("several Content-Length fields");
        if (!length) {
            clean.append(name).append(": ");
            append_decimal(clean, static_cast<std::int64_t>(*value));
            clean.append("\r\n");
        }
        length = value;
    }
    clean.append("\r\n");
    out = std::move(clean);
    return end;
}

}  // namespace larder::http
