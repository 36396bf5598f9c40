#include "redis/node.hpp"

#include <doctest/doctest.h>

#include "redis/sweep_queue.hpp"
#include "store/generations.hpp"

namespace larder::redis {
namespace {

using namespace std::chrono_literals;

/// What all nodes of a process have in common.
struct Process {
    store::Generations generations;
    store::MemoryStore memory{1 << 20, generations};
    MemoryTrust trust{&memory};
    PurgeJournal journal;
    SharedCallback wake_maintenance;
};

TEST_CASE("each new name of a server is a new epoch, which must be cleared before it is read") {
    ServerEpochs epochs;
    CHECK(epochs.current() == 0);
    const auto first = epochs.register_server("run-1:data-1");
    CHECK(first.is_new);
    CHECK(epochs.current() == first.epoch);
    CHECK_FALSE(epochs.may_read(first.epoch));
    epochs.clear(first.epoch);
    CHECK(epochs.may_read(first.epoch));

    const auto again = epochs.register_server("run-1:data-1");
    CHECK_FALSE(again.is_new);
    CHECK(again.epoch == first.epoch);
    CHECK(epochs.may_read(first.epoch));

    const auto restarted = epochs.register_server("run-2:data-1");
    CHECK(restarted.is_new);
    CHECK(restarted.epoch > first.epoch);
    CHECK(epochs.server() == "run-2:data-1");
    CHECK_FALSE(epochs.may_read(first.epoch));
    CHECK_FALSE(epochs.may_read(restarted.epoch));
    // The server of before comes back: it may have forgotten what was purged meanwhile.
    CHECK(epochs.register_server("run-1:data-1").epoch > restarted.epoch);
}

TEST_CASE("an epoch ends once, and takes the server's name and the nonce with it") {
    ServerEpochs epochs;
    const std::string nonce = epochs.nonce();
    const auto met = epochs.register_server(nonce);
    epochs.clear(met.epoch);
    CHECK(epochs.end(met.epoch));
    CHECK_FALSE(epochs.end(met.epoch));
    CHECK(epochs.server().empty());
    CHECK(epochs.nonce() != nonce);
    CHECK_FALSE(epochs.may_read(met.epoch));
    CHECK(epochs.register_server(nonce).is_new);
}

TEST_CASE("the id of all entries is taken only if no change was heard of since it was asked for") {
    KnownValue everything;
    const auto version = everything.version();
    everything.set(7, version);
    CHECK(everything.get() == 7);
    everything.forget();
    CHECK(everything.get() == 0);
    everything.set(7, version);
    CHECK(everything.get() == 0);
    everything.set(8, everything.version());
    CHECK(everything.get() == 8);
}

TEST_CASE("a mark proves nothing if news was missed while it was written, or later") {
    HistoryMarks marks;
    const auto version = marks.version();
    marks.news_missed();
    marks.set({"a"}, version);
    CHECK(marks.names().empty());
    marks.set({"a"}, marks.version());
    marks.adopt("b");
    CHECK(marks.names() == std::vector<std::string>{"a", "b"});
    marks.news_missed();
    CHECK(marks.names().empty());
}

TEST_CASE("the sweep's queue is bounded, and keeps an id until it is due") {
    SweepQueue queue(2);
    const SteadyTime now = steady_now();
    CHECK(queue.next(now).empty());
    CHECK(queue.add("a", now));
    CHECK(queue.add("b", now));
    CHECK_FALSE(queue.add("c", now));
    CHECK(queue.next(now) == "a");
    CHECK(queue.add("c", now + 1s));
    CHECK(queue.next(now) == "b");
    CHECK(queue.next(now).empty());
    CHECK(queue.next(now + 1s) == "c");
    CHECK(queue.next(now + 1s).empty());
}

TEST_CASE("a subscriber counts only while it is connected to the server of the links") {
    Process process;
    RedisNode node(1, process.journal, process.trust, process.wake_maintenance);
    int ended = 0;
    node.subscriber_ender().set([&] { ++ended; });
    node.set_subscriber(42, "run-1:data-1");
    CHECK(node.subscriber() == 0);
    CHECK(node.hears_another_server());
    static_cast<void>(node.register_server("run-1:data-1", nullptr));
    CHECK(node.subscriber() == 42);
    CHECK_FALSE(node.hears_another_server());
    CHECK(node.take_presence_due());
    CHECK(ended == 0);

    SUBCASE("it is proved, and the memory tier is trusted for less than a second from then") {
        const SteadyTime now = steady_now();
        node.subscriber_proved(now);
        CHECK(node.heard_until() == now);
        CHECK(node.memory_trusted_until() == now + 900ms);
    }
    SUBCASE("the links find another server: it is ended, and the memory tier is not trusted") {
        node.subscriber_proved(steady_now());
        static_cast<void>(node.register_server("run-2:data-1", nullptr));
        CHECK(ended == 1);
        CHECK(node.subscriber() == 0);
        CHECK(node.heard_until() == SteadyTime{});
        CHECK(node.memory_trusted_until() == SteadyTime{});
        node.subscriber_proved(steady_now());
        CHECK(node.memory_trusted_until() == SteadyTime{});
    }
    SUBCASE("it is lost") {
        node.subscriber_proved(steady_now());
        node.set_subscriber(0, {});
        CHECK(node.subscriber() == 0);
        CHECK_FALSE(node.hears_another_server());
        CHECK(node.memory_trusted_until() == SteadyTime{});
    }
    SUBCASE("the epoch of an unnamed server ends") {
        node.end_epoch(node.epochs().current());
        CHECK(node.subscriber() == 0);
    }
}

TEST_CASE("the id of all entries is known while the subscriber is proved, and of this server") {
    Process process;
    RedisNode node(1, process.journal, process.trust, process.wake_maintenance);
    const std::uint64_t epoch = node.register_server("run-1:data-1", nullptr);
    node.set_subscriber(42, "run-1:data-1");
    const auto version = node.everything_version();
    node.set_everything(7, version, epoch + 1);
    CHECK_FALSE(node.knows_everything_id());
    node.set_everything(7, version, epoch);
    CHECK(node.knows_everything_id());
    CHECK(node.everything_id() == 0);
    node.subscriber_proved(steady_now());
    CHECK(node.everything_id() == 7);
    static_cast<void>(node.register_server("run-2:data-1", nullptr));
    CHECK_FALSE(node.knows_everything_id());
    node.set_everything(7, version, node.epochs().current());
    CHECK_FALSE(node.knows_everything_id());
}

TEST_CASE("what one node learns does not concern another") {
    Process process;
    RedisNode one(1, process.journal, process.trust, process.wake_maintenance);
    RedisNode two(1, process.journal, process.trust, process.wake_maintenance, NodeKind::single, 1);
    const std::uint64_t epoch = one.register_server("run-1:data-1", nullptr);
    one.epochs().clear(epoch);
    one.set_subscriber(42, "run-1:data-1");
    one.marks().adopt("mark");
    CHECK(one.epochs().may_read(epoch));
    CHECK_FALSE(two.epochs().may_read(epoch));
    CHECK(two.subscriber() == 0);
    CHECK(two.marks().names().empty());
    static_cast<void>(two.register_server("run-9:data-9", nullptr));
    CHECK(one.epochs().server() == "run-1:data-1");
    CHECK(one.subscriber() == 42);
}

TEST_CASE(
    "a master of a cluster is in doubt unless others confirm it, and so is what memory holds") {
    Process process;
    RedisNode node(1, process.journal, process.trust, process.wake_maintenance,
                   NodeKind::of_cluster);
    CHECK(node.is_doubtful());
    const SteadyTime now = steady_now();
    node.confirm_until(now + 10s);
    CHECK_FALSE(node.is_doubtful());
    node.confirm_until(now - 1ms);
    CHECK(node.is_doubtful());
    node.confirm_until(SteadyTime::max());
    CHECK_FALSE(node.is_doubtful());
    // After trouble another node's word of its slots is needed too.
    node.doubt();
    node.confirm_until(SteadyTime::max());
    CHECK(node.is_doubtful());
    node.confirmed(steady_now() + 1s);
    CHECK_FALSE(node.is_doubtful());

    static_cast<void>(node.register_server("run-1:data-1", nullptr));
    node.set_subscriber(42, "run-1:data-1");
    node.confirm_until(now + 400ms);
    node.subscriber_proved(now);
    CHECK(process.trust.until() == now + 400ms);
    node.confirm_until(now + 600ms);
    CHECK(process.trust.until() == now + 600ms);
    node.confirm_until(now + 10s);
    CHECK(process.trust.until() == now + 900ms);
    // A lane that leads to another server begins in doubt.
    node.lead_to({"127.0.0.1", 7001});
    CHECK(node.is_doubtful());
}

TEST_CASE("a master of sentinels is used, and memory believed, while they name it") {
    Process process;
    RedisNode node(1, process.journal, process.trust, process.wake_maintenance,
                   NodeKind::of_sentinels);
    CHECK(node.is_doubtful());
    const SteadyTime now = steady_now();
    node.confirm_until(now + 10s);
    CHECK_FALSE(node.is_doubtful());
    node.doubt();  // a silent server is no reason to doubt what they say
    CHECK_FALSE(node.is_doubtful());
    const std::uint64_t epoch = node.register_server("run-1:data-1", nullptr);
    CHECK(node.epochs().is_first(epoch));
    node.set_subscriber(42, "run-1:data-1");
    node.confirm_until(now + 400ms);
    node.subscriber_proved(now);
    CHECK(process.trust.until() == now + 400ms);
    node.lead_to({"127.0.0.1", 7001});
    CHECK(node.is_doubtful());
    CHECK(node.epochs().current() != epoch);
    CHECK(process.trust.until() == SteadyTime{});
}

TEST_CASE("a single node needs nobody's word") {
    Process process;
    RedisNode node(1, process.journal, process.trust, process.wake_maintenance);
    CHECK_FALSE(node.is_doubtful());
    node.confirm_until(SteadyTime{});
    CHECK_FALSE(node.is_doubtful());
}

TEST_CASE("without its links a node is not up") {
    Process process;
    const RedisNode node(2, process.journal, process.trust, process.wake_maintenance);
    CHECK_FALSE(node.up());
    CHECK(node.breaker() == RedisNode::Breaker::open);
    CHECK(node.usable_link(nullptr) == nullptr);
}

}  // namespace
}  // namespace larder::redis
