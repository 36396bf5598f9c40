#include "redis/confirmer.hpp"

#include <boost/asio/dispatch.hpp>
#include <utility>

#include "net/detached.hpp"
#include "redis/link.hpp"
#include "redis/shared.hpp"

namespace larder::redis {
namespace {

// A third of the time that a word counts, so that one late answer closes nothing.
constexpr Milliseconds ask_every = word_counts_for / 3;

}  // namespace

MasterConfirmer::MasterConfirmer(boost::asio::io_context& context, RedisShared& shared)
    : context_(context), shared_(shared), fleet_(shared.fleet()), timer_(context) {}

void MasterConfirmer::start() {
    net::start_lasting(
        context_.get_executor(), [self = shared_from_this()] { return keep(self); },
        "confirming the masters of the Redis cluster");
}

void MasterConfirmer::stop() {
    boost::asio::dispatch(context_, [self = shared_from_this()] {
        self->stopping_ = true;
        self->timer_.cancel();
    });
}

Task<void> MasterConfirmer::keep(std::shared_ptr<MasterConfirmer> self) {
    while (!self->stopping_) {
        // A change of the map may change how many words are needed.
        self->tell_nodes();
        const std::vector<int> lanes = self->fleet_.in_use();
        const bool asks = words_needed(static_cast<int>(lanes.size())) > 0;
        for (const int lane : lanes) {
            if (!asks ||
                std::exchange(self->masters_[static_cast<std::size_t>(lane)].is_asked, true))
                continue;
            net::start_detached(self->context_.get_executor(), ask(self, lane),
                                "asking a master about the others");
        }
        self->timer_.expires_after(ask_every);
        [[maybe_unused]] const auto [ignored] = co_await self->timer_.async_wait(as_result);
    }
}

Task<void> MasterConfirmer::ask(std::shared_ptr<MasterConfirmer> self, int lane) {
    RedisNode& node = self->fleet_.lane(lane);
    const std::shared_ptr<RedisLink> link = node.links().of_worker(0);
    const RedisAddress address = node.address().target();
    const auto batch = std::make_shared<RedisBatch>();
    const SteadyTime asked_at = steady_now();
    batch->deadline = asked_at + self->shared_.settings().timeout;
    batch->work = RedisWork::use;
    batch->commands.add("CLUSTER", "NODES");
    if (link) co_await link->async_run(batch);
    self->masters_[static_cast<std::size_t>(lane)].is_asked = false;
    if (!link || batch->status != RedisBatch::Status::ok || !batch->replies[0].is_text()) co_return;
    const std::optional<NodeWord> word = read_word(batch->replies[0].text);
    if (word) self->take(*word, lane, address, asked_at);
}

void MasterConfirmer::take(const NodeWord& word, int lane, RedisAddress address,
                           SteadyTime asked_at) {
    Master& master = masters_[static_cast<std::size_t>(lane)];
    master.address = std::move(address);
    master.id = word.myself;
    confirmations_.heard(word, asked_at);
    tell_nodes();
}

void MasterConfirmer::tell_nodes() {
    const std::vector<int> lanes = fleet_.in_use();
    for (const int lane : lanes) {
        const Master& master = masters_[static_cast<std::size_t>(lane)];
        RedisNode& node = fleet_.lane(lane);
        const bool is_known = !master.id.empty() && node.address().target() == master.address;
        const int count = static_cast<int>(lanes.size());
        if (words_needed(count) <= 0) {
            node.confirm_until(SteadyTime::max());
        } else {
            node.confirm_until(is_known ? confirmations_.until(master.id, count) : SteadyTime{});
        }
    }
}

}  // namespace larder::redis
