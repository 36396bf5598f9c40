#pragma once
#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "redis/script.hpp"

namespace larder::redis {

/// Commands for one round trip, formatted as Redis reads them: arrays of bulk strings.
class RedisCommands {
public:
    /// An argument in pieces, which need not be put together before.
    struct Pieces {
        std::string_view first;
        std::string_view second;
        std::string_view third;
    };

    /// How scripts go out.
    enum class Scripts : std::uint8_t {
        by_digest,    ///< EVALSHA: short, but a server that has not run them yet refuses them
        first_whole,  ///< EVAL where a script comes first, EVALSHA behind that: the server knows it
                      ///< by then
        whole,        ///< EVAL
    };

    template <std::size_t size, class... Arguments>
    RedisCommands& add(const char (&name)[size], const Arguments&... arguments) {
        begin(1 + sizeof...(arguments));
        noted_.back().name = name;
        write<1 + sizeof...(arguments)>(
            {Text(std::string_view(name, size - 1)), Text(arguments)...});
        return *this;
    }

    /// A script, by its digest. The arguments: how many keys, the keys, the rest.
    template <class... Arguments>
    RedisCommands& run(const Script& script, const Arguments&... arguments) {
        begin_script(script, sizeof...(arguments));
        write<sizeof...(arguments)>({Text(arguments)...});
        return *this;
    }

    /// Of the command at that place: what a user must be allowed to run.
    [[nodiscard]] std::string_view name(std::size_t index) const { return noted_[index].name; }

    /// For a command whose number of arguments is known at run time: `begin`, then that many
    /// `argument`s, where the name is not counted.
    template <std::size_t size>
    void begin(const char (&name)[size], std::size_t arguments) {
        begin(1 + arguments);
        noted_.back().name = name;
        argument(std::string_view(name, size - 1));
    }
    /// The same without a name: the first argument is the command.
    void begin(std::size_t arguments) {
        if (bytes_.empty()) bytes_.reserve(typical_bytes);
        Noted& noted = noted_.emplace_back();
        noted.begin = bytes_.size();
        noted.arguments = arguments;
        size_line(bytes_, '*', arguments);
    }
    /// The same for a script: its arguments follow.
    void begin_script(const Script& script, std::size_t arguments) {
        begin(2 + arguments);
        noted_.back().name = "EVAL";
        noted_.back().script = &script;
        argument(std::string_view("EVALSHA"));
        argument(script.name());
        noted_.back().rest = bytes_.size();
    }
    template <class Argument>
    void argument(const Argument& text) {
        write<1>({Text(text)});
    }

    /// Room for so many bytes, so that they are not moved as they come.
    void reserve(std::size_t bytes) { bytes_.reserve(bytes); }
    [[nodiscard]] std::size_t count() const { return noted_.size(); }
    /// The first key of the command at that place; nothing where it has none.
    [[nodiscard]] std::optional<std::string_view> key(std::size_t index) const {
        const Noted& noted = noted_[index];
        constexpr std::array<std::string_view, 8> keyless{"PUBLISH", "SCAN",   "INFO",   "PING",
                                                          "CLUSTER", "CLIENT", "DBSIZE", "ASKING"};
        if (std::find(keyless.begin(), keyless.end(), noted.name) != keyless.end())
            return std::nullopt;
        return argument_at(index, noted.script ? 3 : 1);
    }
    /// Adds a copy of another's command.
    void add_from(const RedisCommands& other, std::size_t index) {
        Noted noted = other.noted_[index];
        const std::size_t begin = noted.begin;
        noted.begin = bytes_.size();
        if (noted.script) noted.rest = noted.rest - begin + noted.begin;
        noted_.push_back(noted);
        bytes_.append(other.bytes_, begin, other.end_of(index) - begin);
    }
    /// All commands, scripts by their digests.
    [[nodiscard]] std::string& bytes() { return bytes_; }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

    /// Appends the commands from that place on, as they go out.
    void append_to(std::string& out, std::size_t from, Scripts scripts) const {
        if (from >= count()) return;
        if (scripts == Scripts::by_digest) {
            out.append(bytes_, noted_[from].begin);
            return;
        }
        boost::container::small_vector<const Script*, 4> sent;
        for (std::size_t index = from; index < count(); ++index) {
            const Script* const script = noted_[index].script;
            const bool again = std::find(sent.begin(), sent.end(), script) != sent.end();
            if (script == nullptr || again) {
                out.append(bytes_, noted_[index].begin, end_of(index) - noted_[index].begin);
                continue;
            }
            append_whole(out, index);
            if (scripts == Scripts::first_whole) sent.push_back(script);
        }
    }

private:
    static constexpr std::size_t typical_bytes = 384;  ///< of a lookup: it grows in one step

