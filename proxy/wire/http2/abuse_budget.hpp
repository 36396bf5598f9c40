#pragma once
#include <algorithm>
#include <cstddef>

#include "base/clock.hpp"

namespace larder::wire::http2 {

/// Tokens that come back with time, up to a maximum. Earned tokens may exceed the maximum.
class TokenBucket {
public:
    TokenBucket(double most, double per_second) : most_(most), per_second_(per_second) {}

    /// False: there are no tokens left.
    [[nodiscard]] bool spend(SteadyTime now) {
        refill(now);
        if (tokens_ < 1) return false;
        tokens_ -= 1;
        return true;
    }
    void earn(double tokens) { tokens_ += tokens; }

private:
    void refill(SteadyTime now) {
        const double seconds = std::chrono::duration<double>(now - last_).count();
        last_ = std::max(last_, now);
        if (seconds <= 0 || tokens_ >= most_) return;
        tokens_ = std::min(most_, tokens_ + seconds * per_second_);
    }

    double most_;
    double per_second_;
    double tokens_ = most_;
    SteadyTime last_{};
};

/// Limits what a client may do that costs larder more than the client: floods of frames, and
/// streams that end without a response. A client that does useful things earns the frames that
/// belong to them. All functions return false when the client must be sent away with
/// ENHANCE_YOUR_CALM.
class AbuseBudget {
public:
    /// Each frame of any type.
    [[nodiscard]] bool spend_frame(SteadyTime now) { return frames_.spend(now); }
    /// A stream that ended early: reset by the client (CVE-2023-44487), or by larder because of an
    /// error of the client (CVE-2025-8671).
    [[nodiscard]] bool spend_reset(SteadyTime now) { return resets_.spend(now); }
    /// A CONTINUATION frame of the present head (CVE-2024-27316). `begins`: a HEADERS frame.
    void begin_head() { continuations_ = 0; }
    [[nodiscard]] bool spend_continuation() { return ++continuations_ <= continuations_max; }

    /// A frame with bytes of a body.
    void earn_data() { frames_.earn(1); }
    /// A request: its HEADERS, and a few PRIORITY and WINDOW_UPDATE frames.
    void earn_request() { frames_.earn(6); }
    /// Bytes of a response's body: clients answer them with WINDOW_UPDATE, some in small steps.
    void earn_sent(std::size_t bytes) {
        frames_.earn(2 + static_cast<double>(bytes) / sent_bytes_for_a_frame);
    }

private:
    static constexpr double frames_most = 1000;
    static constexpr double frames_per_second = 50;
    // A page that is left cancels up to limits.http2_streams requests at once.
    static constexpr double resets_most = 256;
    static constexpr double resets_per_second = 32;
    static constexpr double sent_bytes_for_a_frame = 512;
    static constexpr int continuations_max = 8;

    TokenBucket frames_{frames_most, frames_per_second};
    TokenBucket resets_{resets_most, resets_per_second};
    int continuations_ = 0;
};

}  // namespace larder::wire::http2
