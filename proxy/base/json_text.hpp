#pragma once
#include <boost/json.hpp>
#include <string>

namespace larder {

/// The value as JSON on one line. Numbers are in the form people write: `0.999`, not the `9.99E-1`
/// of boost::json::serialize. They have as few digits as read back to the same number. Infinity and
/// NaN become null, because JSON has no number for them. U+FFFD stands for each byte of a text that
/// is not UTF-8: the result is always valid JSON.
std::string json_text(const boost::json::value& value);

}  // namespace larder
