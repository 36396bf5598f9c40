#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "http/fields.hpp"

/// Request fields by which a sender claims something about the request that the message itself says otherwise: who sent it, by
/// which scheme, to which host, and what it asks for. Known frameworks, servers and platforms believe them, so what a
/// client writes there must reach neither a shared entry nor, where only a proxy may say it, the origin.
namespace larder::http {

enum class Claim : std::uint8_t {
    none,
    address,   ///< the client's address
    scheme,    ///< http or https
    host,      ///< the host that was asked
    port,      ///< the port that was asked
    proxy,     ///< facts of the connection to a proxy that change no answer
    path,      ///< the target that was asked, or where the application is mounted
    method,    ///< the method that is meant
    identity,  ///< who the user is, or the client's certificate
    unknown,   ///< X-Forwarded-*, with a name that is not in the table: somebody may read it
};

/// One of the table's names, in lower case with hyphens.
struct KnownClaim {
    std::string_view name;
    Claim claim;
    std::string_view read_by;  ///< one of those who believe it
};

/// All names of the table. X-Forwarded-* that are not in it are claims too.
std::span<const KnownClaim> known_claims();

/// What the field claims. Underscores count as hyphens: CGI-like interfaces (WSGI, Rack, PHP) cannot tell them apart.
/// Runs for each field of each request: most names end at one look at first letter and length. Allocates nothing.
Claim claim_of(const Field& field);

/// Whether the name, underscores taken as hyphens, begins with x-forwarded-.
bool is_x_forwarded(std::string_view name);

/// Whether the origin does not get to see the field. Only a trusted peer may send X-Forwarded-* and Forwarded, and claim an
/// address, scheme, host or port; even such a peer only in the usual spelling, not with underscores. What a client may ask
/// for (path, method) or be (identity) is passed on: its answer then is no shared one (cache::request_bypass).
bool is_dropped(const Field& field, bool peer_trusted);

}  // namespace larder::http
