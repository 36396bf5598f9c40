#pragma once
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "flow/purge_relay.hpp"
#include "flow/purge_schedule.hpp"
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
struct WritePurge;

/// Writes with an unknown outcome: timed out, cut off, or answered with an error by a gateway. The
/// origin may commit such a write after the purge, and an entry that was read in between would stay
/// stale. So the purge is repeated after 2 s and after 10 s, and once more if the answer still
/// comes. Where larder cannot listen for the answer, the purge is repeated every few seconds for as
/// long as it would have listened. Belongs to one worker; only on its thread.
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
    /// Plans a purge in this process. When too many purges are planned, purges of everything
    /// replace them. `record`: of the first purge; null: it is not known.
    void plan(const store::PlannedPurge& purge, PurgeSchedule::Record record = nullptr);

    /// Waits for a late answer on the open connection, for `origin.idle_timeout` but at least 10 s,
    /// and purges when it comes. Takes the connection. Repeats the purge for that time instead if
    /// too many late answers are awaited, or if `origin.max_connections` leaves few connections for
    /// other requests; for the rest of that time, if the connection ends without an answer. `who`
    /// sent the write.
    void listen(const std::shared_ptr<const Config>& config, const http::RequestHead& request,
                origin::Exchange& exchange, std::string who, const WritePurge& purged);

    /// The rules have changed: what was planned by name finds the entries that are stored from now
    /// on, too.
    void follow_rules(const Config& before, const Config& now);

    /// Waits until a kill would not lose what was planned, if there is a state directory.
    [[nodiscard]] net::Task<void> until_kept();

    /// How many purges are planned and late answers awaited.
    [[nodiscard]] std::size_t pending() const { return schedule_.size() + listening_.size(); }

    /// Gives all planned purges to the successor.
    void hand_over(PurgeRelay& relay);
    /// Ends the repeats. What was planned stays in `planned`, also for the answers that are still
    /// awaited.
    void stop();
    /// The purges that were not made before the stop. Any thread, after the worker has ended.
    [[nodiscard]] std::vector<store::PlannedPurge> planned() const { return schedule_.all(); }

private:
    struct LateAnswer;

    net::Task<void> purge_when_due();
    net::Task<void> await_answer(std::shared_ptr<LateAnswer> answer);
    void arrange(store::PlannedPurge purge, PurgeSchedule::Record record);
    void tell(const store::PlannedPurge& purge);
    void repeat_until(const store::PurgeOrder& order, SteadyTime until);
    void log_not_listening(bool too_many);

    Services& services_;
    PurgeSchedule schedule_;
    net::Event changed_;
    std::unordered_set<const LateAnswer*> listening_;
    SteadyTime log_again_at_{};
    bool running_ = false;
    bool stopped_ = false;
};

}  // namespace larder::flow
