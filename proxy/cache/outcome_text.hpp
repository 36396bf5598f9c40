#pragma once
#include <string_view>

#include "cache/outcome.hpp"

/// What X-Cache and `detail` mean, as a sentence for people.
namespace larder::cache {

[[nodiscard]] std::string_view sentence_of(XCache x);
/// Empty for none.
[[nodiscard]] std::string_view sentence_of(Detail detail);

}  // namespace larder::cache
