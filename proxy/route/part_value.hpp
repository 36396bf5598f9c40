#pragma once
#include <string>

#include "http/message.hpp"
#include "route/parameters.hpp"
#include "route/route_table.hpp"
#include "route/template.hpp"

namespace larder::route {

/// What stands for a value that is not shown.
inline constexpr std::string_view masked_value = "***";

/// Where the values of placeholders come from. `response` and `json` may be null.
struct ValueSource {
    const Captures& captures;
    const http::RequestHead& request;
    const Parameters& parameters;  ///< parsed with the names of the part's own template
    const http::ResponseHead* response = nullptr;
    const JsonLookup* json = nullptr;
    Secrets secrets = Secrets::shown;
};

/// Appends a placeholder's value as keys hold it (or its SHA-256). An absent one gives its default,
/// or nothing; false only where a {json:} or {response:} placeholder has no value and no default,
/// which a caller must not take for an empty one.
///
/// Several values of one name are joined by ',', which no value holds. The SHA-256 is that of the
/// decoded value; where that would make two values one (see append_decoded) it is that of the
/// encoded one, with a '!' behind it.
bool append_part(std::string& out, const Part& part, const ValueSource& from);

}  // namespace larder::route
