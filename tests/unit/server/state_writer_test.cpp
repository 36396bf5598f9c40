#include "server/state_writer.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

namespace larder::server {
namespace {

using namespace std::chrono_literals;
namespace files = std::filesystem;

constexpr std::string_view header = "larder test 1\n";

std::string record(std::string_view line) {
    std::string out;
    StateFile::append_record(line, out);
    return out;
}

/// A state directory and a writer that is to keep `lines` there. What is said about failures is
/// expected, and not shown.
struct Kept {
    Kept() {
        spdlog::set_level(spdlog::level::off);
        char name[] = "/tmp/larder-state-XXXXXX";
        path = ::mkdtemp(name);
        writer = std::make_unique<StateWriter>(
            StateWriter::Parts{path, "list", header, StateWriter::Tells::when_synced,
                               "What is listed", [this] { return all_records(); }, nullptr});
    }
    ~Kept() {
        writer.reset();
        files::remove_all(path);
        spdlog::set_level(spdlog::level::info);
    }
    std::string all_records() {
        const std::scoped_lock lock(mutex);
        std::string records;
        for (const std::string& line : lines) records += record(line);
        return records;
    }
    void add(const std::string& line) {
        {
            const std::scoped_lock lock(mutex);
            lines.push_back(line);
        }
        writer->append(record(line));
    }
    [[nodiscard]] bool is_kept() const { return writer->is_kept(steady_now() + 10s); }
    [[nodiscard]] std::string file() const { return path + "/list"; }
    [[nodiscard]] std::string text() const {
        std::ostringstream out;
        out << std::ifstream(file(), std::ios::binary).rdbuf();
        return out.str();
    }
    [[nodiscard]] std::string whole() { return std::string(header) + all_records(); }

    std::string path;
    std::mutex mutex;
    std::vector<std::string> lines;
    std::unique_ptr<StateWriter> writer;
};

/// No file of this process may grow beyond so many bytes, as if the disk were full.
struct FullDisk {
    explicit FullDisk(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before);
        old_handler = std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limited{bytes, before.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limited);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before);
        std::signal(SIGXFSZ, old_handler);
    }
    rlimit before{};
    void (*old_handler)(int);
};

}  // namespace

TEST_CASE("what is noted is kept while the file is written, and only then") {
    Kept kept;
    kept.add("before the start");
    CHECK_FALSE(kept.is_kept());
    CHECK_FALSE(files::exists(kept.file()));
    kept.writer->start();
    CHECK(kept.is_kept());
    kept.add("a");
    CHECK(kept.is_kept());
    CHECK(kept.text() == kept.whole());
    kept.writer->stop();
    CHECK_FALSE(kept.is_kept());
    kept.writer->append(record("of nobody"));
    CHECK_FALSE(kept.writer->is_behind());
    CHECK(kept.text() == kept.whole());
}

TEST_CASE("a list without records is a file with a header") {
    Kept kept;
    kept.writer->start();
    kept.add("a");
    CHECK(kept.is_kept());
    kept.lines.clear();
    kept.writer->empty();
    CHECK(kept.is_kept());
    CHECK(kept.text() == header);
    kept.add("b");
    CHECK(kept.is_kept());
    CHECK(kept.text() == kept.whole());
}

TEST_CASE("nothing is kept in a directory that was removed, and all of it in one made anew") {
    Kept kept;
    kept.writer->start();
    kept.add("a");
    CHECK(kept.is_kept());
    files::remove_all(kept.path);
    CHECK_FALSE(kept.is_kept());
    kept.add("b");
    CHECK_FALSE(kept.is_kept());
    files::create_directory(kept.path);
    CHECK(kept.is_kept());
    CHECK(kept.text() == kept.whole());
}

TEST_CASE("a file that was replaced by another one is written anew before anybody is told") {
    Kept kept;
    kept.writer->start();
    CHECK(kept.is_kept());
    std::ofstream(kept.file() + ".other") << "not from here";
    files::rename(kept.file() + ".other", kept.file());
    kept.add("a");
    CHECK(kept.writer->wait_until_written(steady_now() + 10s));
    CHECK(kept.text() == kept.whole());
}

TEST_CASE("nothing is kept on a full disk, and all of it when there is room again") {
    Kept kept;
    kept.writer->start();
    kept.add("a");
    CHECK(kept.is_kept());
    const std::string good = kept.text();
    {
        const FullDisk full(good.size() + 10);
        kept.add("b");
        std::promise<void> told;
        kept.writer->when_written([&] { told.set_value(); });  // nobody waits for ever
        CHECK(told.get_future().wait_for(10s) == std::future_status::ready);
        CHECK_FALSE(kept.is_kept());
        CHECK_FALSE(files::exists(kept.file() + ".new"));
    }
    CHECK(kept.is_kept());
    CHECK(kept.text() == kept.whole());
}

}  // namespace larder::server
