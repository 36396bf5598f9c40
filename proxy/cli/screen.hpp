#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace larder::cli {

/// How lines are written: for a terminal of this width, or for a pipe.
struct Screen {
    std::size_t width = 0;  ///< columns; 0: no terminal, so nothing is cut and nothing is coloured

    [[nodiscard]] bool is_terminal() const { return width > 0; }
};

/// Cuts a text that is too long; the last column shows that it was cut.
[[nodiscard]] std::string cut(std::string_view text, std::size_t columns);

/// The words of a text in lines of at most `columns`: the first as it is, each further one after
/// `indent` blanks. A word that is longer than a line stays whole. No line end follows the last.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns);

}  // namespace larder::cli
