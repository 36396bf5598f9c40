#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace larder::settings {

/// The known word that a mistyped word most likely stands for; empty where none is near. A third of
/// the letters may be wrong, and two always may.
std::string_view nearest_word(std::string_view written, const std::vector<std::string_view>& known);

/// "a, b or c", for messages.
std::string list_words(const std::vector<std::string_view>& words);

}  // namespace larder::settings
