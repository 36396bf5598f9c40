#pragma once
#include <bitset>
#include <string_view>
#include <vector>

#include "http/fields.hpp"

namespace larder::http {

/// The members of a message's Connection lines (RFC 9110, 7.6.1). Holds views into the message's
/// buffer.
class ConnectionOptions {
public:
    bool close = false;
    bool keep_alive = false;
    bool upgrade = false;

    /// Whether Connection names the field, so that the field is for this connection only. Always
    /// false for end-to-end fields (see is_end_to_end): a client must not make larder remove them.
    [[nodiscard]] bool names(std::string_view name) const { return names(field_id(name), name); }
    [[nodiscard]] bool names(const Field& field) const {
        return names_fields_ && names(field.id, field.name);
    }

private:
    friend ConnectionOptions parse_connection(const Fields& fields);
    [[nodiscard]] bool names(FieldId id, std::string_view name) const;

    bool names_fields_ = false;
    std::bitset<static_cast<std::size_t>(FieldId::count_)> known_;
    std::vector<std::string_view> others_;  ///< sorted without regard to case
};

/// Reads all Connection lines in O(n log n) for n members. Allocates only for names without an id.
ConnectionOptions parse_connection(const Fields& fields);

/// Fields that Connection cannot remove: Host, framing, credentials, cookies, caching, validators,
/// ranges, content negotiation and the forwarding fields.
bool is_end_to_end(FieldId id);

/// Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade (RFC
/// 9110, 7.6.1). ConnectionOptions::names finds the fields that Connection adds to these.
bool is_hop_by_hop(FieldId id);

/// Proxy-Authenticate, Proxy-Authorization, Proxy-Authentication-Info: a cache must not store them
/// (RFC 9111, 3.1).
bool is_proxy_specific(const Field& field);

}  // namespace larder::http
