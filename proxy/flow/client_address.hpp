#pragma once
#include <boost/asio/ip/address.hpp>
#include <string_view>

#include "flow/client.hpp"

/// Where a request came from. Trusted peers tell it in X-Forwarded-For, Forwarded (RFC 7239) or
/// X-Real-IP; of others the address of the connection counts.
namespace larder::flow {

/// What one field tells.
struct ToldAddress {
    boost::asio::ip::address address;  ///< the client's, or of the last peer whose address is known
    bool is_known = true;  ///< false: the client has no address there ("unknown", a made-up name)
};

/// What the field of a trusted peer tells: the last address in front of which all are trusted.
/// `peer` is the nearest. Ports and brackets are left out. Precondition: the id is one of the
/// three fields.
ToldAddress told_address(const http::Fields& fields, http::FieldId id,
                         const boost::asio::ip::address& peer, const net::Networks& trusted);

/// The client's address, for people: by the first of the three fields that is there.
boost::asio::ip::address believed_address(const Client& client);

/// Whether the client may do what is allowed from these addresses. Proxies pass on the fields that
/// they do not know, so every one of the three that is there has to name an allowed address.
bool comes_from(const Client& client, const net::Networks& allowed);

}  // namespace larder::flow
