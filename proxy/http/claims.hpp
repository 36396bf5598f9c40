#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "http/fields.hpp"

/// Request fields by which a sender claims something about the request that the message itself says
/// otherwise: who sent it, by which scheme, to which host, and what it asks for. Known frameworks,
/// servers and platforms believe them, so what a client writes there must reach neither a shared
/// entry nor, where only a proxy may say it, the origin.
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

/// What the field claims. Underscores count as hyphens: CGI-like interfaces (WSGI, Rack, PHP)
/// cannot tell them apart. Allocates nothing. Ask may_claim first where it runs for each field of
/// each request.
Claim claim_of(const Field& field);

/// By first letter, a bit for each length that a claim's name may have; the last stands for all
/// from 63 bytes on.
extern const std::array<std::uint64_t, 26> claim_lengths;

/// Which ids claim_of knows something about.
inline constexpr auto claiming_ids = [] {
    std::array<bool, static_cast<std::size_t>(FieldId::count_)> ids{};
    for (const FieldId id :
         {FieldId::forwarded, FieldId::x_forwarded_for, FieldId::x_forwarded_host,
          FieldId::x_forwarded_port, FieldId::x_forwarded_proto, FieldId::x_http_method_override,
          FieldId::x_original_url, FieldId::x_real_ip, FieldId::x_rewrite_url})
        ids[static_cast<std::size_t>(id)] = true;
    return ids;
}();

/// False of nearly all fields that claim nothing, at the cost of one look at first letter and
/// length.
inline bool may_claim(const Field& field) {
    if (field.id != FieldId::other) return claiming_ids[static_cast<std::size_t>(field.id)];
    if (field.name.empty()) return false;
    const auto letter = static_cast<unsigned char>((field.name.front() | 0x20) - 'a');
    return letter < claim_lengths.size() &&
           (claim_lengths[letter] >> std::min<std::size_t>(field.name.size(), 63) & 1) != 0;
}

/// Whether the name, underscores taken as hyphens, begins with x-forwarded-.
bool is_x_forwarded(std::string_view name);

/// Whether the origin does not get to see the field. Only a trusted peer may send X-Forwarded-* and
/// Forwarded, and claim an address, scheme, host or port; even such a peer only in the usual
/// spelling, not with underscores. What a client may ask for (path, method) or be (identity) is
/// passed on: its answer then is no shared one (cache::request_bypass).
bool is_dropped(const Field& field, bool peer_trusted);

}  // namespace larder::http
