#include "redis/cluster_watch.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "net/detached.hpp"
#include "redis/bulk.hpp"
#include "redis/confirmer.hpp"
#include "redis/handshake.hpp"
#include "redis/link.hpp"
#include "redis/maintenance.hpp"
#include "redis/read_replies.hpp"
#include "redis/shared.hpp"
#include "redis/subscriber.hpp"

namespace larder::redis {
namespace asio = boost::asio;
using namespace std::chrono_literals;
namespace {

constexpr Milliseconds look_every = 1s;
constexpr Milliseconds look_again = 100ms;  // while something is not as it should be
constexpr Milliseconds shortest_pause = 20ms;
constexpr Milliseconds longest_ask = 1s;

RedisCommands questions() {
    RedisCommands commands;
    commands.add("CLUSTER", "INFO").add("CLUSTER", "SLOTS");
    return commands;
}

/// One question to several addresses at once. It ends with the last answer, which may come after
/// the caller has gone on.
struct Round {
    Round(asio::io_context& context_in, RedisShared& shared_in)
        : context(context_in), shared(shared_in), answered(context_in) {}
    asio::io_context& context;
    RedisShared& shared;
    asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, Executor> answered;
    std::size_t open = 0;
    std::optional<ClusterView> view;
    RedisAddress asked;
    RedisError reason = RedisError::connect;
    std::string problem;
};

Task<bool> exchange(std::shared_ptr<RedisTransport> transport, RedisCommands commands,
                    std::vector<RedisReply>& replies) {
    const std::size_t expected = commands.count();
    const auto bytes = std::make_shared<const std::string>(std::move(commands.bytes()));
    transport->write(asio::buffer(*bytes), [transport, bytes](error_code) {});
    RedisReplyReader reader;
    const bool good = co_await read_replies(std::move(transport), reader, expected, replies);
    co_return good;
}

Task<void> ask_one(std::shared_ptr<Round> round, RedisAddress address, Milliseconds longest) {
    const auto transport =
        std::make_shared<RedisTransport>(round->context, round->shared.config().tls);
    asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, Executor> timer(
        round->context);
    timer.expires_after(longest);
    timer.async_wait([transport](error_code error) {
        if (!error) transport->close();
    });
    const error_code failed =
        co_await transport->connect(RedisUrl::Kind::cluster, address, std::string());
    std::vector<RedisReply> replies;
    bool answered = false;
    if (!failed) {
        RedisCommands commands;
        add_authentication(commands, round->shared.config().url);
        commands.add("CLUSTER", "INFO").add("CLUSTER", "SLOTS");
        answered = co_await exchange(transport, std::move(commands), replies);
    }
    transport->close();
    if (failed) {
        round->reason = classify_error(failed);
        round->problem = to_text(address) + ": " + failed.message();
    }
    const auto refusal = std::find_if(replies.begin(), replies.end(),
                                      [](const RedisReply& reply) { return reply.is_error(); });
    if (refusal != replies.end()) {
        round->reason = classify_reply(refusal->text);
        round->problem = refusal->text;
    } else if (answered && !round->view) {
        round->view = read_view(replies[replies.size() - 2], replies.back(), address);
        if (round->view && round->view->ranges.empty()) round->view.reset();
        if (round->view) round->asked = address;
    }
    --round->open;
    round->answered.cancel();
}

}  // namespace

ClusterWatch::ClusterWatch(asio::io_context& context, RedisShared& shared)
    : context_(context), shared_(shared), fleet_(shared.fleet()), timer_(context) {}

ClusterWatch::~ClusterWatch() = default;

void ClusterWatch::start() {
    shared_.map_waker().set([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->wake();
    });
    process_ = std::make_shared<RedisMaintenance>(context_, shared_, fleet_.first(), nullptr,
                                                  RedisMaintenance::Keeps::process);
    process_->start();
    confirmer_ = std::make_shared<MasterConfirmer>(context_, shared_);
    confirmer_->start();
    shared_.maintenance_waker().set([weak = weak_from_this()] {
        if (const auto self = weak.lock())
            asio::post(self->context_, [self] { self->wake_maintenance(); });
    });
    net::start_lasting(
        context_.get_executor(), [self = shared_from_this()] { return keep(self); },
        "watching the Redis cluster");
}

void ClusterWatch::stop() {
    shared_.map_waker().set(nullptr);
    shared_.maintenance_waker().set(nullptr);
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (process_) process_->stop();
    if (confirmer_) confirmer_->stop();
    for (std::size_t index = 0; index < lanes_.size(); ++index) {
        Lane& lane = lanes_[index];
        if (lane.maintenance) lane.maintenance->stop();
        if (lane.subscriber) lane.subscriber->stop();
        if (lane.bulk) lane.bulk->stop();
        for (const auto& link : lane.links) link->stop();
        RedisLinks& links = fleet_.lane(static_cast<int>(index)).links();
        for (int place = 0; place < links.places(); ++place) links.set(place, nullptr);
        links.set_bulk(nullptr);
    }
    lanes_.clear();
    asio::dispatch(context_, [self = shared_from_this()] { self->timer_.cancel(); });
}

void ClusterWatch::wake_maintenance() {
    const std::lock_guard lock(mutex_);
    process_->wake();
    for (const Lane& lane : lanes_)
        if (lane.maintenance) lane.maintenance->wake();
}

void ClusterWatch::wake() {
    asio::post(context_, [self = shared_from_this()] {
        self->woken_ = true;
        self->timer_.cancel();
    });
}

bool ClusterWatch::is_any_doubtful() const {
    const std::vector<int> lanes = fleet_.in_use();
    return std::any_of(lanes.begin(), lanes.end(),
                       [this](int lane) { return fleet_.lane(lane).is_doubtful(); });
}

bool ClusterWatch::is_settled() const { return fleet_.up() && !is_any_doubtful(); }

Task<void> ClusterWatch::keep(std::shared_ptr<ClusterWatch> self) {
    while (!self->stopping_) {
        self->woken_ = false;
        const SteadyTime began = steady_now();
        co_await self->look();
        if (self->stopping_) break;
        const Milliseconds pause = self->is_settled() ? look_every : look_again;
        // Woken early, it still does not ask more often than this.
        self->timer_.expires_at(began + (self->woken_ ? shortest_pause : pause));
        [[maybe_unused]] const auto [ignored] = co_await self->timer_.async_wait(as_result);
        if (steady_now() - began >= shortest_pause || self->stopping_) continue;
        self->timer_.expires_at(began + shortest_pause);
        [[maybe_unused]] const auto [again] = co_await self->timer_.async_wait(as_result);
    }
}

Task<void> ClusterWatch::look() {
    bool answered = false;
    const std::vector<int> lanes = fleet_.in_use();
    const int turn = next_++;
    for (std::size_t i = 0; i < lanes.size(); ++i) {
        if (answered && !is_any_doubtful()) break;
        const int lane = lanes[(static_cast<std::size_t>(turn) + i) % lanes.size()];
        const bool one = co_await ask_lane(lane);
        answered |= one;
    }
    if (!answered) co_await ask_addresses();
}

Task<bool> ClusterWatch::ask_lane(int lane) {
    RedisNode& node = fleet_.lane(lane);
    const std::shared_ptr<RedisLink> link = node.links().of_worker(0);
    if (!link || !link->usable()) co_return false;
    const auto batch = std::make_shared<RedisBatch>();
    const SteadyTime asked_at = steady_now();
    batch->deadline = asked_at + shared_.settings().timeout;
    batch->commands = questions();
    const RedisAddress asked = node.address().target();
    co_await link->async_run(batch);
    if (batch->status != RedisBatch::Status::ok) co_return false;
    const auto view = read_view(batch->replies[0], batch->replies[1], asked);
    if (!view) co_return false;
    take(*view, asked_at, asked);
    co_return true;
}

Task<void> ClusterWatch::ask_addresses() {
    std::vector<RedisAddress> addresses = shared_.config().url.addresses;
    for (const int lane : fleet_.in_use()) {
        const RedisAddress known = fleet_.lane(lane).address().target();
        if (std::find(addresses.begin(), addresses.end(), known) == addresses.end())
            addresses.push_back(known);
    }
    const auto round = std::make_shared<Round>(context_, shared_);
    round->open = addresses.size();
    const SteadyTime asked_at = steady_now();
    const Milliseconds longest = std::min(longest_ask, shared_.settings().connect_timeout);
    for (const RedisAddress& address : addresses)
        net::start_detached(context_.get_executor(), ask_one(round, address, longest),
                            "asking a node of the Redis cluster");
    while (!round->view && round->open != 0 && steady_now() < asked_at + longest) {
        round->answered.expires_at(asked_at + longest);
        [[maybe_unused]] const auto [ignored] = co_await round->answered.async_wait(as_result);
    }
    if (stopping_) co_return;
    if (round->view) {
        take(*round->view, asked_at, round->asked);
    } else if (!round->problem.empty()) {
        shared_.reporter().failed(RedisWork::use, round->reason, round->problem, "CLUSTER");
    } else {
        shared_.reporter().failed(RedisWork::use, RedisError::connect_timeout,
                                  "no node of the cluster answers", {});
    }
}

void ClusterWatch::take(const ClusterView& view, SteadyTime asked_at, const RedisAddress& asked) {
    const std::lock_guard lock(mutex_);
    if (stopping_ || view.ranges.empty() || !judge_.accepts(view, steady_now())) return;
    const RedisFleet::Changes changes = fleet_.apply(view.ranges);
    const std::vector<int> lanes = fleet_.in_use();
    for (const int lane : changes.begun) begin_lane(lane, lanes.size());
    for (const int lane : lanes) {
        RedisNode& node = fleet_.lane(lane);
        const bool by_itself = node.address().target() == asked;
        if (!by_itself || lanes.size() == 1) node.confirmed(asked_at);
    }
    if (changes.any) shared_.wake_maintenance();
}

/// Makes the connections of a lane that has none yet. They last: where the lane has no master any
/// more, they rest.
void ClusterWatch::begin_lane(int index, std::size_t masters) {
    if (lanes_.size() <= static_cast<std::size_t>(index))
        lanes_.resize(static_cast<std::size_t>(index) + 1);
    Lane& lane = lanes_[static_cast<std::size_t>(index)];
    if (!lane.links.empty()) return;
    RedisNode& node = fleet_.lane(index);
    const std::vector<asio::io_context*> contexts = shared_.contexts();
    const int each = shared_.config().connections_max / static_cast<int>(masters);
    const bool has_subscriber = each > 1;
    const bool has_bulk = each > 2;
    const int most = std::min(node.links().places(), static_cast<int>(contexts.size()));
    const int count =
        std::clamp(each - (has_subscriber ? 1 : 0) - (has_bulk ? 1 : 0), 1, std::max(most, 1));
    for (int place = 0; place < count; ++place) {
        asio::io_context& context = *contexts[static_cast<std::size_t>(place)];
        lane.links.push_back(std::make_shared<RedisLink>(context, shared_, node));
        node.links().set(place, lane.links.back());
    }
    lane.maintenance = std::make_shared<RedisMaintenance>(
        context_, shared_, node, lane.links.front(), RedisMaintenance::Keeps::node);
    lane.maintenance->start();
    if (has_subscriber) {
        lane.subscriber = std::make_shared<RedisSubscriber>(context_, shared_, node);
        lane.subscriber->start();
    }
    if (has_bulk) {
        lane.bulk = std::make_shared<RedisBulk>(context_, shared_, node);
        node.links().set_bulk(lane.bulk);
    }
    for (const auto& link : lane.links) link->start();
}

}  // namespace larder::redis
