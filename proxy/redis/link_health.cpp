#include "redis/link_health.hpp"

#include <utility>

#include "redis/cluster_view.hpp"

namespace larder::redis {
namespace {

constexpr Milliseconds longest_stall{1000};

}  // namespace

void LinkHealth::connected_to(ServerIdentity identity, SteadyTime now) {
    identity_ = std::move(identity);
    stalled_since_ = now;
    set(State::stalled);
}

LinkHealth::State LinkHealth::disconnected() {
    return state_.exchange(State::disconnected, std::memory_order_acq_rel);
}

bool LinkHealth::doubt(SteadyTime now) {
    if (state() != State::ready) return false;
    stalled_since_ = now;
    set(State::stalled);
    return true;
}

// INFO tells at once that the server lives and whether it is still the same. A user that may not
// run INFO gets a refusal, which is a sign of life too.
RedisCommands LinkHealth::probe() const {
    RedisCommands commands;
    if (names_server()) commands.add("INFO", "replication");
    if (!names_server()) commands.add("PING");
    if (of_ == Of::cluster) commands.add("CLUSTER", "INFO");
    return commands;
}

LinkHealth::Verdict LinkHealth::judge(const std::vector<RedisReply>& replies, SteadyTime sent_at,
                                      SteadyTime now) {
    if (names_server() && !replies.empty() && replies.front().is_text()) {
        ServerIdentity found;
        read_info(replies.front().text, found);
        if (found.replica) return Verdict::replica;
        if (found.replication_id != identity_.replication_id) return Verdict::other_data;
    }
    if (of_ == Of::cluster && replies.size() > 1 && says_cluster_fails(replies[1].text)) {
        stalled_since_ = now;  // it answers: a new connection would not help
        set(State::stalled);
        return Verdict::no_cluster;
    }
    if (state() != State::stalled) return Verdict::alive;
    if (now - sent_at > timeout_) return Verdict::late;
    was_ready_ = true;
    set(State::ready);
    return Verdict::usable;
}

bool LinkHealth::hopeless(SteadyTime now) const {
    return state() == State::stalled && now - stalled_since_ > longest_stall;
}

bool LinkHealth::take_was_ready() { return std::exchange(was_ready_, false); }

}  // namespace larder::redis
