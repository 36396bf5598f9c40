#pragma once
#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/sink.h>

#include <memory>
#include <string_view>

#include "settings/settings.hpp"

namespace larder::observe {

/// The logger whose messages are finished fields (see access_log.hpp) and get only time and level
/// put before them.
inline constexpr const char* access_logger_name = "access";

/// Makes spdlog's default logger write to standard error, at the level and in the format of the
/// settings, and the access logger beside it. The lines are written by a thread of their own: a
/// full queue drops its oldest lines, a slow reader of standard error never holds up a request.
/// Call at start and again after a reload, from one thread at a time. An unknown level counts as
/// `info`; a configuration with one is refused before.
void set_up_logging(const settings::Log& log);

/// Writes out what is queued and stops the thread. Before the program ends.
void shut_down_logging();

/// One line for each message: `2026-01-31T12:00:00.123Z info message`, or a JSON object with
/// `ts`, `level` and `message`. The message is escaped, so it stays one line and one value.
[[nodiscard]] std::unique_ptr<spdlog::formatter> make_formatter(settings::LogFormat format);

}  // namespace larder::observe
