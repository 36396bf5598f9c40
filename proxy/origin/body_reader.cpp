#include "origin/body_reader.hpp"

#include <algorithm>

namespace larder::origin {
namespace {

constexpr std::size_t read_bytes_wanted = 64 * 1024;

}  // namespace

void BodyReader::drop_last() {
    in_.consume(last_);
    last_ = 0;
}

bool BodyReader::finish(Piece& piece, Status status) {
    ended_ = status == Status::end;
    piece = {status, {}};
    return true;
}

bool BodyReader::next_buffered(Piece& piece) {
    drop_last();
    if (ended_ || framing_ == http::Framing::none) return finish(piece, Status::end);
    if (framing_ == http::Framing::length && left_ == 0) return finish(piece, Status::end);
    if (in_.empty()) return false;
    if (framing_ == http::Framing::until_close) {
        last_ = in_.size();
        piece = {Status::data, in_.view()};
        return true;
    }
    if (framing_ == http::Framing::length) {
        last_ = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in_.size()));
        left_ -= last_;
        piece = {Status::data, in_.view().substr(0, last_)};
        return true;
    }
    while (true) {
        const http::ChunkedDecoder::Step step = chunks_.step(in_.view());
        switch (step.status) {
            case http::ChunkedDecoder::Status::data:
                last_ = step.consumed;
                piece = {Status::data, step.data};
                return true;
            case http::ChunkedDecoder::Status::done:
                in_.consume(step.consumed);
                return finish(piece, Status::end);
            case http::ChunkedDecoder::Status::malformed:
                return finish(piece, Status::malformed);
            case http::ChunkedDecoder::Status::need_more:
                in_.consume(step.consumed);
                return false;
        }
    }
}

net::Task<BodyReader::Piece> BodyReader::next() {
    Piece piece;
    while (!next_buffered(piece)) {
        const net::Buffer::Room room = in_.room(
            left_ > read_bytes_wanted || framing_ != http::Framing::length ? read_bytes_wanted
                                                                           : 4096);
        stream_.expire_at(steady_now() + idle_);
        const net::IoResult got = co_await stream_.read_some(room.at, room.size);
        stream_.never_expire();  // the caller may take longer with the piece
        switch (got.kind) {
            case net::IoResult::Kind::done:
                in_.append_done(got.bytes);
                break;
            case net::IoResult::Kind::ended:
                finish(piece,
                       framing_ == http::Framing::until_close ? Status::end : Status::truncated);
                co_return piece;
            default:
                finish(piece, stream_.timed_out() ? Status::timed_out : Status::truncated);
                co_return piece;
        }
    }
    co_return piece;
}

}  // namespace larder::origin
