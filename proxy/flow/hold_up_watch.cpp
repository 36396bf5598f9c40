#include "flow/hold_up_watch.hpp"

namespace larder::flow {
namespace {

constexpr Milliseconds look_every{250};
// A receiver acknowledges whole segments, and a slow client takes a second for one. With less
// patience larder would reset slow clients.
constexpr Milliseconds patience{2000};

}  // namespace

HoldUpWatch::HoldUpWatch(Client& client, const store::Fetch::Reader& reader)
    : client_(client),
      reader_(reader),
      next_look_(client.services.wheel, &HoldUpWatch::look, this) {
    if (!client.services.wheel.stopped()) next_look_.set(steady_now() + look_every);
}

HoldUpWatch::Progress HoldUpWatch::progress() const {
    Progress now;
    now.position = reader_.position();
    now.unacknowledged = client_.bytes_unacknowledged();
    return now;
}

void HoldUpWatch::look(void* self) {
    auto& watch = *static_cast<HoldUpWatch*>(self);
    if (watch.client_.services.wheel.stopped() || !watch.client_.connected()) return;
    const SteadyTime now = steady_now();
    watch.next_look_.set(now + look_every);
    if (!watch.reader_.holds_up_others()) {
        watch.still_since_.reset();
        return;
    }
    const Progress progress = watch.progress();
    if (!watch.still_since_ || progress != watch.last_) {
        watch.last_ = progress;
        watch.still_since_ = now;
        return;
    }
    if (now - *watch.still_since_ < patience) return;
    Exchange& exchange = watch.client_.exchange();
    exchange.outcome = exchange.outcome.client_stalled();
    exchange.keep_alive = false;
    watch.client_.reset();
}

}  // namespace larder::flow
