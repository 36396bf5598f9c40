#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace larder::settings {

/// The known word that a mistyped one most likely stands for; empty where none is near (a third of
/// its letters wrong, two at least).
std::string_view nearest_word(std::string_view written, const std::vector<std::string_view>& known);

/// "a, b or c", for messages.
std::string list_words(const std::vector<std::string_view>& words);

}  // namespace larder::settings
