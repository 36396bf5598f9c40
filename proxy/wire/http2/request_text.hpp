#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace larder::wire::http2 {

/// Writes the fields of one HEADERS block as the head of an HTTP/1.1 request (RFC 9113, 8.3). That
/// head then goes through http/head_parser, so a request of HTTP/2 has to pass every check of a
/// request of HTTP/1.1. nghttp2 has checked before: names in lower case, no forbidden bytes and
/// fields, and pseudo-header fields once and in front.
class RequestText {
public:
    /// `bytes_max`: of the text.
    void begin(std::size_t bytes_max);
    /// False: the fields are many times larger than allowed, so the client means harm.
    [[nodiscard]] bool add(std::string_view name, std::string_view value);

    enum class Verdict : unsigned char {
        complete,         ///< the text holds the head
        malformed,        ///< no HTTP/1.1 request has the same meaning (RFC 9113, 8.1.1)
        too_large,        ///< larger than bytes_max
        target_too_long,  ///< :path alone is larger than bytes_max
    };
    [[nodiscard]] Verdict finish();

    /// Exchanges the memory of the text with `other`. The text is there if it is complete.
    void swap_text(std::string& other) noexcept { text_.swap(other); }

    /// Frees the memory. A connection without streams has no use for it.
    void release() { *this = RequestText(); }

private:
    [[nodiscard]] bool may_be_written() const;

    std::size_t bytes_max_ = 0;
    std::size_t bytes_seen_ = 0;
    Verdict verdict_ = Verdict::complete;
    std::string method_;
    std::string scheme_;
    std::string authority_;
    std::string path_;
    std::string host_;
    std::string cookie_;
    std::string fields_;
    std::string text_;
};

}  // namespace larder::wire::http2
