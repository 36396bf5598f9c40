#include "settings/nearest_word.hpp"

#include <algorithm>
#include <numeric>

#include "base/text.hpp"

namespace larder::settings {
namespace {

constexpr std::size_t word_size_max =
    64;  ///< longer ones are not compared: the work is the product of the sizes

char fold(char c) { return c == '-' ? '_' : to_lower(c); }

/// How many insertions, deletions, replacements and swaps of neighbours turn one word into the
/// other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = last[j - 1] + (fold(a[i - 1]) == fold(b[j - 1]) ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
            const bool swapped = i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                                 fold(a[i - 2]) == fold(b[j - 1]);
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        std::swap(before_last, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

}  // namespace

std::string_view nearest_word(std::string_view written,
                              const std::vector<std::string_view>& known) {
    if (written.empty() || written.size() > word_size_max) return {};
    std::string_view nearest;
    std::size_t least = std::max<std::size_t>(2, written.size() / 3) + 1;
    for (std::string_view word : known) {
        const std::size_t distance = edit_distance(written, word);
        if (distance < least && distance < word.size()) {
            least = distance;
            nearest = word;
        }
    }
    return nearest;
}

std::string list_words(const std::vector<std::string_view>& words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
        out += words[i];
    }
    return out;
}

}  // namespace larder::settings
