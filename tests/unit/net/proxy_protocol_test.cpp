#include "net/proxy_protocol.hpp"

#include <doctest/doctest.h>

#include <string>

namespace larder::net {
namespace {

using Kind = ProxyHeader::Kind;

std::string version_2(char command, char family, const std::string& addresses) {
    std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
    header += static_cast<char>(0x20 | command);
    header += family;
    header += static_cast<char>(addresses.size() >> 8);
    header += static_cast<char>(addresses.size() & 255);
    return header + addresses;
}

constexpr char local = 0;
constexpr char proxied = 1;
constexpr char tcp_over_ipv4 = 0x11;
constexpr char tcp_over_ipv6 = 0x21;
const std::string ipv4_addresses("\xc0\x00\x02\x01\x0a\x00\x00\x01\x30\x39\x00\x50", 12);
const std::string ipv6_addresses = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') +
                                   "\x01" + std::string(16, '\0') + std::string(4, '\0');

std::string source_of(const ProxyHeader& header) {
    return header.source ? header.source->to_string() : "none";
}

TEST_CASE("a PROXY header names the client, and ends before the first byte of the client") {
    const std::pair<std::string, std::string> cases[] = {
        {"PROXY TCP4 192.0.2.1 10.0.0.1 12345 80\r\n", "192.0.2.1"},
        {"PROXY TCP6 2001:db8::1 ::1 12345 80\r\n", "2001:db8::1"},
        {"PROXY UNKNOWN\r\n", "none"},
        {"PROXY UNKNOWN ffff::1 ::1 1 2\r\n", "none"},
        {version_2(proxied, tcp_over_ipv4, ipv4_addresses), "192.0.2.1"},
        {version_2(proxied, tcp_over_ipv4, ipv4_addresses + "extensions"), "192.0.2.1"},
        {version_2(proxied, tcp_over_ipv6, ipv6_addresses), "2001:db8::1"},
        {version_2(local, tcp_over_ipv4, ipv4_addresses), "none"},
        {version_2(local, 0, ""), "none"},
        {version_2(proxied, tcp_over_ipv4, "short"), "none"},
        {version_2(proxied, 0x31, std::string(216, '/')), "none"},  // a Unix socket
    };
    for (const auto& [text, source] : cases) {
        CAPTURE(text);
        const ProxyHeader header = parse_proxy_header(text + "GET / HTTP/1.1\r\n");
        CHECK(header.kind == Kind::complete);
        CHECK(header.size == text.size());
        CHECK(source_of(header) == source);
        for (std::size_t size = 0; size < text.size(); ++size) {
            CAPTURE(size);
            CHECK(parse_proxy_header(text.substr(0, size)).kind == Kind::need_more);
        }
    }
}

TEST_CASE("what is no PROXY header is refused") {
    std::string version_3 = version_2(proxied, tcp_over_ipv4, ipv4_addresses);
    version_3[12] = 0x31;
    std::string unknown_command = version_2(proxied, tcp_over_ipv4, ipv4_addresses);
    unknown_command[12] = 0x22;
    for (const std::string& text :
         {std::string("GET / HTTP/1.1\r\n"), std::string("PROXYTCP4 "),
          std::string("PROXY TCP5 192.0.2.1 10.0.0.1 1 2\r\n"),
          std::string("PROXY TCP4 192.0.2.1 10.0.0.1 1\r\n"),
          std::string("PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3\r\n"),
          std::string("PROXY TCP4 192.0.2.256 10.0.0.1 1 2\r\n"),
          std::string("PROXY TCP4 2001:db8::1 ::1 1 2\r\n"),
          std::string("PROXY TCP6 192.0.2.1 10.0.0.1 1 2\r\n"),
          "PROXY TCP4 " + std::string(100, ' '), std::string("\r\n\r\nX"), version_3,
          unknown_command, version_2(proxied, tcp_over_ipv4, std::string(4096, ' '))}) {
        CAPTURE(text);
        CHECK(parse_proxy_header(text).kind == Kind::malformed);
    }
}

}  // namespace
}  // namespace larder::net
