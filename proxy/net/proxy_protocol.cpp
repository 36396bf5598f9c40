#include "net/proxy_protocol.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace larder::net {
namespace {

using Kind = ProxyHeader::Kind;

constexpr std::string_view signature_v2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t line_bytes_max = 107;

ProxyHeader parse_v1(std::string_view input) {
    const std::size_t end = input.substr(0, line_bytes_max).find("\r\n");
    if (end == std::string_view::npos)
        return {input.size() < line_bytes_max ? Kind::need_more : Kind::malformed, 0, {}};
    std::string_view line = input.substr(6, end - 6);
    ProxyHeader header{Kind::complete, end + 2, {}};
    if (line.starts_with("UNKNOWN")) return header;
    if (!line.starts_with("TCP4 ") && !line.starts_with("TCP6 ")) return {Kind::malformed, 0, {}};
    const bool is_v6 = line[3] == '6';
    line.remove_prefix(5);
    boost::system::error_code error;
    const auto source =
        boost::asio::ip::make_address(std::string(line.substr(0, line.find(' '))), error);
    if (error || source.is_v6() != is_v6 || std::count(line.begin(), line.end(), ' ') != 3)
        return {Kind::malformed, 0, {}};
    header.source = source;
    return header;
}

ProxyHeader parse_v2(std::string_view input) {
    if (input.size() < 16) return {};
    const auto byte = [input](std::size_t i) { return static_cast<unsigned char>(input[i]); };
    const std::size_t size = 16u + (static_cast<std::size_t>(byte(14)) << 8 | byte(15));
    const unsigned command = byte(12) & 15u;
    if (byte(12) >> 4 != 2 || command > 1 || size > 4096) return {Kind::malformed, 0, {}};
    if (input.size() < size) return {};
    ProxyHeader header{Kind::complete, size, {}};
    if (command == 0) return header;  // LOCAL: the proxy's own health check
    if (byte(13) >> 4 == 1 && size >= 16 + 12) {
        boost::asio::ip::address_v4::bytes_type bytes;
        std::copy_n(input.data() + 16, bytes.size(), reinterpret_cast<char*>(bytes.data()));
        header.source = boost::asio::ip::address_v4(bytes);
    } else if (byte(13) >> 4 == 2 && size >= 16 + 36) {
        boost::asio::ip::address_v6::bytes_type bytes;
        std::copy_n(input.data() + 16, bytes.size(), reinterpret_cast<char*>(bytes.data()));
        header.source = boost::asio::ip::address_v6(bytes);
    }
    return header;
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view input) {
    const std::string_view start_v1("PROXY ");
    if (input.starts_with(start_v1)) return parse_v1(input);
    if (input.starts_with(signature_v2)) return parse_v2(input);
    if (start_v1.starts_with(input) || signature_v2.starts_with(input)) return {};
    return {Kind::malformed, 0, {}};
}

}  // namespace larder::net
