#include "wire/http2/output.hpp"

#include <algorithm>

namespace larder::wire::http2 {

void Output::add(std::string_view bytes) {
    if (bytes.empty()) return;
    const net::Buffer::Room room = copied_.room(bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.at);
    copied_.append_done(bytes.size());
    if (pieces_.empty() || pieces_.back().entry) pieces_.push_back({nullptr, nullptr, 0});
    pieces_.back().size += bytes.size();
    size_ += bytes.size();
}

void Output::add(std::string_view bytes, const cache::Stored& entry) {
    if (bodies_ == Bodies::copied || bytes.size() < referred_bytes_min) {
        add(bytes);
        return;
    }
    pieces_.push_back({entry, bytes.data(), bytes.size()});
    size_ += bytes.size();
}

std::span<iovec> Output::pieces() {
    vectors_.clear();
    const char* copied = copied_.view().data();
    for (const Piece& piece : pieces_) {
        const char* at = piece.entry ? piece.at : copied;
        if (!piece.entry) copied += piece.size;
        vectors_.push_back({const_cast<char*>(at), piece.size});
    }
    return vectors_;
}

void Output::sent(std::size_t bytes) {
    size_ -= bytes;
    auto piece = pieces_.begin();
    for (; piece != pieces_.end(); ++piece) {
        const std::size_t part = std::min(bytes, piece->size);
        if (!piece->entry) copied_.consume(part);
        piece->at += piece->entry ? part : 0;
        piece->size -= part;
        bytes -= part;
        if (piece->size > 0) break;
    }
    pieces_.erase(pieces_.begin(), piece);
}

void Output::recycle() {
    copied_.release();
    pieces_.clear();
    size_ = 0;
}

void Output::release() {
    recycle();
    pieces_ = {};
    vectors_ = {};
}

}  // namespace larder::wire::http2
