#pragma once
#include <cstddef>

/// Memory that is taken and given back with every request, such as the frames of coroutines. Each
/// thread keeps blocks of each size that it no longer needs, some 2 MB in all. So a request
/// allocates nothing. A block may be given back on another thread than the one that took it.
namespace larder::net {

[[nodiscard]] void* take_block(std::size_t bytes);
/// `bytes`: the same as in take_block.
void give_back_block(void* block, std::size_t bytes) noexcept;

}  // namespace larder::net
