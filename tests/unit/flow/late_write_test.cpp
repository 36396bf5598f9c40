#include "flow/late_write.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

#include "observe/purge_records.hpp"
#include "redis/purge_text.hpp"
#include "unit/support/one_worker.hpp"

namespace larder::flow {
namespace {

constexpr const char* settings_text = "origin: http://127.0.0.1:1\nredis: off\n";
constexpr const char* secret_settings_text =
    "origin: http://127.0.0.1:1\nredis: off\nroutes:\n"
    "  - {match: GET /a, key: \"a:{header:x-user}\", ttl: 60}\n";

/// Runs what is due, and gives the records.
std::vector<std::shared_ptr<const observe::PurgeRecord>> run_due(test::OneWorker& worker,
                                                                 const store::PurgeOrder& order) {
    const auto level = spdlog::get_level();
    spdlog::set_level(spdlog::level::off);
    observe::PurgeRecords records;
    worker.services->purges = &records;
    worker.services->late_writes.plan({order, steady_now()});
    worker.context.restart();
    worker.context.poll();
    worker.services->purges = nullptr;
    spdlog::set_level(level);
    return records.all();
}

}  // namespace

TEST_CASE("a planned purge of everything is one of everything when its time comes") {
    test::OneWorker worker(settings_text);
    const std::uint64_t began = worker.generations.now();
    const std::vector<std::uint32_t> guards = store::guard_slots("k", 1, {});
    REQUIRE(worker.generations.valid(guards, began));
    const auto records = run_due(worker, redis::order_of({redis::purge_everything()}));
    CHECK_FALSE(worker.generations.valid(guards, began));
    REQUIRE(records.size() == 1);
    CHECK(records.front()->everything);
    CHECK(records.front()->repeat);
}

TEST_CASE("a planned purge whose write is not known any more names nothing secret") {
    store::PurgeOrder order;
    order.set.keys = {"a:alice"};
    test::OneWorker plain(settings_text);
    CHECK(run_due(plain, order).front()->keys == std::vector<std::string>{"a:alice"});
    test::OneWorker secret(secret_settings_text);
    const auto records = run_due(secret, order);
    CHECK(records.front()->keys.empty());
    CHECK(records.front()->left_out == 1);
}

}  // namespace larder::flow
