#pragma once
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <optional>
#include <string_view>

namespace larder::net {

/// A PROXY header, version 1 (text) or 2 (binary), at the start of a connection.
struct ProxyHeader {
    enum class Kind { complete, need_more, malformed };
    Kind kind = Kind::need_more;
    std::size_t size = 0;
    std::optional<boost::asio::ip::address> source;  ///< nothing for LOCAL and UNKNOWN
};

ProxyHeader parse_proxy_header(std::string_view input);

}  // namespace larder::net
