#include "server/owed_file.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

namespace larder::server {
namespace {

using Kind = redis::PurgeItem::Kind;
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
    [[nodiscard]] std::string owed() const {
        std::ostringstream out;
        out << std::ifstream(path + "/owed", std::ios::binary).rdbuf();
        return out.str();
    }
    void write_owed(const std::string& text) const {
        std::ofstream(path + "/owed", std::ios::binary) << text;
    }
    [[nodiscard]] int set_aside() const {
        int count = 0;
        for (const auto& entry : files::directory_iterator(path))
            count += entry.path().filename().string().starts_with("owed.damaged-");
        return count;
    }
    std::string path;
};

redis::PurgeItem key(const std::string& name) { return {Kind::key, false, name}; }
void wait(OwedFile& file) { REQUIRE(file.wait_until_written(steady_now() + Seconds(10))); }

TEST_CASE("what is owed is there after a kill, and nothing once it was delivered") {
    const Folder folder;
    redis::PurgeJournal journal;
    journal.add({key("before")});
    OwedFile file(folder.path);
    CHECK(file.load().empty());
    file.follow(journal);
    CHECK(file.follows());
    wait(file);
    CHECK(OwedFile(folder.path).load() == std::vector{key("before")});
    journal.add({key("a"), {Kind::pattern, true, "b *\n"}});
    wait(file);
    CHECK(OwedFile(folder.path).load() ==
          std::vector<redis::PurgeItem>{key("before"), key("a"), {Kind::pattern, true, "b *\n"}});
    journal.acknowledged(journal.pending());
    wait(file);
    CHECK(folder.owed() == "larder owed 1\n");
    CHECK(OwedFile(folder.path).load().empty());
    journal.add({key("c")});
    std::promise<void> told;
    file.when_written([&] { told.set_value(); });  // another thread calls it, after it has written
    wait(file);
    CHECK(OwedFile(folder.path).load() == std::vector{key("c")});
    file.leave();
    CHECK(told.get_future().wait_for(Seconds(10)) == std::future_status::ready);
    CHECK_FALSE(file.follows());
    journal.add({key("d")});
    CHECK(OwedFile(folder.path).load() == std::vector{key("c")});
}

TEST_CASE("damage is noticed, kept aside, and stands for everything") {
    const Folder folder;
    redis::PurgeJournal journal;
    journal.add({key("articles:42"), key("articles:7")});
    {
        OwedFile file(folder.path);
        file.follow(journal);
    }
    const std::string whole = folder.owed();
    REQUIRE(OwedFile(folder.path).load().size() == 2);
    for (std::size_t i = 0; i < whole.size(); ++i) {
        CAPTURE(i);
        std::string flipped = whole;
        flipped[i] = static_cast<char>(flipped[i] ^ 1);
        folder.write_owed(flipped);
        CHECK(OwedFile(folder.path).load() == std::vector{redis::purge_everything()});
        folder.write_owed(whole.substr(0, i));
        const std::size_t lines = static_cast<std::size_t>(
            std::count(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(i), '\n'));
        const bool ends_a_line = i > 0 && whole[i - 1] == '\n';
        if (ends_a_line) CHECK(OwedFile(folder.path).load().size() == lines - 1);
        if (!ends_a_line)
            CHECK(OwedFile(folder.path).load() == std::vector{redis::purge_everything()});
    }
    CHECK(folder.set_aside() > 0);
}

TEST_CASE("after a failure the file is written anew with the next purge") {
    const Folder folder;
    redis::PurgeJournal journal;
    OwedFile file(folder.path);
    files::remove_all(folder.path);
    file.follow(journal);
    journal.add({key("a")});
    wait(file);
    ::mkdir(folder.path.c_str(), 0700);
    journal.add({key("b")});
    wait(file);
    wait(file);
    CHECK(OwedFile(folder.path).load().size() == 2);
}

TEST_CASE("what is owed is kept while the file follows the journal and is in its place") {
    const Folder folder;
    redis::PurgeJournal journal;
    OwedFile file(folder.path);
    const auto is_kept = [&] { return file.is_kept(steady_now() + Seconds(10)); };
    CHECK_FALSE(is_kept());
    file.follow(journal);
    journal.add({key("a")});
    CHECK(is_kept());
    files::remove_all(folder.path);
    CHECK_FALSE(is_kept());
    ::mkdir(folder.path.c_str(), 0700);
    CHECK(is_kept());
    CHECK(OwedFile(folder.path).load() == std::vector{key("a")});
    file.leave();
    CHECK_FALSE(is_kept());
}

TEST_CASE("one process at a time has the directory") {
    const Folder folder;
    const int lock = lock_state_directory(folder.path, -1);
    CHECK_THROWS_WITH(lock_state_directory(folder.path, -1),
                      doctest::Contains("another larder uses"));
    CHECK(lock_state_directory(folder.path, lock) == lock);
    ::close(lock);
    ::close(lock_state_directory(folder.path, -1));
    CHECK_THROWS_WITH(lock_state_directory(folder.path + "/no", -1),
                      doctest::Contains("cannot open"));
}

}  // namespace
}  // namespace larder::server
