#pragma once
#include <string>
#include <vector>

#include "http/message.hpp"

/// Which methods a request may be carried out by. Frameworks let a field (X-HTTP-Method-Override
/// and its kind) or the query parameter `_method` replace the method of the request line: such a
/// request may do either.
namespace larder::http {

/// The methods that fields or the query ask for in place of the request's own, in upper case, each
/// once. Empty of nearly all.
std::vector<std::string> overriding_methods(const RequestHead& request);

/// Whether the request may change something at the origin: by its own method, or by one that
/// overrides it.
bool is_write(const RequestHead& request);

}  // namespace larder::http
