#include "http/chunked.hpp"

#include <algorithm>
#include <charconv>

#include "base/hex.hpp"
#include "base/text.hpp"
#include "http/claims.hpp"
#include "http/fields.hpp"
#include "http/lists.hpp"

namespace larder::http {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Removes the fields that a trailer section must not have (see may_be_trailer) from a valid one.
void keep_harmless(std::string& lines) {
    std::size_t at = 0;
    while (at < lines.size()) {
        const std::size_t end = lines.find("\r\n", at) + 2;
        if (may_be_trailer(std::string_view(lines).substr(at, lines.find(':', at) - at))) {
            at = end;
        } else {
            lines.erase(at, end - at);
        }
    }
}

}  // namespace

ChunkHead::ChunkHead(std::uint64_t size) {
    char* end = std::to_chars(line_.data(), line_.data() + 16, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    size_ = static_cast<std::size_t>(end - line_.data());
}

bool may_be_trailer(std::string_view name) {
    std::string hyphens(name);
    std::replace(hyphens.begin(), hyphens.end(), '_', '-');
    const FieldId id = field_id(hyphens);
    if (id == FieldId::other) return claim_of({name, {}, id}) == Claim::none;
    return id == FieldId::etag || id == FieldId::cache_status;
}

// The next step, over the input after `consumed` bytes.
ChunkedDecoder::Step ChunkedDecoder::go_on(std::string_view input, std::size_t consumed) {
    Step next = step(input.substr(consumed));
    next.consumed += consumed;
    return next;
}

ChunkedDecoder::Step ChunkedDecoder::step(std::string_view input) {
    if (state_ == State::done) return {Status::done, 0, {}};
    if (input.empty()) return {Status::need_more, 0, {}};
    switch (state_) {
        case State::size:
        case State::size_blank:
        case State::extension:
        case State::size_lf:
            return read_size(input);
        case State::data: {
            const std::size_t size =
                static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
            left_ -= size;
            if (left_ == 0) state_ = State::data_cr;
            return {Status::data, size, input.substr(0, size)};
        }
        case State::data_cr: {
            const bool bare_lf = lenient_ && input[0] == '\n';
            if (input[0] != '\r' && !bare_lf) return fail();
            state_ = bare_lf ? State::size : State::data_lf;
            return go_on(input, 1);
        }
        case State::data_lf: {
            if (input[0] != '\n') return fail();
            state_ = State::size;
            return go_on(input, 1);
        }
        case State::trailer:
            return read_trailer(input);
        case State::done:
            break;
    }
    return fail();
}

// The state after a byte that is not a digit follows a size. `size` if the byte is not allowed.
ChunkedDecoder::State ChunkedDecoder::after_digits(char c) {
    if (c == '\r') return State::size_lf;
    if (c == ';') return State::extension;
    const bool is_blank = c == ' ' || c == '\t';
    return lenient_ && is_blank && ++blanks_ <= blanks_max ? State::size_blank : State::size;
}

ChunkedDecoder::Step ChunkedDecoder::read_size(std::string_view input) {
    for (std::size_t i = 0; i < input.size(); ++i) {
        const char c = input[i];
        const bool ends_line =
            c == '\n' &&
            (state_ == State::size_lf || (lenient_ && state_ != State::extension && digits_ > 0));
        if (ends_line) {
            digits_ = 0;
            blanks_ = 0;
            extension_bytes_ = 0;
            state_ = left_ == 0 ? State::trailer : State::data;
            return go_on(input, i + 1);
        }
        if (state_ == State::size_lf) return fail();
        if (state_ == State::extension) {
            if (c == '\r') {
                state_ = State::size_lf;
                continue;
            }
            if (is_control(c) && c != '\t') return fail();
            if (++extension_bytes_ > extension_bytes_max ||
                ++extensions_bytes_ > extensions_bytes_max)
                return fail();
            continue;
        }
        if (const int digit = hex_value(c); digit >= 0 && state_ == State::size) {
            if (++digits_ > 16) return fail();
            left_ = digits_ == 1 ? static_cast<std::uint64_t>(digit)
                                 : (left_ << 4) | static_cast<std::uint64_t>(digit);
            if (left_ > INT64_MAX) return fail();
            continue;
        }
        const State next = after_digits(c);
        if (next == State::size) return fail();
        if (digits_ > 0) {
            state_ = next;
        } else if (next != State::size_blank) {
            return fail();
        }
    }
    return {Status::need_more, input.size(), {}};
}

ChunkedDecoder::Step ChunkedDecoder::read_trailer(std::string_view input) {
    for (std::size_t i = 0; i < input.size(); ++i) {
        const char c = input[i];
        if (saw_cr_ && c != '\n') return fail();
        if (!saw_cr_ && c == '\n') {
            if (!lenient_) return fail();
            trailers_.push_back('\r');
        }
        saw_cr_ = c == '\r';
        trailers_.push_back(c);
        if (trailers_.size() > trailer_bytes_max) return fail();
        if (c == '\n' && (trailers_ == "\r\n" || trailers_.ends_with("\r\n\r\n"))) {
            trailers_.resize(trailers_.size() - 2);
            if (!valid_trailers(trailers_)) return fail();
            keep_harmless(trailers_);
            state_ = State::done;
            return {Status::done, i + 1, {}};
        }
    }
    return {Status::need_more, input.size(), {}};
}

bool valid_trailers(std::string_view lines) {
    while (!lines.empty()) {
        const std::size_t end = lines.find("\r\n");
        if (end == std::string_view::npos) return false;
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(end + 2);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0) return false;
        if (!std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon),
                         is_token_char))
            return false;
        for (char c : line.substr(colon + 1))
            if (is_control(c) && c != '\t') return false;
    }
    return true;
}

}  // namespace larder::http
