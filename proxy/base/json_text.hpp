#pragma once
#include <boost/json.hpp>
#include <string>

namespace larder {

/// The value as JSON on one line, numbers as people write them: `0.999`, where the library's own
/// serializer writes `9.99E-1`. The shortest digits that read back as the same number. What JSON
/// has no number for (infinity) becomes null.
std::string json_text(const boost::json::value& value);

}  // namespace larder
