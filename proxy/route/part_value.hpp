#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "http/canonical_json.hpp"
#include "http/message.hpp"
#include "route/parameters.hpp"
#include "route/route_table.hpp"
#include "route/template.hpp"

namespace larder::route {

/// Stands in place of a value that is not shown.
inline constexpr std::string_view masked_value = "***";

/// Where the values of placeholders come from. `response` and `json` may be null.
/// A request's body as JSON, which is parsed once, where a part asks for it.
class BodyJson {
public:
    /// The body must outlive the object.
    explicit BodyJson(std::string_view body) : body_(body) {}
    /// Null: it is no JSON that means the same to every reader.
    [[nodiscard]] const http::CanonicalJson* get() {
        if (!is_parsed_) json_ = http::CanonicalJson::parse(body_);
        is_parsed_ = true;
        return json_ ? &*json_ : nullptr;
    }

private:
    std::string_view body_;
    bool is_parsed_ = false;
    std::optional<http::CanonicalJson> json_;
};

struct ValueSource {
    const Captures& captures;
    const http::RequestHead& request;
    const Parameters& parameters;  ///< parsed with the names of the part's own template
    const http::ResponseHead* response = nullptr;
    const JsonLookup* json = nullptr;
    Secrets secrets = Secrets::shown;
    BodyJson* body = nullptr;  ///< of the request; null: each part that asks for it parses it
};

/// Appends a placeholder's value as keys hold it (or its SHA-256). Where the value is absent,
/// appends the default, or nothing. False only where a {json:} or {response:} placeholder has no
/// value and no default; the caller must not treat that as an empty value.
///
/// Several values of one name are joined by ',', which no value holds. The SHA-256 is that of the
/// decoded value. Where two different values could have the same decoded form (see append_decoded),
/// it is that of the encoded value, followed by '!'.
bool append_part(std::string& out, const Part& part, const ValueSource& from);

}  // namespace larder::route
