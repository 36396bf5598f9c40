#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/fields.hpp"
#include "route/path_rule.hpp"

/// The texts of `key`, `purge` and `tags` with their placeholders, taken apart.
namespace larder::route {

struct Part {
    enum class Kind : std::uint8_t {
        literal,   ///< text
        star,      ///< '*' of a purge pattern
        capture,   ///< {name}: one segment of the path
        rest,      ///< {name}: the path's {name*}
        query,     ///< {name}: a query parameter
        path,      ///< {path}
        host,      ///< {host}
        method,    ///< {method}
        header,    ///< {header:name}
        cookie,    ///< {cookie:name}
        json,      ///< {json:/pointer}, purges only
        response,  ///< {response:name}, tags only
        body,      ///< {body|...}, {body:/pointer}: of a QUERY or POST, keys only
    };
    Kind kind = Kind::literal;
    std::string text;      ///< the literal, or the placeholder's name (lower-case for fields)
    std::size_t slot = 0;  ///< of the capture, or in Template::query_names
    std::optional<std::string> fallback;  ///< `=default`, as written
    bool sha256 = false;
    bool json =
        false;  ///< of the body: its canonical JSON; `text` is the pointer, empty: the whole
    bool folds_case = false;  ///< the value comes from the path and its case makes no difference
    http::FieldId field = http::FieldId::other;

    /// The first character of the literal between this and the next placeholder, if values may hold
    /// every character of that literal; else 0. A value that holds this character makes the key
    /// ambiguous ({a}-{b}: 1-2-3), so the key gets a mark.
    char ambiguous_before = 0;

    [[nodiscard]] bool is_value() const { return kind != Kind::literal && kind != Kind::star; }
    /// Logs and records must not show the value: it may be a credential.
    [[nodiscard]] bool is_secret() const {
        return kind == Kind::header || kind == Kind::cookie || kind == Kind::body;
    }
};

struct Template {
    std::string source;
    std::vector<Part> parts;
    std::vector<std::string> query_names;  ///< the parameters it names, each once
    std::vector<bool>
        empty_differs;  ///< by query slot: an empty value and an absent one make different keys

    [[nodiscard]] bool has(Part::Kind kind) const;
    [[nodiscard]] bool has_secrets() const;
};

enum class TemplateUse : std::uint8_t { key, purge, tag };

/// Parses a text. Returns what is wrong with it, as a sentence, or nothing.
std::optional<std::string> parse_template(std::string_view text, TemplateUse use,
                                          const PathRule& path, Template& out);

}  // namespace larder::route
