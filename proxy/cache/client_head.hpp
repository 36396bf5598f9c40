#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "cache/stored_response.hpp"
#include "http/fields.hpp"
#include "settings/settings.hpp"

/// Fields that clients get in place of the origin's: `client_cache_control` and `etag: on`. They
/// are in the stored head, so that a hit sends it as it is. The origin's own fields stay beside it,
/// since freshness and validation use them.
namespace larder::cache {

/// Rewrites a new entry's head by the route's options. Its body and its indexed fields must be set
/// before.
void rewrite_for_clients(Draft& draft, const settings::Route& rule);

/// The same for the head of a response that is passed on while it is stored: status line and field
/// lines with CRLF each. No ETag: the body is not known yet.
std::string lines_for_clients(std::string_view lines, const settings::Route& rule);

/// Keeps the lines of the origin that decide about the entry but are left out of its head, by
/// `strip` or by the origin (`private="vary"`): a later 304 need not repeat them. After
/// rewrite_for_clients.
void note_left_out(Draft& draft, const http::Fields& origin, const std::vector<std::string>& omit,
                   const std::vector<std::string>& strip);

/// Whether clients get no Age, because their Cache-Control does not count from the origin's
/// response.
inline bool hides_age(const settings::Route& rule) { return !rule.client_cache_control.empty(); }

/// The field lines that the origin sent, as views into the entry.
void origin_fields(const StoredResponse& entry, std::vector<http::Field>& fields);

/// The ETag that the origin sent; empty: none.
std::string_view origin_etag(const StoredResponse& entry);

}  // namespace larder::cache
