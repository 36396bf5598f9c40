#include "redis/sentinel_watch.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <utility>

#include "net/detached.hpp"
#include "redis/shared.hpp"
#include "redis/transport.hpp"

namespace larder::redis {
using namespace std::chrono_literals;
namespace {

// A sentinel says that it is failing over for some rounds of its timer (50 to 100 ms each) and one
// INFO of the replica before it names the new master. So one question falls in between, and the old
// master is not used any more when the first client is sent to the new one.
constexpr Milliseconds ask_every = 100ms;
constexpr Milliseconds ask_again = 250ms;  // one that has not answered
constexpr Milliseconds longest_ask = sentinel_counts_for;
constexpr Milliseconds tell_doubt_every = 1s;

std::string reason_of(MasterDoubt doubt, const std::string& master) {
    switch (doubt) {
        case MasterDoubt::few:
            return "too few sentinels answer to be sure that " + master +
                   " has not been failed over";
        case MasterDoubt::outdated:
            return "the sentinels that answer have missed a failover of " + master;
        case MasterDoubt::failing_over:
            return "the sentinels are failing " + master + " over";
        case MasterDoubt::unheard:
        case MasterDoubt::none:
            break;
    }
    return "no sentinel says where the master " + master + " is";
}

}  // namespace

SentinelWatch::SentinelWatch(boost::asio::io_context& context, RedisShared& shared, RedisNode& node)
    : context_(context),
      shared_(shared),
      node_(node),
      words_(shared.config().url.addresses.size()) {
    for (const RedisAddress& address : shared.config().url.addresses)
        sentinels_.emplace_back(context, address);
}

void SentinelWatch::start() {
    for (std::size_t index = 0; index < sentinels_.size(); ++index)
        net::start_lasting(
            context_.get_executor(),
            [self = shared_from_this(), index] { return keep_asking(self, index); },
            "asking a sentinel");
}

void SentinelWatch::stop() {
    boost::asio::dispatch(context_, [self = shared_from_this()] {
        self->stopping_ = true;
        for (Sentinel& sentinel : self->sentinels_) {
            if (sentinel.transport) sentinel.transport->close();
            sentinel.limit_timer.cancel();
            sentinel.pause_timer.cancel();
        }
    });
}

Task<void> SentinelWatch::keep_asking(std::shared_ptr<SentinelWatch> self, std::size_t index) {
    Sentinel& sentinel = self->sentinels_[index];
    while (!self->stopping_) {
        const SteadyTime asked_at = steady_now();
        SentinelAnswer answer = co_await self->ask(sentinel);
        if (self->stopping_) break;
        const Milliseconds pause = answer.word ? ask_every : ask_again;
        self->take(index, std::move(answer), asked_at);
        sentinel.pause_timer.expires_after(pause);
        [[maybe_unused]] const auto [ignored] = co_await sentinel.pause_timer.async_wait(as_result);
    }
}

/// Asks it over the connection that is there, or over a new one. Keeps the connection of a sentinel
/// that has answered.
Task<SentinelAnswer> SentinelWatch::ask(Sentinel& sentinel) {
    const std::string& master = shared_.config().url.master;
    const bool is_known = sentinel.transport != nullptr;
    if (!is_known)
        sentinel.transport =
            std::make_shared<RedisTransport>(context_, shared_.config().sentinel_tls);
    const std::shared_ptr<RedisTransport> transport = sentinel.transport;
    sentinel.limit_timer.expires_after(std::min(longest_ask, shared_.settings().connect_timeout));
    sentinel.limit_timer.async_wait([transport](error_code error) {
        if (!error) transport->close();
    });
    SentinelAnswer answer;
    if (is_known) {
        answer = co_await ask_sentinel_again(transport, master);
    } else {
        answer = co_await ask_sentinel(transport, sentinel.address,
                                       shared_.settings().sentinel_password, master);
    }
    sentinel.limit_timer.cancel();
    if (!answer.word) {
        transport->close();
        sentinel.transport = nullptr;
    }
    co_return answer;
}

void SentinelWatch::take(std::size_t index, SentinelAnswer answer, SteadyTime asked_at) {
    Sentinel& sentinel = sentinels_[index];
    sentinel.was_asked = true;
    sentinel.problem = answer.word ? std::string() : std::move(answer.problem);
    if (answer.word) words_.heard(index, std::move(*answer.word), asked_at);
    tell_problems();
    judge();
}

void SentinelWatch::judge() {
    NodeAddress& address = node_.address();
    const RedisAddress present = address.target();
    const auto judgement = words_.judge(present, address.not_the_master(), steady_now());
    if (judgement.master && present.host.empty()) {
        address.set_target(*judgement.master);
    } else if (judgement.master && present != *judgement.master) {
        spdlog::info("redis {}: the sentinels name another master: {} in place of {}",
                     shared_.config().server_text, to_text(*judgement.master), to_text(present));
        node_.lead_to(*judgement.master);
    }
    node_.confirm_until(judgement.until);
    tell_doubt(judgement.doubt);
}

void SentinelWatch::tell_problems() {
    std::string problems;
    for (const Sentinel& sentinel : sentinels_) {
        if (!sentinel.was_asked) return;  // one line for all of them
        if (sentinel.problem.empty()) continue;
        if (!problems.empty()) problems += "; ";
        problems += "sentinel " + to_text(sentinel.address) + ": " + sentinel.problem;
    }
    if (problems == problems_told_) return;
    problems_told_ = problems;
    if (problems.empty()) return shared_.reporter().works(RedisWork::sentinels);
    shared_.reporter().failed(RedisWork::sentinels, RedisError::sentinel, problems, {});
}

/// Once a second while the doubt lasts. The maintenance tells of its end.
void SentinelWatch::tell_doubt(MasterDoubt doubt) {
    const SteadyTime now = steady_now();
    const bool all_asked = std::all_of(sentinels_.begin(), sentinels_.end(),
                                       [](const Sentinel& one) { return one.was_asked; });
    if (doubt == MasterDoubt::none || !all_asked || now - doubt_told_ < tell_doubt_every) return;
    doubt_told_ = now;
    shared_.reporter().failed(RedisWork::use, RedisError::sentinel,
                              reason_of(doubt, shared_.config().url.master), {});
}

}  // namespace larder::redis
