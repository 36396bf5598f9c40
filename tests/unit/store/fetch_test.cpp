#include "store/fetch.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "net/detached.hpp"
#include "store/fetch_board.hpp"

namespace larder::store {
namespace {

using net::Task;
constexpr std::size_t block = 64 * 1024;
constexpr std::size_t window = 512 * 1024;

struct Scene {
    boost::asio::io_context context{1};
    net::Executor executor = context.get_executor();
    Generations generations;
    FetchBoard board{generations};
    FetchPtr fetch = std::make_shared<Fetch>("key", "name", Guards{});
};

FetchedHead head_of(cache::Detail not_stored = cache::Detail::none) {
    FetchedHead head;
    head.status = 200;
    head.not_stored = not_stored;
    return head;
}

std::string bytes(std::size_t count, char with = 'x') { return std::string(count, with); }

// Reads all that is there.
std::string read_all(Fetch::Reader& reader) {
    std::string all;
    for (Fetch::Reader::View view = reader.next(); !view.data.empty(); view = reader.next())
        all += view.data;
    return all;
}

cache::Stored entry_of(const Fetch& fetch) {
    cache::Draft draft;
    draft.body = fetch.body();
    return cache::make_stored(draft);
}

// Does something else first, as a reader that sends an interim response does, and then waits.
Task<void> wait_late(Fetch::Reader& reader, net::Event& busy, FetchState& seen) {
    co_await busy.wait();
    co_await reader.wait_for_change(SteadyTime::max());
    seen = reader.state();
}

TEST_CASE("a reader that was busy while the fetch began and ended does not wait for ever") {
    Scene scene;
    Fetch::Reader reader(scene.fetch, scene.executor);
    net::Event busy(scene.executor);
    FetchState seen = FetchState::pending;
    net::start_detached(scene.executor, wait_late(reader, busy, seen), "a test");
    scene.context.poll();
    scene.fetch->begin(head_of());
    scene.fetch->append("body");
    scene.fetch->complete({}, nullptr);
    scene.context.poll();
    CHECK(seen == FetchState::pending);
    busy.notify();
    scene.context.restart();
    scene.context.run();
    CHECK(seen == FetchState::complete);
}

TEST_CASE(
    "what is stored is kept whole: a reader may come at any time, and nobody paces the fetch") {
    Scene scene;
    Fetch::Reader slow(scene.fetch, scene.executor);
    scene.fetch->begin(head_of());
    for (int i = 0; i < 20; ++i) scene.fetch->append(bytes(block));
    CHECK_FALSE(scene.fetch->must_pause());
    CHECK_FALSE(slow.holds_up_others());
    Fetch::Reader late(scene.fetch, scene.executor);
    CHECK_FALSE(late.too_late());
    CHECK(read_all(late).size() == 20 * block);
}

TEST_CASE(
    "what is not stored is fetched as fast as the slowest reader takes it, and no more is kept") {
    Scene scene;
    Fetch::Reader fast(scene.fetch, scene.executor);
    scene.fetch->begin(head_of(cache::Detail::no_store));
    std::size_t sent = 0;
    {
        Fetch::Reader slow(scene.fetch, scene.executor);
        for (; !scene.fetch->must_pause(); sent += block) scene.fetch->append(bytes(block));
        CHECK(read_all(fast).size() == sent);
        CHECK(sent <= window + block);
        CHECK(scene.fetch->must_pause());
        CHECK(slow.holds_up_others());
        CHECK_FALSE(fast.holds_up_others());

        // It takes some: it still sets the pace, and the fetch goes on.
        CHECK(slow.next().data.size() == block);
        CHECK(slow.next().data.size() == block);
        CHECK_FALSE(scene.fetch->must_pause());
        scene.fetch->append(bytes(block));
        sent += block;
        CHECK(scene.fetch->must_pause());
        CHECK_FALSE(slow.holds_up_others());  // until the other has read that too
        CHECK(read_all(fast).size() == block);
        CHECK(slow.holds_up_others());
    }
    // It left: nothing is kept for it.
    CHECK_FALSE(scene.fetch->must_pause());
    const Fetch::Reader late(scene.fetch, scene.executor);
    CHECK(late.too_late());
}

TEST_CASE("one reader alone holds up nobody") {
    Scene scene;
    Fetch::Reader alone(scene.fetch, scene.executor);
    scene.fetch->begin(head_of(cache::Detail::no_store));
    while (!scene.fetch->must_pause()) scene.fetch->append(bytes(block));
    CHECK_FALSE(alone.holds_up_others());
}

TEST_CASE(
    "once the entry is made its body is the only copy, and a reader in the middle notices "
    "nothing") {
    Scene scene;
    Fetch::Reader reader(scene.fetch, scene.executor);
    scene.fetch->begin(head_of());
    scene.fetch->append(bytes(block, 'a'));
    scene.fetch->append(bytes(block, 'b'));
    const std::string_view held = reader.next().data;
    const cache::Stored entry = entry_of(*scene.fetch);
    scene.fetch->complete({}, entry);
    CHECK(held == bytes(block, 'a'));  // while it is being sent
    const std::string_view rest = reader.next().data;
    CHECK(rest == bytes(block, 'b'));
    CHECK(rest.data() == entry->body().data() + block);
    CHECK(reader.next().at_end);
    Fetch::Reader late(scene.fetch, scene.executor);
    CHECK_FALSE(late.too_late());
    CHECK(read_all(late) == bytes(block, 'a') + bytes(block, 'b'));
}

TEST_CASE("a reader that leaves sets the pace no more, also as the last one") {
    Scene scene;
    auto slow = std::make_unique<Fetch::Reader>(scene.fetch, scene.executor);
    auto fast = std::make_unique<Fetch::Reader>(scene.fetch, scene.executor);
    scene.fetch->begin(head_of(cache::Detail::no_store));
    while (!scene.fetch->must_pause()) scene.fetch->append(bytes(block));
    static_cast<void>(read_all(*fast));
    SUBCASE("the slow one leaves") {
        slow.reset();
        CHECK_FALSE(scene.fetch->must_pause());
        CHECK(scene.fetch->readers() == 1);
    }
    SUBCASE("the fast one leaves") {
        fast.reset();
        CHECK(scene.fetch->must_pause());
        CHECK_FALSE(slow->holds_up_others());
    }
    SUBCASE("both leave") {
        slow.reset();
        fast.reset();
        CHECK_FALSE(scene.fetch->must_pause());
        CHECK(scene.fetch->readers() == 0);
    }
}

TEST_CASE("a reader that joins after the body began reads all of it, or learns that it is late") {
    Scene scene;
    Fetch::Reader first(scene.fetch, scene.executor);
    scene.fetch->begin(head_of(cache::Detail::no_store));
    scene.fetch->append(bytes(block, 'a'));
    Fetch::Reader second(scene.fetch, scene.executor);
    CHECK_FALSE(second.too_late());
    CHECK(read_all(first) == bytes(block, 'a'));
    scene.fetch->append(bytes(block, 'b'));
    CHECK(read_all(second) == bytes(block, 'a') + bytes(block, 'b'));
    CHECK(read_all(first) == bytes(block, 'b'));
    CHECK(second.position() == 2 * block);
    const Fetch::Reader third(scene.fetch, scene.executor);
    CHECK(third.too_late());
}

TEST_CASE("a body that turns out too large to store is paced from then on, and loses nothing") {
    Scene scene;
    Fetch::Reader slow(scene.fetch, scene.executor);
    Fetch::Reader fast(scene.fetch, scene.executor);
    scene.fetch->begin(head_of());
    std::string sent;
    for (char with = 'a'; with < 'a' + 12; ++with) {
        scene.fetch->append(bytes(block, with));
        sent += bytes(block, with);
    }
    CHECK(read_all(fast) == sent);
    CHECK_FALSE(scene.fetch->must_pause());
    scene.fetch->stop_storing();
    CHECK_FALSE(scene.fetch->storing());
    CHECK(scene.fetch->must_pause());
    CHECK(slow.holds_up_others());
    CHECK(read_all(slow) == sent);
    CHECK_FALSE(scene.fetch->must_pause());
    CHECK(Fetch::Reader(scene.fetch, scene.executor).too_late());
}

TEST_CASE("what all readers have passed is let go as soon as the body is not stored any more") {
    Scene scene;
    Fetch::Reader reader(scene.fetch, scene.executor);
    scene.fetch->begin(head_of());
    scene.fetch->append(bytes(block));
    CHECK(read_all(reader).size() == block);
    CHECK_FALSE(Fetch::Reader(scene.fetch, scene.executor).too_late());
    scene.fetch->stop_storing();
    CHECK(Fetch::Reader(scene.fetch, scene.executor).too_late());
}

// As run_fetch: waits for room where the slowest reader is too far behind.
Task<void> fetch_paced(Fetch& fetch, std::shared_ptr<net::Event> room, std::size_t blocks,
                       std::size_t& sent) {
    fetch.set_producer_event(room);
    while (sent < blocks) {
        while (fetch.must_pause()) {
            const bool goes_on = co_await room->wait();
            if (!goes_on) co_return;
        }
        fetch.append(bytes(block));
        ++sent;
    }
    fetch.complete({}, nullptr);
}

TEST_CASE("a paused fetch goes on when the slowest reader takes something, or leaves") {
    for (const bool leaves : {false, true}) {
        CAPTURE(leaves);
        Scene scene;
        auto slow = std::make_unique<Fetch::Reader>(scene.fetch, scene.executor);
        Fetch::Reader fast(scene.fetch, scene.executor);
        scene.fetch->begin(head_of(cache::Detail::no_store));
        std::size_t sent = 0;
        net::start_detached(
            scene.executor,
            fetch_paced(*scene.fetch, std::make_shared<net::Event>(scene.executor), 40, sent),
            "a fetch");
        scene.context.poll();
        const std::size_t paused_at = sent;
        CHECK(paused_at == window / block + 1);
        static_cast<void>(read_all(fast));
        scene.context.poll();
        CHECK(sent == paused_at);  // the fast one does not make room
        if (leaves) {
            slow.reset();
            for (int turn = 0; turn < 40; ++turn) {
                scene.context.poll();
                static_cast<void>(read_all(fast));
            }
        } else {
            static_cast<void>(slow->next());
            static_cast<void>(slow->next());
            scene.context.poll();
            CHECK(sent == paused_at + 1);
            for (int turn = 0; turn < 40; ++turn) {
                static_cast<void>(read_all(fast));
                static_cast<void>(read_all(*slow));
                scene.context.poll();
            }
        }
        CHECK(sent == 40);
        CHECK(fast.next().at_end);
        CHECK(fast.position() == 40 * block);
    }
}

TEST_CASE("each reader gets each interim response once, and a flood of them is bounded") {
    Scene scene;
    Fetch::Reader first(scene.fetch, scene.executor);
    scene.fetch->add_interim("103 a");
    CHECK(first.take_interim() == std::vector<std::string>{"103 a"});
    CHECK(first.take_interim().empty());
    scene.fetch->add_interim("103 b");
    Fetch::Reader second(scene.fetch, scene.executor);
    CHECK(first.take_interim() == std::vector<std::string>{"103 b"});
    CHECK(second.take_interim() == std::vector<std::string>{"103 a", "103 b"});
    for (int i = 0; i < 1000; ++i) scene.fetch->add_interim("103");
    CHECK(second.take_interim().size() < 100);
}

TEST_CASE("what has come of a body that is cut can still be read") {
    Scene scene;
    Fetch::Reader reader(scene.fetch, scene.executor);
    scene.fetch->begin(head_of());
    scene.fetch->append("half");
    scene.fetch->cut();
    const Fetch::Reader::View view = reader.next();
    CHECK(view.data == "half");
    CHECK(view.state == FetchState::cut);
    CHECK_FALSE(view.at_end);
    CHECK_FALSE(reader.next().at_end);
}

TEST_CASE("those who wait learn how the fetch has ended") {
    Scene scene;
    SUBCASE("with an entry that the origin has confirmed") {
        const cache::Stored entry = entry_of(*scene.fetch);
        scene.fetch->resolve(entry, Resolution::revalidated, cache::Detail::no_store);
        CHECK(scene.fetch->state() == FetchState::resolved);
        CHECK(scene.fetch->entry() == entry);
        CHECK(scene.fetch->resolution() == Resolution::revalidated);
        CHECK(scene.fetch->not_stored() == cache::Detail::no_store);
    }
    SUBCASE("with a failure") {
        scene.fetch->fail({504, cache::Detail::origin_error, "too slow"});
        CHECK(scene.fetch->state() == FetchState::failed);
        CHECK(scene.fetch->failure().status == 504);
        CHECK(scene.fetch->failure().message == "too slow");
    }
    SUBCASE("with trailers") {
        scene.fetch->begin(head_of());
        scene.fetch->complete("a: b\r\n", nullptr);
        CHECK(scene.fetch->trailers() == "a: b\r\n");
    }
    SUBCASE("that it is of no use to them") {
        Fetch::Reader reader(scene.fetch, scene.executor);
        net::Event busy(scene.executor);
        FetchState seen = FetchState::cut;
        net::start_detached(scene.executor, wait_late(reader, busy, seen), "a test");
        busy.notify();
        scene.context.poll();
        scene.fetch->release_waiters();
        scene.context.run();
        CHECK(scene.fetch->waiters_released());
        CHECK(seen == FetchState::pending);
    }
}

// As run_fetch: the duty lives on the coroutine's frame.
Task<void> fetch_and_throw(FetchDuty duty, bool after_head) {
    if (after_head) duty.fetch()->begin(head_of());
    throw std::runtime_error("on purpose");
    co_return;
}

TEST_CASE("an exception inside a fetch ends it for its readers and frees its place on the board") {
    for (const bool after_head : {false, true}) {
        Scene scene;
        const FetchBoard::Place place = scene.board.join_or_lead("key", "name", Guards{});
        REQUIRE(place.leads);
        Fetch::Reader reader(place.fetch, scene.executor);
        net::start_detached(scene.executor,
                            fetch_and_throw(FetchDuty(scene.board, place.fetch), after_head),
                            "a fetch");
        CHECK_FALSE(scene.board.join_or_lead("key", "name", Guards{}).leads);
        scene.context.run();
        CHECK(reader.state() == (after_head ? FetchState::cut : FetchState::failed));
        CHECK(place.fetch->failure().status == 502);
        CHECK(scene.board.join_or_lead("key", "name", Guards{}).leads);
        CHECK(net::failures_of(scene.context) == 1);
    }
}

TEST_CASE("a reader that waits is woken when the leader dies, before and after the head") {
    for (const bool after_head : {false, true}) {
        CAPTURE(after_head);
        Scene scene;
        const FetchBoard::Place place = scene.board.join_or_lead("key", "name", Guards{});
        Fetch::Reader reader(place.fetch, scene.executor);
        net::Event busy(scene.executor);
        FetchState seen = FetchState::complete;
        net::start_detached(scene.executor, wait_late(reader, busy, seen), "a test");
        busy.notify();
        {
            const FetchDuty duty(scene.board, place.fetch);
            scene.context.poll();
            if (after_head) place.fetch->begin(head_of());
            CHECK(seen == FetchState::complete);  // it still waits
        }
        scene.context.restart();
        scene.context.poll();  // at once: a reader that is not woken looks after seconds
        CHECK(seen == (after_head ? FetchState::cut : FetchState::failed));
    }
}

TEST_CASE("a fetch that was never started fails, and one that has ended stays as it is") {
    Scene scene;
    { const FetchDuty dropped(scene.board, scene.fetch); }
    CHECK(scene.fetch->state() == FetchState::failed);
    const FetchPtr done = std::make_shared<Fetch>("key", "name", Guards{});
    {
        const FetchDuty duty(scene.board, done);
        done->begin(head_of());
        done->complete({}, nullptr);
    }
    CHECK(done->state() == FetchState::complete);
}

}  // namespace
}  // namespace larder::store
