#include "flow/client_address.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "http/lists.hpp"
#include "http/target_uri.hpp"

namespace larder::flow {
namespace {

using boost::asio::ip::address;
using http::FieldId;

constexpr std::array fields_of_address{FieldId::x_forwarded_for, FieldId::forwarded,
                                       FieldId::x_real_ip};

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80" (RFC 7239, 6).
std::optional<address> parse_node(std::string_view text) {
    std::string_view host = text;
    if (text.starts_with('[')) {
        host = text.substr(1, text.find(']') - 1);
    } else if (text.find(':') == text.rfind(':')) {
        host = text.substr(0, text.find(':'));
    }
    boost::system::error_code error;
    const address parsed = boost::asio::ip::make_address(std::string(host), error);
    if (error) return std::nullopt;
    return parsed;
}

// The nodes that the field names, the farthest first.
std::vector<std::string_view> nodes_of(std::string_view value, FieldId id) {
    std::vector<std::string_view> nodes;
    http::for_each_member(value, [&](std::string_view member) {
        nodes.push_back(id == FieldId::forwarded ? http::forwarded_parameter(member, "for")
                                                 : member);
    });
    return nodes;
}

}  // namespace

ToldAddress told_address(const http::Fields& fields, FieldId id, const address& peer,
                         const net::Networks& trusted) {
    ToldAddress told{peer};
    const std::string value = fields.joined(id).value_or(std::string());
    const std::vector<std::string_view> nodes = nodes_of(value, id);
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
        const std::optional<address> next = parse_node(*node);
        told.is_known = next.has_value();
        if (!next) break;
        told.address = *next;
        if (!trusted.contains(*next)) break;
    }
    return told;
}

address believed_address(const Client& client) {
    const http::RequestHead& request = client.request();
    if (!request.peer_trusted) return client.peer;
    for (const FieldId id : fields_of_address)
        if (request.fields.has(id))
            return told_address(request.fields, id, client.peer, client.config->trusted_proxies)
                .address;
    return client.peer;
}

bool comes_from(const Client& client, const net::Networks& allowed) {
    const http::RequestHead& request = client.request();
    const net::Networks& trusted = client.config->trusted_proxies;
    bool told = false;
    for (const FieldId id : fields_of_address) {
        if (!request.peer_trusted || !request.fields.has(id)) continue;
        const ToldAddress from = told_address(request.fields, id, client.peer, trusted);
        // The peer may have named the proxy in front of it, which the lists name too.
        if (told && id == FieldId::x_real_ip && trusted.contains(from.address)) continue;
        if (!from.is_known || !allowed.contains(from.address)) return false;
        told = true;
    }
    return told || allowed.contains(client.peer);
}

}  // namespace larder::flow
