#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace larder::wire::http2 {

/// The frame types that larder tells apart (RFC 9113, 6).
enum class FrameType : std::uint8_t {
    data = 0,
    headers = 1,
    priority = 2,
    rst_stream = 3,
    settings = 4,
    ping = 6,
    window_update = 8,
    continuation = 9,
};

/// The nine bytes before a frame's payload (RFC 9113, 4.1).
struct FrameHead {
    static constexpr std::uint8_t end_headers = 0x4;  ///< a flag of HEADERS and CONTINUATION

    std::uint32_t length = 0;
    FrameType type = FrameType::data;
    std::uint8_t flags = 0;

    [[nodiscard]] bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

/// Finds the frames in a client's bytes, however the bytes are cut. nghttp2 parses the frames. This
/// class counts all of them, also those that nghttp2 drops without a callback.
class FrameScan {
public:
    /// The bytes before a client's first frame (RFC 9113, 3.4).
    static constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    /// Calls `seen` with the head of each frame whose head is complete with these bytes.
    template <class Seen>
    void feed(std::string_view bytes, const Seen& seen) {
        while (!bytes.empty()) {
            const std::size_t skipped = std::min<std::size_t>(skip_, bytes.size());
            skip_ -= static_cast<std::uint32_t>(skipped);
            bytes.remove_prefix(skipped);
            while (!bytes.empty() && filled_ < head_.size()) {
                head_[filled_++] = static_cast<unsigned char>(bytes.front());
                bytes.remove_prefix(1);
            }
            if (filled_ < head_.size()) return;
            const FrameHead head = parsed();
            filled_ = 0;
            skip_ = head.length;
            seen(head);
        }
    }

    /// A part of the present frame is still to come.
    [[nodiscard]] bool in_frame() const { return skip_ > 0 || filled_ > 0; }

private:
    [[nodiscard]] FrameHead parsed() const {
        const auto at = [this](std::size_t i) { return static_cast<std::uint32_t>(head_[i]); };
        return {at(0) << 16 | at(1) << 8 | at(2), FrameType{head_[3]}, head_[4]};
    }

    std::uint32_t skip_ = static_cast<std::uint32_t>(preface.size());
    std::array<unsigned char, 9> head_{};
    std::size_t filled_ = 0;
};

}  // namespace larder::wire::http2
