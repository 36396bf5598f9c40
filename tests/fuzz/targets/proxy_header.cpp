#include "fuzz/fuzz.hpp"
#include "net/proxy_protocol.hpp"

namespace larder::fuzz {

using Kind = net::ProxyHeader::Kind;

// The start of a connection as it arrives byte by byte: a verdict, once given, stands.
void proxy_header(std::string_view input) {
    const net::ProxyHeader whole = net::parse_proxy_header(input);
    require(whole.kind != Kind::complete || (whole.size > 0 && whole.size <= input.size()),
            "a header ends within its input");
    const std::size_t longest = std::min<std::size_t>(input.size(), 256);
    for (std::size_t size = 0; size <= longest; ++size) {
        const net::ProxyHeader part = net::parse_proxy_header(input.substr(0, size));
        if (part.kind == Kind::need_more) continue;
        require(part.kind == whole.kind && part.size == whole.size && part.source == whole.source,
                "more bytes change no verdict");
        return;
    }
}

}  // namespace larder::fuzz
