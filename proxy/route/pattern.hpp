#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "route/template.hpp"

/// Purge patterns and the shapes of keys, as text that is compared with text.
///
/// A shape is a row of literals, values (a placeholder's text: any run of value characters) and
/// stars (any run of any characters). An instance is a shape whose values have been filled in:
/// "users:7:posts:*" of "users:{id}:posts:*".
///
/// A write's purge and an entry's fill must come to the same instance independently: the purge
/// starts from the request, the fill from the key alone. That works only if a key can be read in
/// one way. So in a shape with a star, a value stays a value only where the key shows its ends:
/// before the first star, if the end or a character that no value holds follows; behind the last
/// star, if such a character precedes. Any other value becomes a star, for the purge and the fill
/// alike. That purges too much, never too little.
namespace larder::route {

struct Piece {
    enum class Kind : std::uint8_t { literal, value, star };
    Kind kind = Kind::literal;
    std::string text;            ///< of a literal
    const Part* part = nullptr;  ///< of a value, where it is to be filled from a request
};

class Shape {
public:
    Shape() = default;

    /// The shape of a template. Parts of the kinds in `widened` become stars. The template must
    /// outlive the shape.
    explicit Shape(const Template& from, std::initializer_list<Part::Kind> widened = {});

    /// A pattern as text: '*' is a star, everything else literal.
    explicit Shape(std::string_view text);

    [[nodiscard]] bool has_star() const { return has_star_; }
    [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }

    /// Equal for shapes that have the same instances.
    [[nodiscard]] const std::string& signature() const { return signature_; }

    /// The one instance that covers this text, appended to `out`; false (and `out` as it was) where
    /// there is none. Only for shapes with a star. Linear in the text, but for the literals between
    /// stars.
    bool instance_for(std::string_view text, std::string& out) const;

    /// Is this text, with its '*', an instance?
    [[nodiscard]] bool has_instance(std::string_view text) const;

    /// Whether some text fits both. Exact, but for values, which may be of any length and hold any
    /// value character.
    [[nodiscard]] bool meets(const Shape& other) const;

    /// Whether some key of this shape, bare or with an appended query, fits the other.
    [[nodiscard]] bool meets_with_query(const Shape& pattern) const;

    /// Whether the text fits. For shapes without a star.
    [[nodiscard]] bool fits(std::string_view text) const;

private:
    void add(Piece piece);
    void widen_open_values();
    void finish();

    std::vector<Piece> pieces_;
    std::string signature_;
    std::string prefix_;  ///< the literal it begins with, to rule most pairs out at once
    bool has_star_ = false;
};

/// Whether the pattern, in which '*' is any run of characters, covers the text. Linear in the
/// text's size times the number of stars at worst.
bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace larder::route
