#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/stored_response.hpp"
#include "http/message.hpp"
#include "settings/settings.hpp"

/// Stored responses in content codings that larder made itself (`compress`).
namespace larder::cache {

/// The token of Content-Encoding.
std::string_view to_token(settings::Coding coding);

/// Whether larder may compress a response with these fields: a 200 of a text type, without a
/// content coding and without no-transform. `length`: of its body, where it is known; a body below
/// 1 KB is not worth it.
bool may_be_coded(const StoredResponse& entry);
bool may_be_coded(int status, const http::Fields& fields, std::optional<std::uint64_t> length);

/// The entry in a coding: `body` is its body coded. Content-Encoding, Content-Length and a strong
/// ETag are the form's own (RFC 9110, 8.8.3.3).
Stored coded_form(const StoredResponse& entry, settings::Coding coding, std::string body);

/// The same entry with coded forms.
Stored with_coded_forms(const StoredResponse& entry, std::vector<Stored> forms);

/// The value of an If-Match, with the tags of the uncoded forms behind those of coded ones: the
/// origin knows only its own tag, and a client that has the coded form has that representation.
std::string with_uncoded_tags(std::string_view if_match);

/// The form of the entry that the request gets: a coded one that it accepts, or the entry itself. A
/// request with a Range always gets the entry itself.
const StoredResponse& form_for(const http::RequestHead& request, const StoredResponse& entry);

/// Counts a hit. True at the second one.
bool count_hit(const StoredResponse& entry);

}  // namespace larder::cache
