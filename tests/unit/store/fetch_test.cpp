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

boost::intrusive_ptr<cache::StoredResponse> entry_of(const Fetch& fetch) {
    boost::intrusive_ptr<cache::StoredResponse> entry(new cache::StoredResponse);
    entry->body = fetch.body();
    return entry;
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
        CHECK(scene.fetch->bytes_kept() == sent - block);
        scene.fetch->append(bytes(block));
        sent += block;
        CHECK(scene.fetch->must_pause());
        CHECK_FALSE(slow.holds_up_others());  // until the other has read that too
        CHECK(read_all(fast).size() == block);
        CHECK(slow.holds_up_others());
    }
    // It left: nothing is kept for it.
    CHECK_FALSE(scene.fetch->must_pause());
    CHECK(scene.fetch->bytes_kept() == 0);
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
    scene.fetch->complete({}, entry_of(*scene.fetch));
    CHECK(scene.fetch->bytes_kept() == 2 * block);
    CHECK(held == bytes(block, 'a'));  // while it is being sent
    CHECK(reader.next().data == bytes(block, 'b'));
    CHECK(scene.fetch->bytes_kept() == 0);
    CHECK(reader.next().at_end);
    Fetch::Reader late(scene.fetch, scene.executor);
    CHECK_FALSE(late.too_late());
    CHECK(read_all(late) == bytes(block, 'a') + bytes(block, 'b'));
}

TEST_CASE("a reader that leaves while it holds a block lets go of it") {
    Scene scene;
    auto reader = std::make_unique<Fetch::Reader>(scene.fetch, scene.executor);
    scene.fetch->begin(head_of());
    scene.fetch->append(bytes(block));
    CHECK(reader->next().data.size() == block);
    scene.fetch->complete({}, entry_of(*scene.fetch));
    reader.reset();
    CHECK(scene.fetch->bytes_kept() == 0);
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
