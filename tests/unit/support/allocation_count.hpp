#pragma once
#include <cstddef>

namespace larder::test {

/// How often this thread has allocated so far with `new`, the containers included.
std::size_t allocations();

}  // namespace larder::test
