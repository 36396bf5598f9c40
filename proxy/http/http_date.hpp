#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace larder::http {

using HttpTime = std::chrono::sys_seconds;

/// HTTP-date in its three forms (RFC 9110, 5.6.7): IMF-fixdate, RFC 850 and asctime. Names match
/// whatever their case (RFC 9111, 4.2), every other deviation is no date: another zone than GMT,
/// missing or extra white space, one digit where two belong, a day that the month does not have.
/// The day's name is not compared with the date. `now` settles the two-digit year: more than 50
/// years ahead means the past century. Nothing where it is no date.
std::optional<HttpTime> parse_http_date(std::string_view text, WallTime now);

inline constexpr std::size_t http_date_size = 29;

/// Writes the IMF-fixdate (29 bytes) at `at` and returns the end. Years beyond 9999 are not
/// supported.
char* write_http_date(char* at, HttpTime time);

std::string format_http_date(HttpTime time);

/// The whole second a time lies in.
inline HttpTime whole_second(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time);
}

}  // namespace larder::http
