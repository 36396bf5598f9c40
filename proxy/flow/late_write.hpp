#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flow/purge_relay.hpp"
#include "net/event.hpp"
#include "origin/pool.hpp"

namespace larder::http {
struct RequestHead;
}

namespace larder::observe {
struct PurgeRecord;
}

namespace larder::origin {
struct Exchange;
}

namespace larder::flow {

struct Config;
struct Services;
struct WritePurge;

/// Writes with an unknown outcome: timed out, cut off, or answered with an error by a gateway. The
/// origin may commit such a write after the purge, and an entry that was read in between would stay
/// stale. So the purge is repeated after 2 s and after 10 s, and once more if the answer still
/// comes. Belongs to one worker; only on its thread.
class LateWrites {
public:
    explicit LateWrites(Services& services);
    ~LateWrites();
    LateWrites(const LateWrites&) = delete;
    LateWrites& operator=(const LateWrites&) = delete;

    /// Repeats a purge after 2 s and after 10 s. If there is a successor, it takes over both.
    void purge_again(const WritePurge& purged);
    /// Repeats a purge once, after `delay`. If there is a successor, it takes it over.
    void purge_after(const WritePurge& purged, Milliseconds delay);
    /// Purges once, at `due`. When too many purges are planned, one purge of everything replaces
    /// them. `record`: of the first purge; null: it is not known.
    void purge_at(store::PurgeOrder order, SteadyTime due,
                  std::shared_ptr<const observe::PurgeRecord> record = nullptr);

    /// Waits for a late answer on the open connection, for `origin.idle_timeout` but at least 10 s,
    /// and purges when it comes. Takes the connection. Does nothing if too many late answers are
    /// awaited, or if `origin.max_connections` leaves few connections for other requests. `who`
    /// sent the write.
    void listen(const std::shared_ptr<const Config>& config, const http::RequestHead& request,
                origin::Exchange& exchange, std::string who);

    /// How many purges are planned and late answers awaited.
    [[nodiscard]] std::size_t pending() const { return planned_.size() + listening_; }

    /// Gives all planned purges to the successor.
    void hand_over(PurgeRelay& relay);
    /// Ends the repeats. Planned purges stay in `planned`.
    void stop();
    /// The purges that were not repeated before the stop. Any thread, after the worker has ended.
    [[nodiscard]] std::vector<store::PurgeOrder> planned() const;

private:
    struct LateAnswer;
    struct Planned {
        store::PurgeOrder order;
        std::shared_ptr<const observe::PurgeRecord> record;
    };
    using Records = std::vector<std::shared_ptr<const observe::PurgeRecord>>;

    net::Task<void> purge_when_due();
    net::Task<void> await_answer(std::shared_ptr<LateAnswer> answer);
    void plan(const store::PurgeOrder& order, SteadyTime due);
    [[nodiscard]] store::PurgeOrder take_due(SteadyTime now, Records& records);

    Services& services_;
    std::multimap<SteadyTime, Planned> planned_;
    net::Event changed_;
    std::size_t listening_ = 0;
    bool running_ = false;
    bool stopped_ = false;
};

}  // namespace larder::flow
