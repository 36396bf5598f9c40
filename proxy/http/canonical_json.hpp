#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::http {

/// A JSON text that means the same to every reader (I-JSON, RFC 7493), and its canonical form
/// (JCS, RFC 8785): equal values have equal texts, whatever their members' order and spacing.
class CanonicalJson {
public:
    /// Nothing for a text that is no JSON, or that readers may understand differently: a member
    /// given twice, a lone surrogate, bytes that are no UTF-8, a number that a double cannot hold
    /// or that has more digits than one keeps, more than 64 levels.
    static std::optional<CanonicalJson> parse(std::string_view text);

    /// Whether all numbers are below 2^53: from there on doubles leave integers out (RFC
    /// 7493, 2.2).
    [[nodiscard]] bool is_exact() const { return is_exact_; }

    [[nodiscard]] std::string text() const;

    /// The text of the value that a JSON Pointer (RFC 6901) leads to; nothing where there is none.
    [[nodiscard]] std::optional<std::string> text_at(std::string_view pointer) const;

private:
    friend class JsonReader;
    enum class Kind : std::uint8_t { word, string, array, object };  // word: a number, true, null
    struct Value {
        Kind kind = Kind::word;
        std::string name;  // as a member of an object
        std::string text;  // of a word as it is written; of a string its characters in UTF-8
        std::vector<Value> items;  // an object's in the order of their names
    };
    static void append(const Value& value, std::string& out);
    static const Value* child(const Value& value, std::string_view token);

    Value root_;
    bool is_exact_ = true;
};

}  // namespace larder::http
