#include "http/canonical_json.hpp"

#include "fuzz/fuzz.hpp"

namespace larder::fuzz {

// A JSON body of a request that is made into a key. The canonical text is its own canonical text.
void canonical_json(std::string_view input) {
    const auto json = http::CanonicalJson::parse(input);
    if (!json) return;
    const std::string text = json->text();
    const auto again = http::CanonicalJson::parse(text);
    require(again && again->text() == text, "a canonical text is canonical");
    require(again->is_exact() == json->is_exact(), "numbers stay as exact as they are");
    require(json->text_at("") == text, "the empty pointer leads to the whole");
}

}  // namespace larder::fuzz
