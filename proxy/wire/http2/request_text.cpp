#include "wire/http2/request_text.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/text_writer.hpp"
#include "http/lists.hpp"

namespace larder::wire::http2 {
namespace {

constexpr std::size_t field_overhead = 32;  // RFC 9113, 6.5.2
constexpr std::size_t bomb_factor = 8;

bool has_blank_or_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= ' ' || byte == 0x7f;
    });
}

}  // namespace

void RequestText::begin(std::size_t bytes_max) {
    bytes_max_ = bytes_max;
    bytes_seen_ = 0;
    verdict_ = Verdict::complete;
    for (std::string* text : {&method_, &scheme_, &authority_, &path_, &host_, &cookie_, &fields_})
        text->clear();
}

bool RequestText::add(std::string_view name, std::string_view value) {
    bytes_seen_ += name.size() + value.size() + field_overhead;
    if (bytes_seen_ > bomb_factor * bytes_max_) return false;
    if (fields_.size() + cookie_.size() + name.size() + value.size() > bytes_max_) {
        if (verdict_ == Verdict::complete)
            verdict_ = name == ":path" ? Verdict::target_too_long : Verdict::too_large;
        return true;
    }
    if (name.front() == ':') {
        if (name == ":method") method_ = value;
        if (name == ":scheme") scheme_ = value;
        if (name == ":authority") authority_ = value;
        if (name == ":path") path_ = value;
    } else if (name == "host") {
        if (!host_.empty()) verdict_ = Verdict::malformed;
        host_ = value;
    } else if (name == "cookie") {
        // RFC 9113, 8.2.3: HTTP/1.1 allows one Cookie field only.
        if (!cookie_.empty()) cookie_ += "; ";
        cookie_ += value;
    } else if (name != "te") {
        fields_ += name;
        fields_ += ": ";
        fields_ += value;
        fields_ += "\r\n";
    }
    return true;
}

// Whether the start line can be written so that it is read back as the same values.
bool RequestText::may_be_written() const {
    if (!http::is_token(method_)) return false;
    if (has_blank_or_control(authority_) || has_blank_or_control(host_)) return false;
    // RFC 9113, 8.3.1: if both are there, they name the same authority.
    if (!authority_.empty() && !host_.empty() && !iequals(authority_, host_)) return false;
    if (method_ == "CONNECT") return !authority_.empty();
    if (!iequals(scheme_, "http") && !iequals(scheme_, "https")) return false;
    if (has_blank_or_control(path_)) return false;
    // An absolute-form would replace the authority.
    return path_.starts_with('/') || path_ == "*";
}

RequestText::Verdict RequestText::finish() {
    if (verdict_ != Verdict::complete) return verdict_;
    if (!may_be_written()) return Verdict::malformed;
    const bool is_connect = method_ == "CONNECT";
    text_.clear();
    TextWriter text(text_);
    text.add(method_);
    text.add(" ");
    text.add(is_connect ? authority_ : path_);
    text.add(" HTTP/1.1\r\nhost: ");
    text.add(authority_.empty() ? host_ : authority_);
    text.add("\r\n");
    text.add(fields_);
    if (!cookie_.empty()) text.add_line("cookie", cookie_);
    text.add("\r\n");
    return Verdict::complete;
}

}  // namespace larder::wire::http2
