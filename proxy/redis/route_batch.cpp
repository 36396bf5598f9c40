#include "redis/route_batch.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>
#include <vector>

#include "redis/link.hpp"
#include "redis/shared.hpp"

namespace larder::redis {
namespace {

using namespace std::chrono_literals;
using Timer =
    boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor>;

constexpr int rounds_max = 8;
constexpr Milliseconds first_pause = 2ms;  // while a slot is being moved
constexpr Milliseconds longest_pause = 20ms;

/// One command that has no answer yet.
struct Open {
    std::size_t index = 0;  ///< in the batch
    int slot = -1;          ///< -1: it has no key
    int ask = -1;           ///< not -1: the lane that the slot is being moved to
};

/// The commands that go to one node.
struct Part {
    int lane = RedisFleet::no_lane;
    std::shared_ptr<RedisLink> link;
    std::uint64_t epoch = 0;
    RedisBatchPointer batch;
    std::vector<Open> commands;
    std::vector<std::size_t> replies;  ///< where in the part's replies each command's is
};

/// Parts that are under way. The last one to end resumes the caller.
struct Round {
    std::atomic<std::size_t> open{1};
    std::unique_ptr<RedisBatch::Completion> done;

    void end_one() {
        if (open.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        const std::unique_ptr<RedisBatch::Completion> last = std::move(done);
        last->run();
    }
};

struct PartDone final : RedisBatch::Completion {
    explicit PartDone(std::shared_ptr<Round> round_in) : round(std::move(round_in)) {}
    void run() override { round->end_one(); }
    std::shared_ptr<Round> round;
};

struct SendAll {
    std::vector<Part>* parts;
    template <class Handler>
    void operator()(Handler&& handler) const {
        const auto round = std::make_shared<Round>();
        round->done =
            std::make_unique<CompletionOf<std::decay_t<Handler>>>(std::forward<Handler>(handler));
        round->open += parts->size();
        // The caller may resume, and the parts be gone, as soon as the last one has ended.
        for (Part& part : *parts) {
            part.batch->completion = std::make_unique<PartDone>(round);
            part.link->send(part.batch);
        }
        round->end_one();
    }
};

auto async_send_all(std::vector<Part>& parts) {
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
        SendAll{&parts}, as_awaitable);
}

/// One batch on its way through the cluster.
struct Journey {
    RedisShared& shared;
    RedisFleet& fleet;
    const int worker;
    RedisBatch& batch;
    std::vector<Open> open{};
    std::vector<Part> parts{};
    std::vector<std::size_t> failed{};  ///< commands that were not answered
    RedisBatch::Status failure = RedisBatch::Status::down;
    bool pauses = false;  ///< a slot is being moved: wait a little before the next round
    bool asks_again = true;

