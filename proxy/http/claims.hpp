#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "http/fields.hpp"

/// Request fields that make a claim about the request: its client, scheme, host, path, method or
/// user. Frameworks, servers and platforms believe these fields before the message itself. A
/// response that depends on a client's claim must not be shared, and a claim that only a proxy may
/// make must not reach the origin from a client.
namespace larder::http {

enum class Claim : std::uint8_t {
    none,
    address,   ///< the client's address
    scheme,    ///< http or https
    host,      ///< the host the client asked for
    port,      ///< the port the client asked for
    proxy,     ///< facts about the connection to a proxy; they do not change the response
    path,      ///< the target the client asked for, or the prefix of the application
    method,    ///< the method that replaces the one of the request line
    identity,  ///< the user, or the client's certificate
    unknown,   ///< X-Forwarded-* with a name that is not in the table: an origin may believe it
};

/// One row of the table. Names are in lower case with hyphens.
struct KnownClaim {
    std::string_view name;
    Claim claim;
    std::string_view read_by;  ///< examples of software that believes the field
};

/// The whole table. X-Forwarded-* fields that are not in the table are claims too.
std::span<const KnownClaim> known_claims();

/// What the field claims. Underscores count as hyphens, because CGI-like interfaces (WSGI, Rack,
/// PHP) cannot tell them apart. Allocates nothing. On the path of every request call may_claim
/// first, which is cheaper.
Claim claim_of(const Field& field);

/// For each first letter, a bit for each length of a claim's name. The last bit stands for all
/// lengths from 63 bytes on.
extern const std::array<std::uint64_t, 26> claim_lengths;

/// The ids of fields that make a claim.
inline constexpr auto claiming_ids = [] {
    std::array<bool, static_cast<std::size_t>(FieldId::count_)> ids{};
    for (const FieldId id :
         {FieldId::forwarded, FieldId::x_forwarded_for, FieldId::x_forwarded_host,
          FieldId::x_forwarded_port, FieldId::x_forwarded_proto, FieldId::x_http_method_override,
          FieldId::x_original_url, FieldId::x_real_ip, FieldId::x_rewrite_url})
        ids[static_cast<std::size_t>(id)] = true;
    return ids;
}();

/// A cheap filter before claim_of, by first letter and length. False means that the field makes no
/// claim; true, that it may.
inline bool may_claim(const Field& field) {
    if (field.id != FieldId::other) return claiming_ids[static_cast<std::size_t>(field.id)];
    if (field.name.empty()) return false;
    const auto letter = static_cast<unsigned char>((field.name.front() | 0x20) - 'a');
    return letter < claim_lengths.size() &&
           (claim_lengths[letter] >> std::min<std::size_t>(field.name.size(), 63) & 1) != 0;
}

/// Whether CGI-like interfaces take the two for the same field's name.
constexpr bool is_same_name(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    const auto plain = [](char c) { return c == '_' ? '-' : to_lower(c); };
    for (std::size_t i = 0; i < a.size(); ++i)
        if (plain(a[i]) != plain(b[i])) return false;
    return true;
}

/// Whether the line is another spelling of the name, which CGI-like interfaces take for it.
constexpr bool is_alias(const Field& line, std::string_view name) {
    return is_same_name(line.name, name) && !iequals(line.name, name);
}

/// Whether the name begins with x-forwarded-. Underscores count as hyphens.
bool is_x_forwarded(std::string_view name);

/// Whether larder removes the field before the request goes to the origin. Only a trusted peer may
/// send X-Forwarded-* and Forwarded, and claim an address, scheme, host or port; the spelling with
/// underscores is removed even then. Claims of a path, a method or an identity are passed on, but
/// the response is not shared (cache::request_bypass).
bool is_dropped(const Field& field, bool peer_trusted);

}  // namespace larder::http
