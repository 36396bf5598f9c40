#pragma once
#include <nghttp2/nghttp2.h>

namespace larder::wire::http2 {

/// Where nghttp2 takes its memory from: the blocks that net/block_pool.hpp keeps. nghttp2 allocates
/// for each stream, each field and each frame, and frees what other streams have allocated, which
/// malloc is slow at. Not owned by the caller.
nghttp2_mem* session_memory();

}  // namespace larder::wire::http2
