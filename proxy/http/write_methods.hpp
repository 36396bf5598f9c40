#pragma once
#include <string>
#include <vector>

#include "http/message.hpp"

/// The methods that an origin may use for a request. Many frameworks let a field such as
/// X-HTTP-Method-Override or the query parameter `_method` replace the method of the request line.
/// larder does not know whether the origin does, so both methods count.
namespace larder::http {

/// The methods in fields, the query, or a form that is at hand that may replace the request's own,
/// in upper case, without repetition. Empty for nearly all requests. Where more than a few are
/// named, the usual methods of writes stand for the rest.
std::vector<std::string> overriding_methods(const RequestHead& request);

/// Whether the query or the form names one that may change something.
bool asks_to_write_by_parameter(const RequestHead& request);

/// Whether the request may change something at the origin, by its own method or an overriding one.
bool is_write(const RequestHead& request);

}  // namespace larder::http
