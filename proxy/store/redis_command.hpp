#pragma once
#include <string>
#include <string_view>

#include "base/text.hpp"

namespace larder::store {

/// Commands for one round trip, formatted as Redis reads them: arrays of bulk strings.
class RedisCommands {
public:
    template <class... Arguments>
    RedisCommands& add(const Arguments&... arguments) {
        begin(sizeof...(arguments));
        (argument(arguments), ...);
        return *this;
    }

    /// For a command whose number of arguments is known at run time: `begin`, then that many `argument`s.
    void begin(std::size_t arguments) {
        ++count_;
        size_line('*', arguments);
    }
    void argument(std::string_view text) {
        size_line('$', text.size());
        bytes_.append(text);
        bytes_.append("\r\n");
    }
    void argument(std::int64_t number) {
        char digits[20];
        const char* end = write_decimal(digits, number);
        argument(std::string_view(digits, static_cast<std::size_t>(end - digits)));
    }
    void argument(const char* text) { argument(std::string_view(text)); }
    void argument(const std::string& text) { argument(std::string_view(text)); }

    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] std::string& bytes() { return bytes_; }

private:
    void size_line(char kind, std::size_t size) {
        bytes_.push_back(kind);
        append_decimal(bytes_, static_cast<std::int64_t>(size));
        bytes_.append("\r\n");
    }

    std::string bytes_;
    std::size_t count_ = 0;
};

}  // namespace larder::store
