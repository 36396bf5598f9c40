#include "flow/exchange.hpp"

#include "flow/request_trace.hpp"

namespace larder::flow {

Exchange::Exchange() = default;
Exchange::~Exchange() = default;

void Exchange::forget_trace() { trace.reset(); }

}  // namespace larder::flow