    struct Noted {
        std::size_t begin = 0;      ///< in `bytes_`
        std::size_t arguments = 0;  ///< how many, the command's name included
        std::size_t rest = 0;       ///< of a script: where what follows its digest begins
        const Script* script = nullptr;
        const char* name = "";  ///< the text outlives the program
    };

    static constexpr std::size_t size_line_max = 24;

    static char* put_size_line(char* at, char kind, std::size_t size) {
        *at++ = kind;
        if (size >= 100) {
            at = write_decimal(at, static_cast<std::int64_t>(size));
        } else {
            if (size >= 10) *at++ = static_cast<char>('0' + size / 10);
            *at++ = static_cast<char>('0' + size % 10);
        }
        *at++ = '\r';
        *at++ = '\n';
        return at;
    }
    static void size_line(std::string& out, char kind, std::size_t size) {
        char line[size_line_max];
        out.append(line, static_cast<std::size_t>(put_size_line(line, kind, size) - line));
    }
    static void append(std::string& out, std::string_view text) {
        size_line(out, '$', text.size());
        out.append(text);
        out.append("\r\n", 2);
    }

    /// An argument as it goes out.
    class Text {
    public:
        explicit Text(std::string_view text) : text_(text) {}
        explicit Text(const Pieces& pieces) : text_(pieces.first), pieces_(&pieces) {}
        explicit Text(std::int64_t number) {
            const char* const end = write_decimal(digits_, number);
            text_ = {digits_, static_cast<std::size_t>(end - digits_)};
        }
        // Texts stay where they are made: a view into it may be one of its own digits.
        Text(const Text&) = delete;
        Text& operator=(const Text&) = delete;

        [[nodiscard]] std::size_t size() const {
            return text_.size() + (pieces_ ? pieces_->second.size() + pieces_->third.size() : 0);
        }
        char* copy_to(char* at) const {
            at = std::copy(text_.begin(), text_.end(), at);
            if (!pieces_) return at;
            at = std::copy(pieces_->second.begin(), pieces_->second.end(), at);
            return std::copy(pieces_->third.begin(), pieces_->third.end(), at);
        }

    private:
        std::string_view text_;  ///< the whole, or the first piece
        const Pieces* pieces_ = nullptr;
        char digits_[20];
    };

    /// Writes all arguments of a command in one step: its bytes grow once.
    template <std::size_t count>
    void write(const std::array<Text, count>& texts) {
        const std::size_t before = bytes_.size();
        std::size_t room = 0;
        for (const Text& text : texts) room += size_line_max + text.size() + 2;
        bytes_.resize(before + room);
        char* at = bytes_.data() + before;
        for (const Text& text : texts) {
            at = put_size_line(at, '$', text.size());
            at = text.copy_to(at);
            *at++ = '\r';
            *at++ = '\n';
        }
        bytes_.resize(static_cast<std::size_t>(at - bytes_.data()));
    }
    [[nodiscard]] std::size_t end_of(std::size_t index) const {
        return index + 1 < count() ? noted_[index + 1].begin : bytes_.size();
    }
    /// Argument 0 is the command's name.
    [[nodiscard]] std::string_view argument_at(std::size_t index, std::size_t number) const {
        std::string_view text(bytes_);
        text.remove_prefix(noted_[index].begin);
        text.remove_prefix(text.find('\n') + 1);
        for (;; --number) {
            const std::size_t line = text.find('\r');
            const auto size = parse_decimal(text.substr(1, line - 1)).value_or(0);
            text.remove_prefix(line + 2);
            if (number == 0) return text.substr(0, size);
            text.remove_prefix(size + 2);
        }
    }
    /// Of a script.
    void append_whole(std::string& out, std::size_t index) const {
        const Noted& noted = noted_[index];
        size_line(out, '*', noted.arguments);
        append(out, "EVAL");
        append(out, noted.script->text);
        out.append(bytes_, noted.rest, end_of(index) - noted.rest);
    }

    std::string bytes_;
    boost::container::small_vector<Noted, 6> noted_;
};

}  // namespace larder::redis
