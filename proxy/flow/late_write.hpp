#pragma once
#include <map>
#include <memory>
#include <vector>

#include "flow/purge_relay.hpp"
#include "net/event.hpp"
#include "origin/pool.hpp"

namespace larder::http {
struct RequestHead;
}

namespace larder::origin {
struct Exchange;
}

namespace larder::flow {

struct Config;
struct Services;

/// Writes whose outcome larder does not know: timed out, cut off, or answered by a gateway that did
/// not know either. The origin may commit such a write after its purge, and what was read in
/// between would stay. So the purge is repeated after 2 s and after 10 s, and once more when the
/// answer comes after all. One worker's; only on its thread.
class LateWrites {
public:
    explicit LateWrites(Services& services);
    ~LateWrites();
    LateWrites(const LateWrites&) = delete;
    LateWrites& operator=(const LateWrites&) = delete;

    /// Repeats a purge that was just made after 2 s and after 10 s. A successor takes that over
    /// where there is one.
    void purge_again(const store::PurgeOrder& order);
    /// Purges once, then. Beyond a bound all that is planned becomes a purge of everything.
    void purge_at(store::PurgeOrder order, SteadyTime due);

    /// The origin has not answered in time, but its connection is open: listens on for
    /// `origin.idle_timeout`, at least 10 s, and purges by the answer. Takes the connection. Does
    /// nothing where too many are listened to already, or where `origin.max_connections` leaves few
    /// for other requests.
    void listen(const std::shared_ptr<const Config>& config, const http::RequestHead& request,
                origin::Exchange& exchange);

    /// How many purges are still to be repeated, and answers listened for.
    [[nodiscard]] std::size_t pending() const { return planned_.size() + listening_; }

    /// Gives all that is planned to the successor.
    void hand_over(PurgeRelay& relay);
    /// Ends it. What is planned stays planned: see `planned`.
    void stop();
    /// What was not repeated before the stop. Any thread, after the worker has ended.
    [[nodiscard]] std::vector<store::PurgeOrder> planned() const;

private:
    struct LateAnswer;

    net::Task<void> purge_when_due();
    net::Task<void> await_answer(std::shared_ptr<LateAnswer> answer);
    [[nodiscard]] store::PurgeOrder take_due(SteadyTime now);

    Services& services_;
    std::multimap<SteadyTime, store::PurgeOrder> planned_;
    net::Event changed_;
    std::size_t listening_ = 0;
    bool running_ = false;
    bool stopped_ = false;
};

}  // namespace larder::flow
