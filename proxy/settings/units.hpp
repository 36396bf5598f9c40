#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Reads and writes numbers with units as the configuration holds them. Nothing is rounded: a value
/// that is not exact is not accepted. Every reader gives nothing for text that is not of its form,
/// or that is out of its range.
namespace larder::settings {

/// The longest duration, so that sums of times cannot overflow (RFC 9111, 1.2.2 has caches count to
/// 2^31 at least).
inline constexpr std::chrono::seconds duration_max{2147483647};

/// "250ms", "60s", "5m", "1h", "7d", "0.5s"; a bare number is seconds. The result must be whole
/// milliseconds.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "8KB", "64MB", "1GB" (powers of 1024); a bare number is bytes.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// "10%" is 0.1. From 0% to 100%.
std::optional<double> parse_percentage(std::string_view text);

/// on, true, yes; off, false, no; in any case.
std::optional<bool> parse_switch(std::string_view text);

/// The shortest exact form, such as "5m" or "1500ms".
std::string duration_text(std::chrono::milliseconds duration);

/// The shortest exact form, such as "32KB" or "1000".
std::string size_text(std::uint64_t bytes);

}  // namespace larder::settings
