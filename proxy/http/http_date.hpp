#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace larder::http {

using HttpTime = std::chrono::sys_seconds;

/// Parses an HTTP-date in its three forms (RFC 9110, 5.6.7): IMF-fixdate, RFC 850 and asctime. The
/// case of names does not matter (RFC 9111, 4.2). std::nullopt for every other deviation: a zone
/// other than GMT, missing or extra white space, one digit instead of two, a day that the month
/// does not have. The day's name is not compared with the date. A two-digit year that would be more
/// than 50 years after `now` is in the past century.
std::optional<HttpTime> parse_http_date(std::string_view text, WallTime now);

inline constexpr std::size_t http_date_size = 29;

/// Writes the IMF-fixdate (29 bytes) at `at` and returns the end. Years beyond 9999 are not
/// supported.
char* write_http_date(char* at, HttpTime time);

std::string format_http_date(HttpTime time);

/// The time without its fraction of a second, rounded down.
inline HttpTime whole_second(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time);
}

}  // namespace larder::http
