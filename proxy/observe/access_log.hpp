#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cache/outcome.hpp"
#include "observe/trace_context.hpp"
#include "settings/settings.hpp"

namespace spdlog {
class logger;
}

namespace larder::observe {

/// One answered request as it is logged. Views need to live only until the call returns; empty ones
/// show as `-`.
struct AccessEntry {
    std::string_view client;  ///< address, the real one behind a trusted proxy
    std::string_view method;
    std::string_view host;
    std::string_view target;
    int status = 0;
    std::uint64_t bytes = 0;  ///< of the response as sent, head included
    std::chrono::nanoseconds duration{0};
    cache::XCache x_cache = cache::XCache::bypass;
    cache::Detail detail = cache::Detail::none;
    std::string_view route;  ///< path template
    std::string_view key;
    std::string_view user_agent;
    std::string_view request_id;  ///< X-Request-Id; left out where empty
    TraceContext trace;           ///< left out where empty
};

/// The target as the log shows it: with LogQuery::names `/articles?limit=&skip=`, without the
/// values of the query.
[[nodiscard]] std::string shown_target(std::string_view target, settings::LogQuery query);

/// Appends the fields of a line: `client="::1" method=GET ...`, or the members of a JSON object
/// without its braces. Every value a stranger chose is escaped and bounded (log_text.hpp).
void append_access_fields(std::string& out, const AccessEntry& entry, settings::LogFormat format);

/// Writes one line per request through the access logger that set_up_logging made. Each thread has
/// its own AccessLog; writing never waits.
class AccessLog {
public:
    /// Takes the access logger that exists now. Make a new AccessLog after set_up_logging was
    /// called again.
    explicit AccessLog(const settings::Log& log);
    ~AccessLog();
    AccessLog(AccessLog&&) noexcept;
    AccessLog& operator=(AccessLog&&) noexcept;

    /// Whether a request that ended with this status must be logged; ask before an AccessEntry is
    /// put together. With `access: errors` that is 4xx and 5xx.
    [[nodiscard]] bool logs(int status) const {
        return access_ == settings::AccessLog::on ||
               (access_ == settings::AccessLog::errors && status >= 400);
    }

    [[nodiscard]] settings::LogQuery query() const { return query_; }

    void write(const AccessEntry& entry);

private:
    settings::AccessLog access_;
    settings::LogFormat format_;
    settings::LogQuery query_;
    std::shared_ptr<spdlog::logger> logger_;  // null where nothing is logged
    std::string line_;
};

}  // namespace larder::observe
