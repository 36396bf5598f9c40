#include "fuzz/fuzz.hpp"
#include "http/chunked.hpp"

namespace larder::fuzz {
namespace {

using Status = http::ChunkedDecoder::Status;

struct Decoded {
    Status end = Status::need_more;
    std::size_t consumed = 0;
    std::string body;
    std::string trailers;
    bool operator==(const Decoded&) const = default;
};

Decoded decode(const std::vector<std::string_view>& pieces, http::ChunkSender sender) {
    http::ChunkedDecoder decoder(sender);
    Decoded out;
    for (std::string_view piece : pieces) {
        while (true) {
            const http::ChunkedDecoder::Step step = decoder.step(piece);
            require(step.consumed <= piece.size(), "no more is consumed than there was");
            out.body += step.data;
            out.end = step.status;
            if (step.status == Status::malformed) {
                out.consumed = 0;  // says nothing then
                return out;
            }
            out.consumed += step.consumed;
            piece.remove_prefix(step.consumed);
            if (step.status == Status::done) {
                out.trailers = decoder.trailers();
                return out;
            }
            if (step.status == Status::need_more) break;
            require(!step.data.empty(), "data is not empty");
        }
        require(piece.empty(), "need_more has consumed everything");
    }
    return out;
}

void decode_in_pieces(std::string_view input, unsigned seed, http::ChunkSender sender) {
    const Decoded whole = decode({input}, sender);
    require(decode(cut(input, seed), sender) == whole, "pieces decode as the whole does");
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < input.size(); ++i) bytes.push_back(input.substr(i, 1));
    require(decode(bytes, sender) == whole, "single bytes decode as the whole does");
    require(http::valid_trailers(whole.trailers), "trailers are valid field lines");
}

// What is taken from a client means the same from an origin.
void compare_senders(std::string_view input) {
    const Decoded strict = decode({input}, http::ChunkSender::client);
    if (strict.end != Status::done) return;
    require(decode({input}, http::ChunkSender::origin) == strict,
            "both senders' bodies are the same");
}

}  // namespace

// However the bytes of a body arrive, they are the same body with the same end.
void chunked_body(std::string_view input) {
    const unsigned seed = take_byte(input);
    decode_in_pieces(input, seed, http::ChunkSender::client);
    decode_in_pieces(input, seed, http::ChunkSender::origin);
    compare_senders(input);
}

}  // namespace larder::fuzz
