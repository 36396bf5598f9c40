#include "observe/logging.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <ctime>
#include <string>

#include "observe/log_text.hpp"

namespace larder::observe {
namespace {

constexpr std::size_t queue_lines_max =
    4096;  // spdlog allocates them at once, about 400 bytes each

std::string_view word_of(spdlog::level::level_enum level) {
    const auto word = spdlog::level::to_string_view(level);
    return {word.data(), word.size()};
}

/// RFC 3339 in UTC with milliseconds. Most lines share a second with the one before.
class Timestamp {
public:
    void append(std::string& out, spdlog::log_clock::time_point time) {
        using namespace std::chrono;
        const auto since_epoch = duration_cast<milliseconds>(time.time_since_epoch());
        const std::time_t second = floor<seconds>(since_epoch).count();
        if (second != second_) {
            second_ = second;
            std::tm parts{};
            gmtime_r(&second, &parts);
            size_ = std::strftime(text_, sizeof(text_), "%Y-%m-%dT%H:%M:%S.", &parts);
        }
        const auto rest = static_cast<int>((since_epoch - floor<seconds>(since_epoch)).count());
        out.append(text_, size_);
        out += static_cast<char>('0' + rest / 100);
        out += static_cast<char>('0' + rest / 10 % 10);
        out += static_cast<char>('0' + rest % 10);
        out += 'Z';
    }

private:
    std::time_t second_ = -1;
    char text_[32]{};
    std::size_t size_ = 0;
};

/// Each sink has its own and calls it under its lock.
class LineFormatter final : public spdlog::formatter {
public:
    explicit LineFormatter(settings::LogFormat format) : format_(format) {}

    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
        line_.clear();
        const std::string_view payload(message.payload.data(), message.payload.size());
        const bool finished = std::string_view(message.logger_name.data(),
                                               message.logger_name.size()) == access_logger_name;
        if (format_ == settings::LogFormat::json) {
            format_json(message, payload, finished);
        } else {
            format_text(message, payload, finished);
        }
        line_ += '\n';
        out.append(line_.data(), line_.data() + line_.size());
    }

    [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<LineFormatter>(format_);
    }

private:
    void format_text(const spdlog::details::log_msg& message, std::string_view payload,
                     bool finished) {
        timestamp_.append(line_, message.time);
        line_ += ' ';
        line_ += word_of(message.level);
        line_ += ' ';
        if (finished) {
            line_ += payload;
        } else {
            append_plain(line_, payload);
        }
    }

    void format_json(const spdlog::details::log_msg& message, std::string_view payload,
                     bool finished) {
        line_ += R"({"ts":")";
        timestamp_.append(line_, message.time);
        line_ += R"(","level":")";
        line_ += word_of(message.level);
        line_ += R"(",)";
        if (finished) {
            line_ += payload;
        } else {
            line_ += R"("message":)";
            append_json_value(line_, payload);
        }
        line_ += '}';
    }

    const settings::LogFormat format_;
    Timestamp timestamp_;
    std::string line_;
};

std::shared_ptr<spdlog::logger> make_logger(const char* name, const settings::Log& log) {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    sink->set_formatter(make_formatter(log.format));
    return std::make_shared<spdlog::async_logger>(name, std::move(sink), spdlog::thread_pool(),
                                                  spdlog::async_overflow_policy::overrun_oldest);
}

spdlog::level::level_enum level_of(const std::string& name) {
    const spdlog::level::level_enum level =
        spdlog::level::from_str(name);  // off where it is not known
    return level == spdlog::level::off && name != "off" ? spdlog::level::info : level;
}

}  // namespace

std::unique_ptr<spdlog::formatter> make_formatter(settings::LogFormat format) {
    return std::make_unique<LineFormatter>(format);
}

void set_up_logging(const settings::Log& log) {
    if (!spdlog::thread_pool()) spdlog::init_thread_pool(queue_lines_max, 1);
    auto program = make_logger("larder", log);
    program->set_level(level_of(log.level));
    program->flush_on(spdlog::level::warn);
    spdlog::set_default_logger(std::move(program));

    auto access = make_logger(access_logger_name, log);
    access->set_level(spdlog::level::info);
    spdlog::drop(access_logger_name);
    spdlog::register_logger(std::move(access));
}

void shut_down_logging() { spdlog::shutdown(); }

}  // namespace larder::observe
