#include <doctest/doctest.h>

#include <string>

#include "http/head_parser.hpp"
#include "http/tidy_head.hpp"

namespace larder::http {
namespace {

using http::Framing;

struct Parsed {
    HeadResult result;
    std::string text;  ///< the lines of the parsed head, each followed by '|'
    http::ResponseHead head;
};

Parsed parse(std::string_view input, HeadStorage& storage) {
    Parsed out;
    out.result = parse_response_head(input, {4096, 32, 0}, false, storage, out.head);
    if (out.result.status != HeadStatus::complete) return out;
    out.text = std::to_string(out.head.status) + " " + std::string(out.head.reason) + "|";
    for (const http::Field& field : out.head.fields)
        out.text.append(field.name).append(": ").append(field.value).append("|");
    return out;
}

// More bytes must not change a result, and bytes after the head must not be consumed.
void check_any_cut(std::string_view input, const Parsed& whole) {
    HeadStorage storage;
    for (std::size_t size = 0; size < input.size(); ++size) {
        const Parsed part = parse(input.substr(0, size), storage);
        if (part.result.status == HeadStatus::need_more) continue;
        CAPTURE(size);
        CHECK(part.result.status == whole.result.status);
        CHECK(part.result.consumed == whole.result.consumed);
    }
}

struct Row {
    const char* what;
    std::string_view input;
    const char* text;
};

TEST_CASE("an unambiguous but lax head of an origin is read like a clean one") {
    constexpr auto two = "200 OK|X: a|Content-Length: 2|";
    for (const Row& row : {
             Row{"clean", "HTTP/1.1 200 OK\r\nX: a\r\nContent-Length: 2\r\n\r\n", two},
             {"no reason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n", "200 |Content-Length: 2|"},
             {"no space behind the status", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n",
              "200 |Content-Length: 2|"},
             {"two spaces before the status",
              "HTTP/1.1  200 OK\r\nX: a\r\nContent-Length: 2\r\n\r\n", two},
             {"a tab in the reason", "HTTP/1.1 200 O\tK\r\nContent-Length: 2\r\n\r\n",
              "200 O\tK|Content-Length: 2|"},
             {"obs-text in the reason", "HTTP/1.1 200 \xe9\r\nContent-Length: 2\r\n\r\n",
              "200 \xe9|Content-Length: 2|"},
             {"LF in all lines", "HTTP/1.1 200 OK\nX: a\nContent-Length: 2\n\n", two},
             {"LF behind the status line", "HTTP/1.1 200 OK\nX: a\r\nContent-Length: 2\r\n\r\n",
              two},
             {"LF behind a field", "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\r\n", two},
             {"LF for the empty line", "HTTP/1.1 200 OK\r\nX: a\r\nContent-Length: 2\r\n\n", two},
             {"LF before the empty line", "HTTP/1.1 200 OK\r\nX: a\r\nContent-Length: 2\n\r\n",
              two},
             {"LF and no reason", "HTTP/1.1 200\n\n", "200 |"},
             {"600", "HTTP/1.1 600 Odd\r\n\r\n", "600 Odd|"},
             {"999", "HTTP/1.1 999\nX: a\n\n", "999 |X: a|"},
             {"HTTP/1.2", "HTTP/1.2 200 OK\r\nX: a\r\nContent-Length: 2\r\n\r\n", two},
             {"two equal lengths",
              "HTTP/1.1 200 OK\r\nX: a\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\n", two},
             {"a list of equal lengths", "HTTP/1.1 200 OK\r\nX: a\r\nContent-Length: 2, 2\r\n\r\n",
              two},
             {"the same with tabs", "HTTP/1.1 200 OK\r\nX: a\r\nContent-Length: \t2\t,2 ,2\r\n\r\n",
              two},
             {"fields and lists",
              "HTTP/1.1 200 OK\r\nContent-Length: 2,2\r\nX: a\r\nContent-Length: 02\r\n\r\n",
              "200 OK|Content-Length: 2|X: a|"},
             {"leading zeros", "HTTP/1.1 200 OK\r\nX: a\r\nContent-Length: 002\r\n\r\n", two},
             {"blanks behind a length", "HTTP/1.1 200 OK\r\nX: a\r\nContent-Length: 2 \t \r\n\r\n",
              two},
             {"a zero", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
              "200 OK|Content-Length: 0|"},
             {"an odd interim status", "HTTP/1.1 199\r\nX: a\r\n\r\n", "199 |X: a|"},
         }) {
        CAPTURE(row.what);
        HeadStorage storage;
        const std::string input = std::string(row.input) + "ok";
        const Parsed parsed = parse(input, storage);
        CHECK(parsed.result.status == HeadStatus::complete);
        CHECK(parsed.result.consumed == row.input.size());
        CHECK(parsed.text == row.text);
        check_any_cut(input, parsed);
    }
}

TEST_CASE("an ambiguous or malformed head of an origin is refused") {
    for (const Row& row : {
             Row{"an empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", "not an HTTP/1 response"},
             {"an LF first", "\nHTTP/1.1 200 OK\r\n\r\n", "not an HTTP/1 response"},
             {"lower case", "http/1.1 200 OK\r\n\r\n", "not an HTTP/1 response"},
             {"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", "not an HTTP/1 response"},
             {"HTTP/1.10", "HTTP/1.10 200 OK\r\n\r\n", "bad HTTP version"},
             {"a tab behind the version", "HTTP/1.1\t200 OK\r\n\r\n", "bad HTTP version"},
             {"a tab behind the status", "HTTP/1.1 200\tOK\r\n\r\n", "bad status code"},
             {"two digits", "HTTP/1.1 20 OK\r\n\r\n", "bad status code"},
             {"four digits", "HTTP/1.1 2000 OK\r\n\r\n", "bad status code"},
             {"a sub-status", "HTTP/1.1 403.1 No\r\n\r\n", "bad status code"},
             {"a sign", "HTTP/1.1 +200 OK\r\n\r\n", "bad status code"},
             {"status 099", "HTTP/1.1 099 OK\r\n\r\n", "bad status code"},
             {"no status", "HTTP/1.1\r\n\r\n", "bad HTTP version"},
             {"obs-fold", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "folded header field"},
             {"obs-fold behind LF", "HTTP/1.1 200 OK\nX: a\n\tb\n\n", "folded header field"},
             {"a blank before the colon", "HTTP/1.1 200 OK\r\nX : a\r\n\r\n", "bad header field"},
             {"the same of a length", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n",
              "bad header field"},
             {"no colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", "bad header field"},
             {"no name", "HTTP/1.1 200 OK\r\n: a\r\n\r\n", "bad header field"},
             {"a name with a blank", "HTTP/1.1 200 OK\r\nX y: a\r\n\r\n", "bad header field"},
             {"a name that is no token", "HTTP/1.1 200 OK\nX(y): a\n\n", "bad header field"},
             {"CR in a value", "HTTP/1.1 200 OK\r\nX: a\rY: b\r\n\r\n", "bad byte in the header"},
             {"CR CR LF", "HTTP/1.1 200 OK\r\nX: a\r\r\n\r\n", "bad byte in the header"},
             {"NUL", std::string_view("HTTP/1.1 200 OK\nX: a\0b\n\n", 24),
              "bad byte in the header"},
             {"a control", "HTTP/1.1 200 OK\r\nX: a\x01\r\n\r\n", "bad byte in the header"},
             {"DEL", "HTTP/1.1 200 OK\r\nX: a\x7f\r\n\r\n", "bad byte in the header"},
             {"different lengths", "HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 3\n\n",
              "several Content-Length fields"},
             {"a list of different lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n",
              "bad Content-Length"},
             {"a list with nothing in it", "HTTP/1.1 200 OK\r\nContent-Length: 2,\r\n\r\n",
              "bad Content-Length"},
             {"a signed length", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n",
              "bad Content-Length"},
             {"no length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "bad Content-Length"},
             {"a hexadecimal length", "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n",
              "bad Content-Length"},
             {"a length of 2^63", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n",
              "bad Content-Length"},
             {"a length beside chunks",
              "HTTP/1.1 200 OK\nContent-Length: 2\nTransfer-Encoding: chunked\n\n",
              "Content-Length beside Transfer-Encoding"},
             {"two codings",
              "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n",
              "several Transfer-Encoding fields"},
             {"chunks in HTTP/1.0", "HTTP/1.0 200\nTransfer-Encoding: chunked\n\n",
              "Transfer-Encoding in HTTP/1.0"},
         }) {
        CAPTURE(row.what);
        HeadStorage storage;
        const std::string input = std::string(row.input) + "ok";
        const Parsed parsed = parse(input, storage);
        CHECK(parsed.result.status == HeadStatus::malformed);
        CHECK(std::string(parsed.result.why) == row.text);
        check_any_cut(input, parsed);
    }
}

TEST_CASE("a lax head has the same limits as a clean one") {
    HeadStorage storage;
    const std::string large = "HTTP/1.1 200\nX: " + std::string(5000, 'a');
    CHECK(parse(large, storage).result.status == HeadStatus::too_large);
    CHECK(parse(large + "\n\n", storage).result.status == HeadStatus::too_large);
    std::string many = "HTTP/1.1 200\n";
    for (int i = 0; i < 40; ++i) many += "X: a\n";
    CHECK(parse(many + "\n", storage).result.status == HeadStatus::too_large);
}

TEST_CASE("a clean head is not rewritten") {
    HeadStorage storage;
    const std::string input = "HTTP/1.1 200 OK\r\nX: a\r\nContent-Length: 10\r\n\r\n";
    const Parsed parsed = parse(input, storage);
    CHECK(storage.tidied.empty());
    CHECK(parsed.head.fields.first(http::FieldId::content_length)->value.data() > input.data());
    CHECK(parsed.head.fields.first(http::FieldId::content_length)->value.data() <
          input.data() + input.size());
    parse("HTTP/1.1 200\r\n\r\n", storage);
    CHECK(storage.tidied == "HTTP/1.1 200 \r\n\r\n");
}

TEST_CASE("a lax head of a request is refused") {
    for (std::string_view input : {
             "GET / HTTP/1.1\nHost: a\n\n",
             "GET / HTTP/1.1\r\nHost: a\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\n",
         }) {
        CAPTURE(input);
        HeadStorage storage;
        http::RequestHead head;
        CHECK(parse_request_head(input, {}, storage, head).status == HeadStatus::malformed);
    }
}

}  // namespace
}  // namespace larder::http
