#pragma once

namespace larder::flow {

/// What a request with the debug token tells in Larder-Explain.
struct RequestTrace {};

}  // namespace larder::flow
