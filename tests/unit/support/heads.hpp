#pragma once
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "http/message.hpp"
#include "http/target_uri.hpp"

/// Heads made from text as it stands on the wire, lines ended by LF, so that a test shows the
/// message it speaks of.
namespace larder::test {

using namespace std::chrono_literals;

/// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
inline constexpr WallTime noon{784111777s};
inline constexpr std::string_view noon_text = "Sun, 06 Nov 1994 08:49:37 GMT";

/// Owns the bytes that a head's views point into.
class HeadText {
protected:
    explicit HeadText(std::string_view text) : text_(std::make_unique<std::string>(text)) {
        std::string_view rest(*text_);
        first_line_ = take_line(rest);
        while (!rest.empty()) {
            const std::string_view line = take_line(rest);
            if (line.empty()) continue;
            const std::size_t colon = line.find(':');
            const std::string_view name = line.substr(0, colon);
            lines_.push_back({name, trim_ows(line.substr(colon + 1)), http::field_id(name)});
        }
    }

    static std::string_view take_line(std::string_view& rest) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return line;
    }

    static std::string_view take_word(std::string_view& rest) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        const std::string_view word = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return word;
    }

    std::unique_ptr<std::string> text_;
    std::string_view first_line_;
    std::vector<http::Field> lines_;
};

/// "GET /articles?limit=5\nHost: a\nCookie: b=c"
class Request : HeadText {
public:
    explicit Request(std::string_view text) : HeadText(text) {
        head_.method_name = take_word(first_line_);
        head_.method = http::method_of(head_.method_name);
        head_.target = take_word(first_line_);
        const std::size_t query = std::min(head_.target.find('?'), head_.target.size());
        head_.path = head_.target.substr(0, query);
        head_.has_query = query < head_.target.size();
        if (head_.has_query) head_.query = head_.target.substr(query + 1);
        head_.fields = http::Fields(lines_);
        head_.host = head_.fields.value(http::FieldId::host);
        if (const auto length = parse_decimal(head_.fields.value(http::FieldId::content_length))) {
            head_.framing = http::Framing::length;
            head_.content_length = *length;
        }
        if (head_.fields.has(http::FieldId::transfer_encoding))
            head_.framing = http::Framing::chunked;
        http::set_target_uri(head_);
    }

    /// The same as it comes from a trusted proxy.
    [[nodiscard]] Request from_trusted() && {
        head_.peer_trusted = true;
        http::set_target_uri(head_);
        return std::move(*this);
    }

    operator const http::RequestHead&() const { return head_; }

private:
    http::RequestHead head_;
};

/// "200 OK\nCache-Control: max-age=60"
class Response : HeadText {
public:
    explicit Response(std::string_view text) : HeadText(text) {
        head_.status = static_cast<int>(parse_decimal(take_word(first_line_)).value_or(0));
        head_.reason = first_line_;
        head_.fields = http::Fields(lines_);
    }

    operator const http::ResponseHead&() const { return head_; }
    [[nodiscard]] const http::Fields& fields() const { return head_.fields; }

private:
    http::ResponseHead head_;
};

}  // namespace larder::test
