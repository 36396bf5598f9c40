#include "server/planned_file.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

namespace larder::server {
namespace {

using namespace std::chrono_literals;
using Kind = redis::PurgeItem::Kind;
using Repeats = store::PlannedPurge::Repeats;
namespace files = std::filesystem;

/// A state directory. What is said about its damage is expected, and not shown.
struct Folder {
    Folder() {
        spdlog::set_level(spdlog::level::off);
        char name[] = "/tmp/larder-state-XXXXXX";
        path = ::mkdtemp(name);
    }
    ~Folder() {
        files::remove_all(path);
        spdlog::set_level(spdlog::level::info);
    }
    [[nodiscard]] std::string text() const {
        std::ostringstream out;
        out << std::ifstream(path + "/planned", std::ios::binary).rdbuf();
        return out.str();
    }
    void write(const std::string& text) const {
        std::ofstream(path + "/planned", std::ios::binary) << text;
    }
    std::string path;
};

store::PlannedPurge purge_of(const std::string& key, Milliseconds ahead,
                             Repeats repeats = Repeats::no) {
    store::PlannedPurge purge;
    purge.order.set.keys = {key};
    purge.due = steady_now() + ahead;
    purge.repeats = repeats;
    return purge;
}

void wait(PlannedFile& file) {
    std::promise<void> told;
    file.when_written([&] { told.set_value(); });
    REQUIRE(told.get_future().wait_for(10s) == std::future_status::ready);
    CHECK_FALSE(file.is_behind());
}

std::vector<store::PlannedPurge> left_in(const Folder& folder) {
    return PlannedFile(folder.path).load();
}

const WallTime noon{std::chrono::hours(12)};
const SteadyTime start = SteadyTime{} + 1000s;
const redis::PurgeItem article{Kind::key, false, "articles 42"};

}  // namespace

TEST_CASE("a planned purge is a line, with its time rounded up") {
    const std::string once = planned_line({article, start + 1910ms, Repeats::no}, noon, start);
    CHECK(once == "43202000 2000 o kh articles%2042");
    const std::string repeated = planned_line({article, start + 9100ms, Repeats::yes}, noon, start);
    CHECK(repeated == "43210000 10000 r kh articles%2042");
    const auto read = parse_planned_line(repeated, noon + 4s, start);
    REQUIRE(read);
    CHECK(read->item == article);
    CHECK(read->due == start + 6s);
    CHECK(read->repeats == Repeats::yes);
    CHECK(planned_line({article, start - 5s, Repeats::no}, noon, start) ==
          "43200000 0 o kh articles%2042");
}

TEST_CASE("a purge that was due before the start is due now") {
    const std::string line = planned_line({article, start + 2s, Repeats::no}, noon, start);
    CHECK(parse_planned_line(line, noon + 3600s, start)->due < start);
}

TEST_CASE("a clock that was set back does not delay a planned purge") {
    const std::string line = planned_line({article, start + 2s, Repeats::no}, noon, start);
    CHECK(parse_planned_line(line, noon - 3600s, start)->due == start + 2s);
}

TEST_CASE("other lines are none of a planned purge") {
    for (const char* line :
         {"", "1", "1 2", "1 2 o", "1 2 o ", "1 2 x kh a", "x 2 o kh a", "1 x o kh a", "1 2 o zh a",
          "1 2 okh a", "-1 2 o kh a", "99999999999999999 2 o kh a"})
        CHECK_FALSE(parse_planned_line(line, noon, start));
}

TEST_CASE("what is planned is there after a kill") {
    const Folder folder;
    PlannedFile file(folder.path);
    CHECK(file.load().empty());
    file.note(purge_of("early", 60s));
    CHECK_FALSE(file.is_behind());  // nobody writes the file yet
    file.follow({purge_of("before", 60s)});
    CHECK(file.follows());
    for (int i = 0; i < 3; ++i) file.note(purge_of("a", 20s, Repeats::yes));
    wait(file);
    const auto left = left_in(folder);
    std::vector<std::string> keys;
    for (const store::PlannedPurge& purge : left)
        for (const std::string& key : purge.order.set.keys) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    CHECK(keys == std::vector<std::string>{"a", "before", "early"});
    CHECK(left.front().repeats == Repeats::yes);
    CHECK(left.front().due >= steady_now() + 18s);
    CHECK(left.front().due <= steady_now() + 22s);
}

TEST_CASE("equal plans of one moment are one line") {
    const Folder folder;
    PlannedFile file(folder.path);
    file.follow({});
    for (int i = 0; i < 2000; ++i) file.note(purge_of("a", 60s, Repeats::yes));
    wait(file);
    const std::string text = folder.text();
    CHECK(std::count(text.begin(), text.end(), '\n') < 20);
}

TEST_CASE("a process that ends leaves what is not due yet, and then another one may write") {
    const Folder folder;
    PlannedFile file(folder.path);
    file.follow({purge_of("done", 1s)});
    CHECK(file.leave_with({purge_of("left", 60s)}, steady_now() + 10s));
    CHECK_FALSE(file.follows());
    file.note(purge_of("of nobody", 60s));
    CHECK_FALSE(file.is_behind());
    const auto left = left_in(folder);
    REQUIRE(left.size() == 1);
    CHECK(left.front().order.set.keys == std::vector<std::string>{"left"});
    PlannedFile next(folder.path);
    next.follow({});
    CHECK(next.leave_with({}, steady_now() + 10s));
    CHECK(folder.text() == "larder planned 1\n");
    CHECK(left_in(folder).empty());
}

TEST_CASE("damage to what is planned is kept aside, and stands for everything at once") {
    const Folder folder;
    {
        PlannedFile file(folder.path);
        file.follow({purge_of("articles:42", 60s)});
    }
    const std::string whole = folder.text();
    REQUIRE(left_in(folder).size() == 1);
    for (std::size_t i = 0; i < whole.size(); ++i) {
        CAPTURE(i);
        std::string flipped = whole;
        flipped[i] = static_cast<char>(flipped[i] ^ 1);
        folder.write(flipped);
        const auto left = left_in(folder);
        REQUIRE(left.size() == 1);
        CHECK(left.front().order.everything);
        CHECK(left.front().due <= steady_now());
    }
    folder.write("");
    CHECK(left_in(folder).front().order.everything);
}

TEST_CASE("plans are not kept in a directory that was removed") {
    const Folder folder;
    PlannedFile file(folder.path);
    file.follow({});
    files::remove_all(folder.path);
    CHECK_FALSE(file.leave_with({purge_of("a", 60s)}, steady_now() + 10s));
}

TEST_CASE("too many plans become one of everything, when the last of them is due") {
    const Folder folder;
    PlannedFile file(folder.path);
    file.follow({});
    const std::string name(1024 * 1024, 'x');
    for (int i = 0; i < 17; ++i) file.note(purge_of(name + std::to_string(i), 60s));
    wait(file);
    bool has_everything = false;
    for (const store::PlannedPurge& purge : left_in(folder)) {
        has_everything |= purge.order.everything;
        CHECK(purge.due >= steady_now() + 50s);
    }
    CHECK(has_everything);
    CHECK(folder.text().size() < 9 * name.size());
}

TEST_CASE("after a failure the file of plans is written anew with the next one") {
    const Folder folder;
    PlannedFile file(folder.path);
    files::remove_all(folder.path);
    file.follow({purge_of("a", 60s)});
    wait(file);
    files::create_directory(folder.path);
    file.note(purge_of("b", 60s));
    wait(file);
    std::size_t keys = 0;
    for (const store::PlannedPurge& purge : left_in(folder)) keys += purge.order.set.keys.size();
    CHECK(keys == 2);
}

}  // namespace larder::server