    /// Where a command without a key goes: to any node, but where one can choose to none that this
    /// batch has just purged, so that the death of one node does not take both.
    [[nodiscard]] int any_lane() const {
        int found = RedisFleet::no_lane;
        for (const int lane : fleet.in_use())
            if (fleet.lane(lane).usable_link(nullptr)) found = lane;
        return found;
    }
    [[nodiscard]] bool is_optional(const Open& command) const {
        return command.index >= batch.optional_from;
    }
    void fail(const Open& command, RedisBatch::Status status) {
        if (is_optional(command)) return;
        failed.push_back(command.index);
        failure = status;
    }
    bool add_to_part(const Open& command);
    Part* part_for(int lane);
    void make_parts();
    void read(Part& part);
    void take_redirect(const Open& command, const Redirect& redirect, std::vector<Open>& again);
};

/// Null: the lane's node cannot be used now.
Part* Journey::part_for(int lane) {
    const auto known = std::find_if(parts.begin(), parts.end(),
                                    [&](const Part& part) { return part.lane == lane; });
    if (known != parts.end()) return &*known;
    RedisNode& node = fleet.lane(lane);
    std::shared_ptr<RedisLink> link = node.links().of_worker(worker);
    if (!batch.trusted) link = node.usable_link(link);
    if (!link || (batch.trusted && !node.is_fit(*link))) return nullptr;
    const bool its_own =
        batch.epoch != 0 && batch.epoch_slot >= 0 && lane == fleet.lane_of(batch.epoch_slot);
    if (its_own && node.epochs().cleared() != batch.epoch) return nullptr;
    Part part;
    part.lane = lane;
    part.epoch = batch.trusted ? node.epochs().cleared() : link->epoch();
    part.link = std::move(link);
    part.batch = std::make_shared<RedisBatch>();
    part.batch->deadline = batch.deadline;
    part.batch->epoch = part.epoch;
    part.batch->needs = batch.needs;
    part.batch->work = batch.work;
    return &parts.emplace_back(std::move(part));
}

bool Journey::add_to_part(const Open& command) {
    const bool owed = batch.trusted && command.slot >= 0 &&
                      (shared.journal().owed() & bit_of_group(group_of_slot(command.slot))) != 0;
    int lane = command.slot < 0 ? any_lane() : fleet.lane_of(command.slot);
    if (command.ask >= 0) lane = command.ask;
    Part* const part = owed || lane == RedisFleet::no_lane ? nullptr : part_for(lane);
    if (part == nullptr) return false;
    RedisCommands& commands = part->batch->commands;
    if (command.ask >= 0) {
        commands.add("ASKING");
        // A script that is refused would be sent again without the word before it.
        part->batch->scripts_whole = true;
    }
    part->replies.push_back(commands.count());
    part->commands.push_back(command);
    commands.add_from(batch.commands, command.index);
    return true;
}

void Journey::make_parts() {
    parts.clear();
    for (const Open& command : open)
        if (!add_to_part(command)) fail(command, RedisBatch::Status::down);
    open.clear();
}

void Journey::take_redirect(const Open& command, const Redirect& redirect,
                            std::vector<Open>& again) {
    Open next{command.index, command.slot, -1};
    if (redirect.kind == Redirect::Kind::moved || redirect.kind == Redirect::Kind::ask) {
        const int lane = fleet.lane_at(redirect.address);
        if (redirect.kind == Redirect::Kind::moved) shared.map_is_old();
        if (lane == RedisFleet::no_lane) return fail(command, RedisBatch::Status::down);
        if (redirect.kind == Redirect::Kind::moved) fleet.move_slot(redirect.slot, lane);
        if (redirect.kind == Redirect::Kind::ask) next.ask = lane;
    } else if (redirect.kind == Redirect::Kind::down) {
        shared.map_is_old();
        return fail(command, RedisBatch::Status::down);
    } else {
        pauses = true;
    }
    again.push_back(next);
}

/// Takes the part's replies over. What was refused, and what follows it in its slot, is open again.
void Journey::read(Part& part) {
    using Status = RedisBatch::Status;
    const RedisNode& node = fleet.lane(part.lane);
    Status status = part.batch->status;
    // What another server has acknowledged since, or this one no longer as the current, proves
    // nothing.
    if (status == Status::ok && (node.epochs().current() != part.epoch || node.is_doubtful()))
        status = Status::down;
    std::vector<Open> again;
    for (std::size_t i = 0; i < part.commands.size(); ++i) {
        const Open& command = part.commands[i];
        if (status != Status::ok) {
            fail(command, status);
            continue;
        }
        const auto same_slot = [&](const Open& one) { return one.slot == command.slot; };
        const auto before = std::find_if(again.begin(), again.end(), same_slot);
        if (before != again.end()) {
            again.push_back({command.index, command.slot, -1});
            continue;
        }
        RedisReply& reply = part.batch->replies[part.replies[i]];
        Redirect redirect = read_redirect(reply);
        if (redirect.address.host.empty()) redirect.address.host = node.address().target().host;
        const bool refused = redirect.kind != Redirect::Kind::none &&
                             (redirect.kind != Redirect::Kind::try_again || asks_again);
        if (refused) take_redirect(command, redirect, again);
        if (!refused) batch.replies[command.index] = std::move(reply);
    }
    open.insert(open.end(), again.begin(), again.end());
}

/// Whether the node that gave the batch's epoch is still the one of its slot.
bool has_its_server(const Journey& journey) {
    if (journey.batch.epoch == 0 || journey.batch.epoch_slot < 0) return true;
    const int lane = journey.fleet.lane_of(journey.batch.epoch_slot);
    return lane != RedisFleet::no_lane &&
           journey.fleet.lane(lane).epochs().may_read(journey.batch.epoch);
}

}  // namespace

Task<void> run_in_cluster(RedisShared& shared, int worker, RedisBatchPointer batch) {
    using Status = RedisBatch::Status;
    const auto executor = co_await boost::asio::this_coro::executor;
    Journey journey{shared, shared.fleet(), worker, *batch};
    // A read or a fill has other ways than to wait for a slot that is being moved.
    journey.asks_again = !batch->trusted;
    batch->replies.assign(batch->commands.count(), RedisReply{});
    for (std::size_t i = 0; i < batch->commands.count(); ++i) {
        const auto key = batch->commands.key(i);
        journey.open.push_back({i, key ? static_cast<int>(slot_of(*key)) : -1, -1});
    }
    Milliseconds pause = first_pause;
    Timer timer(executor);
    for (int round = 0; !journey.open.empty(); ++round) {
        const bool late = round == rounds_max || steady_now() >= batch->deadline;
        if (late || !has_its_server(journey)) {
            for (const Open& command : journey.open)
                journey.fail(command, late ? Status::timeout : Status::down);
            break;
        }
        journey.make_parts();
        if (journey.parts.empty()) break;
        co_await async_send_all(journey.parts);
        for (Part& part : journey.parts) journey.read(part);
        if (!std::exchange(journey.pauses, false)) continue;
        timer.expires_at(std::min(steady_now() + pause, batch->deadline));
        [[maybe_unused]] const auto [ignored] = co_await timer.async_wait(as_result);
        pause = std::min(pause * 2, longest_pause);
    }
    const bool good = journey.failed.empty() && has_its_server(journey);
    batch->status = good ? Status::ok : journey.failure;
}

}  // namespace larder::redis
