#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/text.hpp"

namespace larder::redis {

/// Commands for one round trip, formatted as Redis reads them: arrays of bulk strings.
class RedisCommands {
public:
    template <std::size_t size, class... Arguments>
    RedisCommands& add(const char (&name)[size], const Arguments&... arguments) {
        if (count_ < names_.size()) names_[count_] = name;
        begin(1 + sizeof...(arguments));
        argument(std::string_view(name, size - 1));
        (argument(arguments), ...);
        return *this;
    }

    /// Of the command at that place; the last noted one's for those far behind.
    [[nodiscard]] std::string_view name(std::size_t index) const {
        const std::size_t noted = std::min(count_, names_.size());
        return noted == 0 ? std::string_view()
                          : std::string_view(names_[std::min(index, noted - 1)]);
    }

    /// For a command whose number of arguments is known at run time: `begin`, then that many
    /// `argument`s.
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
    std::array<const char*, 12> names_;  ///< of the first commands: the texts outlive the program
};

}  // namespace larder::redis
