#include "observe/purge_records.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

#include "admin/purges_json.hpp"
#include "base/json_text.hpp"

using namespace larder;
using namespace larder::observe;
using namespace std::chrono_literals;

TEST_CASE("a purge is one line of the log, whatever its names hold") {
    PurgeRecord record;
    record.who = "10.0.0.7";
    record.route = "PUT /articles/{id}";
    record.keys = {"articles:7", "a\nb\"c"};
    record.patterns = {"articles:list:*"};
    record.duration = 812us;
    CHECK(to_line(record) ==
          "purge source=write who=\"10.0.0.7\" route=\"PUT /articles/{id}\" "
          "keys=[\"articles:7\", \"a\\x0ab\\\"c\"] patterns=[\"articles:list:*\"] soft=false "
          "milliseconds=0.812 acknowledged=true");
}

TEST_CASE("a record is bounded, and says what it leaves out") {
    PurgeRecord record;
    record.tags.assign(1000, std::string(10'000, 'x'));
    record.keys.assign(3, "k");
    bound(record);
    std::size_t bytes = 0;
    for (const std::string& tag : record.tags) bytes += tag.size();
    CHECK(bytes < 20'000);
    CHECK(record.keys.size() == 3);
    CHECK(record.left_out == 1000 - record.tags.size());
}

TEST_CASE("the last thousand purges are kept, newest first") {
    const auto level = spdlog::get_level();
    spdlog::set_level(spdlog::level::off);
    PurgeRecords records;
    for (int i = 0; i < 1005; ++i) {
        PurgeRecord record;
        record.who = std::to_string(i);
        records.add(record);
    }
    spdlog::set_level(level);
    const auto all = records.all();
    REQUIRE(all.size() == PurgeRecords::kept_max);
    CHECK(all.front()->who == "1004");
    CHECK(all.back()->who == "5");
}

TEST_CASE("the record's JSON has the members that scripts rely on") {
    auto record = std::make_shared<PurgeRecord>();
    record->source = PurgeSource::api;
    record->token = "deploy";
    record->tags = {"t"};
    record->duration = 800us;
    CHECK(
        json_text(admin::to_json({record})) ==
        R"({"purges":[{"time":"1970-01-01T00:00:00.000Z","source":"api","who":"","token":"deploy","route":"","keys":[],"patterns":[],"tags":["t"],"urls":[],"hosts":[],"prefixes":[],"everything":false,"soft":false,"milliseconds":0.8,"acknowledged":true,"repeat":false}]})");
}
