#include "observe/access_log.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/text.hpp"
#include "observe/log_text.hpp"
#include "observe/logging.hpp"

namespace larder::observe {
namespace {

/// Milliseconds with three decimals.
void append_milliseconds(std::string& out, std::chrono::nanoseconds duration) {
    const std::int64_t microseconds = std::max<std::int64_t>(duration.count(), 0) / 1000;
    append_decimal(out, microseconds / 1000);
    const auto rest = static_cast<int>(microseconds % 1000);
    out += '.';
    for (const int divisor : {100, 10, 1}) out += static_cast<char>('0' + rest / divisor % 10);
}

/// Writes the fields in either format, so that both always have the same ones.
class FieldWriter {
public:
    FieldWriter(std::string& out, settings::LogFormat format)
        : out_(out), json_(format == settings::LogFormat::json) {}

    /// A value that a stranger may have chosen.
    void text(std::string_view name, std::string_view value) {
        begin(name);
        json_ ? append_json_value(out_, value) : append_quoted(out_, value);
    }

    /// A word of our own.
    void word(std::string_view name, std::string_view value) {
        begin(name);
        if (json_) out_ += '"';
        out_ += value.empty() && !json_ ? "-" : value;
        if (json_) out_ += '"';
    }

    void number(std::string_view name, std::int64_t value) {
        begin(name);
        append_decimal(out_, value);
    }

    void milliseconds(std::string_view name, std::chrono::nanoseconds value) {
        begin(name);
        append_milliseconds(out_, value);
    }

private:
    void begin(std::string_view name) {
        if (!first_) out_ += json_ ? ',' : ' ';
        first_ = false;
        if (json_) out_ += '"';
        out_ += name;
        out_ += json_ ? "\":" : "=";
    }

    std::string& out_;
    const bool json_;
    bool first_ = true;
};

}  // namespace

void append_access_fields(std::string& out, const AccessEntry& entry, settings::LogFormat format) {
    FieldWriter line(out, format);
    line.text("client", entry.client);
    line.text("method", entry.method);
    line.text("host", entry.host);
    line.text("target", entry.target);
    line.number("status", entry.status);
    line.number("bytes", static_cast<std::int64_t>(entry.bytes));
    line.milliseconds("duration_ms", entry.duration);
    line.word("x_cache", to_word(entry.x_cache));
    line.word("detail", to_token(entry.detail));
    line.text("route", entry.route);
    line.text("key", entry.key);
    line.text("user_agent", entry.user_agent);
    if (!entry.request_id.empty()) line.text("request_id", entry.request_id);
    if (entry.trace.trace_id.empty()) return;
    line.text("trace_id", entry.trace.trace_id);
    line.text("span_id", entry.trace.span_id);
}

std::string shown_target(std::string_view target, settings::LogQuery query) {
    const std::size_t question = target.find('?');
    if (query == settings::LogQuery::full || question == std::string_view::npos)
        return std::string(target);
    std::string out(target.substr(0, question + 1));
    for (std::string_view rest = target.substr(question + 1); !rest.empty();) {
        const std::size_t end = std::min(rest.find('&'), rest.size());
        const std::string_view parameter = rest.substr(0, end);
        // A value may stand without a name: `?s3cret` is shown as `?=`.
        const std::size_t equals = parameter.find('=');
        if (equals != std::string_view::npos) out.append(parameter.substr(0, equals));
        out += '=';
        if (end < rest.size()) out += '&';
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
}

AccessLog::AccessLog(const settings::Log& log)
    : access_(log.access),
      format_(log.format),
      query_(log.query),
      logger_(log.access == settings::AccessLog::off ? nullptr : spdlog::get(access_logger_name)) {}

AccessLog::~AccessLog() = default;
AccessLog::AccessLog(AccessLog&&) noexcept = default;
AccessLog& AccessLog::operator=(AccessLog&&) noexcept = default;

void AccessLog::write(const AccessEntry& entry) {
    if (!logger_) return;
    line_.clear();
    append_access_fields(line_, entry, format_);
    logger_->log(spdlog::level::info, spdlog::string_view_t(line_.data(), line_.size()));
}

}  // namespace larder::observe
