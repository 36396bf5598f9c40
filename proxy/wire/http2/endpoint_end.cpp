#include "net/detached.hpp"
#include "wire/answer.hpp"
#include "wire/connection_list.hpp"
#include "wire/http2/endpoint.hpp"

// How an Endpoint ends: a drain, what takes too long, and the connection's last bytes.
namespace larder::wire::http2 {
namespace {

// How long a client gets to acknowledge the announced end.
constexpr Milliseconds drain_grace{1000};

}  // namespace

// Looks whether the connection is over. May destroy the Endpoint.
void Endpoint::settle() {
    connection_.idle = working_ == 0 && !writing_ && session_.streams().empty();
    if (phase_ == Phase::lost) {
        if (working_ == 0 && !writing_ && !posted_) connection_.list.close(connection_);
        return;
    }
    if (phase_ == Phase::lingering) return;
    const bool answered = phase_ == Phase::finishing && connection_.idle;
    if (!writing_ && (answered || session_.ended())) {
        session_.abandon();
        phase_ = Phase::lingering;
        connection_.stream.when_readable(nullptr, nullptr);
        net::start_detached(connection_.services().executor(), linger_and_close(*this),
                            "ending a connection");
        return;
    }
    arm_timers();
    // Also while a write waits: RFC 9113, 5.2.2.
    if (phase_ == Phase::open && !session_.ended()) wait_for_input();
}

net::Task<void> Endpoint::linger_and_close(Endpoint& endpoint) {
    co_await linger(endpoint.connection_);
    const StepGuard step(endpoint);
    endpoint.lose();
}

// ---- time

void Endpoint::arm_timers() {
    for (const Stream& stream : session_.streams()) {
        if (!stream.is_stuck()) continue;
        watch_stall();
        break;
    }
    Timer wanted = Timer::none;
    if (!session_.greeted()) {
        wanted = Timer::preface;
    } else if (session_.reads_head()) {
        wanted = Timer::head;
    } else if (connection_.idle) {
        wanted = Timer::idle;
    }
    // A deadline is for one head, or for the time since the last one.
    const bool is_set = wanted == timer_ && session_.heads() == timer_heads_;
    if (is_set) return;
    const bool begins_idle = wanted == Timer::idle && timer_ != Timer::idle;
    timer_ = wanted;
    timer_heads_ = session_.heads();
    const settings::Limits& limits = connection_.services().config->settings.limits;
    switch (wanted) {
        case Timer::preface:
        case Timer::head:
            connection_.stream.expire_at(steady_now() + limits.header_timeout);
            break;
        case Timer::idle:
            connection_.stream.expire_at(steady_now() + limits.keepalive_timeout);
            if (!begins_idle) break;
            session_.release_memory();
            output_.release();
            break;
        case Timer::none:
            connection_.stream.never_expire();
            break;
    }
}

void Endpoint::watch_stall() {
    if (watches_stall_ || connection_.services().wheel.stopped()) return;
    watches_stall_ = true;
    stall_.set(steady_now() + connection_.services().config->settings.limits.body_timeout / 4);
}

// Resets the streams whose bytes the client has not taken for limits.body_timeout.
void Endpoint::on_stall(void* self) {
    auto& endpoint = *static_cast<Endpoint*>(self);
    if (endpoint.connection_.services().wheel.stopped()) return;
    const StepGuard step(endpoint);
    endpoint.watches_stall_ = false;
    const Milliseconds patience =
        endpoint.connection_.services().config->settings.limits.body_timeout;
    const SteadyTime now = steady_now();
    bool stuck = false;
    for (Stream& stream : endpoint.session_.streams()) {
        if (!stream.is_stuck()) continue;
        // One that waits for its turn is not stuck: the write before it has a deadline of its own.
        const bool waits_for_write =
            endpoint.writing_ && !endpoint.session_.is_window_closed(stream);
        if (waits_for_write || now - stream.progressed_at < patience) {
            stuck = true;
            continue;
        }
        endpoint.release(stream);
        endpoint.session_.reset(stream, ErrorCode::cancel);
    }
    if (stuck) endpoint.watch_stall();
    endpoint.flush();
}

// ---- the end of the process's service

void Endpoint::begin_drain() {
    if (draining_ || phase_ == Phase::lost || phase_ == Phase::lingering) return;
    const StepGuard step(*this);
    draining_ = true;
    session_.announce_end();
    if (!connection_.services().wheel.stopped()) drain_due_.set(steady_now() + drain_grace);
    flush();
}

void Endpoint::end_acknowledged() {
    if (!draining_ || has_refused_new_) return;
    has_refused_new_ = true;
    session_.refuse_new_streams();
}

void Endpoint::on_drain_due(void* self) {
    auto& endpoint = *static_cast<Endpoint*>(self);
    if (endpoint.connection_.services().wheel.stopped()) return;
    const StepGuard step(endpoint);
    endpoint.end_acknowledged();
    endpoint.flush();
}

}  // namespace larder::wire::http2
