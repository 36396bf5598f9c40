#include "http/head_lines.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace larder;
using namespace larder::http;

namespace {

/// The result of the scan as a word, with the offset of each line's end.
std::string scanned(std::string_view input) {
    std::vector<std::uint32_t> ends;
    const HeadScan scan = scan_head(input, ends);
    switch (scan.kind) {
        case HeadScan::Kind::need_more:
            return "more";
        case HeadScan::Kind::bad_byte:
            return "bad";
        case HeadScan::Kind::folded:
            return "folded";
        case HeadScan::Kind::complete:
            break;
    }
    std::string out = std::to_string(scan.size);
    for (const std::uint32_t end : ends) out += " " + std::to_string(end);
    return out;
}

std::string split(std::string_view input, std::size_t fields_max = 8) {
    std::vector<std::uint32_t> ends;
    std::vector<Field> fields;
    REQUIRE(scan_head(input, ends).kind == HeadScan::Kind::complete);
    const HeadFault fault = split_fields(input, ends, fields_max, fields);
    if (fault != HeadFault::none) return fault == HeadFault::field ? "bad" : "too many";
    std::string out;
    for (const Field& field : fields)
        out.append(field.name).append("=").append(field.value).append(";");
    return out;
}

std::string request_line(std::string_view line) {
    RequestLine out;
    switch (split_request_line(line, out)) {
        case HeadFault::none:
            return std::string(out.method) + "|" + std::string(out.target) + "|" +
                   std::to_string(out.minor_version);
        case HeadFault::method:
            return "method";
        case HeadFault::target:
            return "target";
        case HeadFault::version:
            return "version";
        default:
            return "?";
    }
}

std::string status_line(std::string_view line) {
    StatusLine out;
    switch (split_status_line(line, out)) {
        case HeadFault::none:
            return std::to_string(out.status) + "|" + std::string(out.reason) + "|" +
                   std::to_string(out.minor_version);
        case HeadFault::version:
            return "version";
        case HeadFault::status:
            return "status";
        default:
            return "?";
    }
}

}  // namespace

TEST_CASE("the end of a head and of its lines are found (RFC 9112, 2.1)") {
    CHECK(scanned("GET / HTTP/1.1\r\n\r\n") == "18 14");
    CHECK(scanned("GET / HTTP/1.1\r\nA: b\r\n\r\nrest\n\x01") == "24 14 20");
    CHECK(scanned("a\r\nb:" + std::string(100, 'x') + "\ty\r\n\r\n") == "111 1 107");
    for (const char* partial : {"", "G", "GET / HTTP/1.1", "GET / HTTP/1.1\r", "GET / HTTP/1.1\r\n",
                                "GET / HTTP/1.1\r\nA: b\r\n\r"})
        CHECK(scanned(partial) == "more");
}

TEST_CASE(
    "a head has CR and LF only as a pair, and no other control byte except HTAB (RFC 9112, 2.2)") {
    using namespace std::string_view_literals;
    for (const std::string_view bad :
         {"a\nb"sv, "a\rb"sv, "a\r\r\n"sv, "a\0b"sv, "a\x01"sv, "a\x7f"sv, "a\r\nb: c\n\r\n"sv,
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\vb"sv})
        CHECK(scanned(bad) == "bad");
    CHECK(scanned("a\r\n b\r\n\r\n") == "folded");
    CHECK(scanned("a\r\nb: c\r\n\td\r\n\r\n") == "folded");
    CHECK(scanned("a\r\nb:\tc\xff\r\n\r\n") == "12 1 8");
}

TEST_CASE(
    "a field is a token, a colon and a value without the white space around it (RFC 9112, 5)") {
    CHECK(split("x\r\nA: b\r\nC:d\r\nE:\t f g \t\r\nH:\r\n\r\n") == "A=b;C=d;E=f g;H=;");
    CHECK(split("x\r\nA: b: c\r\n\r\n") == "A=b: c;");
    CHECK(split("x\r\n\r\n").empty());
    for (const char* bad :
         {"x\r\nA : b\r\n\r\n", "x\r\n: b\r\n\r\n", "x\r\nA\r\n\r\n", "x\r\nA b: c\r\n\r\n",
          "x\r\nA(: c\r\n\r\n", "x\r\n\xc3\xa9: c\r\n\r\n"})
        CHECK(split(bad) == "bad");
    CHECK(split("x\r\nA: b\r\nC: d\r\n\r\n", 2) == "A=b;C=d;");
    CHECK(split("x\r\nA: b\r\nC: d\r\n\r\n", 1) == "too many");
}

TEST_CASE("a request line has three parts with one space between them (RFC 9112, 3)") {
    CHECK(request_line("GET /a?b HTTP/1.1") == "GET|/a?b|1");
    CHECK(request_line("M-SEARCH * HTTP/1.0") == "M-SEARCH|*|0");
    CHECK(request_line("GET /caf\xc3\xa9 HTTP/1.1") == "GET|/caf\xc3\xa9|1");
    for (const char* bad : {"", " GET / HTTP/1.1", "GET", "G(T / HTTP/1.1", "GET\t/ HTTP/1.1"})
        CHECK(request_line(bad) == "method");
    for (const char* bad : {"GET  / HTTP/1.1", "GET /", "GET /\tHTTP/1.1", "GET "})
        CHECK(request_line(bad) == "target");
    CHECK(request_line("GET / HTTP/1.2") == "GET|/|1");  // RFC 9110, 2.5
    for (const char* bad : {"GET / HTTP/2.0", "GET / http/1.1", "GET / HTTP/1.1 ",
                            "GET /  HTTP/1.1", "GET / x HTTP/1.1", "GET / HTTP/1.10"})
        CHECK(request_line(bad) == "version");
}

TEST_CASE("a status line has a version, three digits and a reason (RFC 9112, 4)") {
    CHECK(status_line("HTTP/1.1 200 OK") == "200|OK|1");
    CHECK(status_line("HTTP/1.0 999 ") == "999||0");
    CHECK(status_line("HTTP/1.1 404 Not  Found ") == "404|Not  Found |1");
    for (const char* bad : {"", "HTTP/1.1", "HTTP/1.2 200 OK", "HTTP/2 200 OK", "ICY 200 OK"})
        CHECK(status_line(bad) == (std::string_view(bad) == "HTTP/1.1" ? "status" : "version"));
    for (const char* bad :
         {"HTTP/1.1 200", "HTTP/1.1  200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK",
          "HTTP/1.1 2x0 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 -20 OK"})
        CHECK(status_line(bad) == "status");
}

TEST_CASE("fields are found and joined by their id") {
    const std::vector<Field> lines{
        {"Host", "a", FieldId::host}, {"X", "b", FieldId::other}, {"host", "c", FieldId::host}};
    const Fields fields(lines);
    CHECK(fields.has(FieldId::host));
    CHECK(fields.has_any(FieldId::cookie, FieldId::host));
    CHECK_FALSE(fields.has_any(FieldId::cookie, FieldId::range));
    CHECK(fields.first(FieldId::host) == lines.data());
    CHECK(fields.first(FieldId::cookie) == nullptr);
    CHECK(fields.count(FieldId::host) == 2);
    CHECK(fields.joined(FieldId::host) == "a, c");
    CHECK(fields.joined(FieldId::cookie) == std::nullopt);
    CHECK_FALSE(Fields().has(FieldId::other));
}
