#include <spdlog/spdlog.h>
#include <sys/wait.h>

#include <algorithm>
#include <future>
#include <thread>

#include "redis/purge_text.hpp"
#include "server/server.hpp"
#include "server/service_manager.hpp"

// How a Server ends: on SIGTERM, and when a successor serves.
namespace larder::server {
namespace {

constexpr Milliseconds idle_grace{1000};
constexpr Milliseconds end_within{900};   // for the end of the process, after the drain
constexpr Milliseconds kept_within{200};  // for a last attempt to write a file of the state

void log_not_made(const char* what, const redis::PurgeItem& item) {
    std::string text;
    redis::append_line(item, text);
    text.pop_back();
    spdlog::error("{}: {}", what, text.substr(3));
}

}  // namespace

// Answers the requests under way with Connection: close, then closes the idle connections.
void Server::drain() {
    ready_ = false;
    hands_over_later_ = false;
    spdlog::info("draining");
    // A successor sent this SIGTERM: the service goes on in its process, which sends the rest.
    tell_service_manager(to_successor_->serves() ? "MAINPID=" + std::to_string(successor_)
                                                 : std::string("STOPPING=1"));
    const SteadyTime give_up = steady_now() + shared_.config.get()->settings.limits.drain_timeout;
    last_resort_.end_process_at(give_up + end_within);
    for (const auto& worker : workers_) {
        Worker* target = worker.get();
        target->post([this, target] {
            target->stop_accepting();
            if (to_successor_->serves()) target->services().late_writes.hand_over(*to_successor_);
        });
    }
    // The successor answers on the admin address, and it is ready.
    if (admin_ && to_successor_->serves()) admin_->stop_accepting();
    wait_until_drained(give_up);
    last_resort_.end_process_at(steady_now() + end_within);
    if (shared_.redis && !to_successor_->serves()) shared_.redis->say_goodbye();
    if (admin_) admin_->stop();
    {
        const std::scoped_lock lock(plans_mutex_);
        workers_take_plans_ = false;
    }
    for (const auto& worker : workers_) {
        Worker* target = worker.get();
        target->post([target] { target->stop(); });
    }
    for (const auto& worker : workers_) worker->join();
    if (from_predecessor_) from_predecessor_->close();
    settle_owed_purges();
    settle_planned_purges();
    to_successor_->finish();
    spdlog::info("done");
}

// The sum of `count` over all workers. A worker that does not answer by `give_up` counts as one.
std::size_t Server::sum_of_workers(SteadyTime give_up, std::size_t (*count)(Worker&)) const {
    std::size_t sum = 0;
    for (const auto& worker : workers_) {
        const auto answer = std::make_shared<std::promise<std::size_t>>();
        std::future<std::size_t> told = answer->get_future();
        Worker* target = worker.get();
        target->post([target, answer, count] { answer->set_value(count(*target)); });
        sum += told.wait_until(give_up) == std::future_status::ready ? told.get() : 1;
    }
    return sum;
}

// Whether Redis or a successor must still get purges from this process. Purges that are really on
// disk wait for the next start, unless Redis can be reached now.
bool Server::owes_purges(SteadyTime give_up) const {
    const bool concerns_others = shared_.redis || to_successor_->serves();
    if (concerns_others &&
        sum_of_workers(give_up, [](Worker& worker) { return worker.late_writes(); }) > 0)
        return true;
    if (!shared_.redis || to_successor_->owes() || shared_.redis->journal().empty()) return false;
    const bool reaches_redis = shared_.redis->fleet().breaker() != redis::RedisNode::Breaker::open;
    return reaches_redis || !owed_ ||
           !owed_->is_kept(std::min(give_up, steady_now() + kept_within));
}

void Server::wait_until_drained(SteadyTime give_up) {
    // Idle connections stay open for a moment, so that an active client gets `Connection: close`
    // with its next response instead of a reset.
    const SteadyTime idle_until = std::min(give_up, steady_now() + idle_grace);
    int quiet = 0;
    while (steady_now() < give_up) {
        const bool may_close_idle =
            steady_now() >= idle_until || shared_.connections.load(std::memory_order_relaxed) == 0;
        if (quiet >= 3 && may_close_idle && !owes_purges(give_up)) break;
        const std::size_t busy =
            sum_of_workers(give_up, [](Worker& worker) { return worker.busy(); });
        quiet = busy == 0 ? quiet + 1 : 0;
        std::this_thread::sleep_for(Milliseconds(20));
    }
}

// Keeps undelivered purges for the next start, or logs them. All workers have ended.
void Server::settle_owed_purges() {
    const bool is_alone = successor_ <= 0 || ::waitpid(successor_, nullptr, WNOHANG) == successor_;
    if (is_alone) to_successor_->end();
    if (to_successor_->serves())
        for (const auto& worker : workers_)
            worker->services().late_writes.hand_over(*to_successor_);
    if (shared_.redis && !to_successor_->owes()) {
        std::vector<redis::PurgeItem> owed;
        for (const auto& worker : workers_)
            for (const store::PlannedPurge& planned : worker->services().late_writes.planned())
                for (redis::PurgeItem& item : redis::items_of(planned.order))
                    owed.push_back(std::move(item));
        shared_.redis->journal().add(owed);
        const std::vector<redis::PurgeJournal::Entry> left = shared_.redis->journal().pending();
        if (left.empty()) return;
        if (owed_ && owed_->is_kept(steady_now() + kept_within)) {
            spdlog::warn("{} purges are owed to Redis and kept for the next start", left.size());
            return;
        }
        for (const redis::PurgeJournal::Entry& entry : left)
            log_not_made("not purged in Redis", entry.item);
    }
}

// Keeps the purges that are not due yet for the next start, with their time: it may come before
// their time. Logs them where they cannot be kept. All workers have ended. A successor writes the
// file itself, and has got the purges of this process.
void Server::settle_planned_purges() {
    if (planned_ && !planned_->follows()) return;
    if (!planned_ && shared_.redis) return;  // they count as owed now
    std::vector<store::PlannedPurge> left;
    {
        const std::scoped_lock lock(plans_mutex_);
        left.swap(waiting_plans_);
    }
    for (const auto& worker : workers_)
        for (store::PlannedPurge& purge : worker->services().late_writes.planned())
            left.push_back(std::move(purge));
    const bool is_kept = planned_ && planned_->leave_with(left, steady_now() + kept_within);
    if (is_kept && !left.empty())
        spdlog::warn("{} purges are planned for later and kept for the next start", left.size());
    if (is_kept) return;
    for (const store::PlannedPurge& purge : left)
        for (const redis::PurgeItem& item : redis::items_of(purge.order))
            log_not_made("planned for later and not purged", item);
}

}  // namespace larder::server
