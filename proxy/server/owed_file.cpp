#include "server/owed_file.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "redis/purge_text.hpp"

// One record for each purge, as redis/purge_text.hpp writes it.
namespace larder::server {
namespace {

constexpr std::string_view header = "larder owed 1\n";

std::string records_of(const std::vector<redis::PurgeItem>& items) {
    std::string out;
    std::string line;
    for (const redis::PurgeItem& item : items) {
        line.clear();
        redis::append_line(item, line);
        line.pop_back();
        StateFile::append_record(line, out);
    }
    return out;
}

bool same_file(int descriptor, const std::string& path) {
    struct stat open {};
    struct stat named {};
    return ::fstat(descriptor, &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
           open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

}  // namespace

int lock_state_directory(const std::string& folder, int inherited) {
    const std::string path = folder + "/lock";
    if (inherited >= 0 && same_file(inherited, path)) return inherited;
    if (inherited >= 0) ::close(inherited);
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0)
        throw std::runtime_error("state: cannot open " + path + ": " + std::strerror(errno));
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
    const int error = errno;
    ::close(descriptor);
    if (error == EWOULDBLOCK)
        throw std::runtime_error("state: another larder uses " + folder +
                                 "; stop it, or set another directory");
    throw std::runtime_error("state: cannot lock " + path + ": " + std::strerror(error));
}

OwedFile::OwedFile(const std::string& folder)
    : file_(folder, "owed", header), thread_([this] { run(); }) {}

OwedFile::~OwedFile() {
    leave();
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

std::vector<redis::PurgeItem> OwedFile::load() {
    std::vector<redis::PurgeItem> items;
    const bool good = file_.read([&](std::string_view line) {
        std::optional<redis::PurgeItem> item = redis::parse_line(line);
        if (item) items.push_back(std::move(*item));
        return item.has_value();
    });
    if (good) return items;
    const std::string became = file_.set_aside();
    spdlog::error(
        "{} is damaged: {}. It listed purges owed to Redis, so everything is purged there",
        file_.path(), became);
    return {redis::purge_everything()};
}

void OwedFile::follow(redis::PurgeJournal& journal) {
    {
        const std::scoped_lock lock(mutex_);
        journal_ = &journal;
    }
    journal.observe(this);
}

void OwedFile::leave() {
    redis::PurgeJournal* journal = nullptr;
    {
        std::unique_lock lock(mutex_);
        journal = std::exchange(journal_, nullptr);
        progressed_.wait(lock, [this] { return !renewing_; });
    }
    if (!journal) return;
    journal->observe(nullptr);
    static_cast<void>(wait_until_written(SteadyTime::max()));
}

bool OwedFile::follows() const {
    const std::scoped_lock lock(mutex_);
    return journal_ != nullptr;
}

void OwedFile::when_written(std::function<void()> then) {
    {
        const std::scoped_lock lock(mutex_);
        if (written_ < noted_) {
            waiting_.emplace_back(noted_, std::move(then));
            return;
        }
    }
    then();
}

bool OwedFile::wait_until_written(SteadyTime until) {
    std::unique_lock lock(mutex_);
    const std::uint64_t noted = noted_;
    const auto done = [this, noted] { return written_ >= noted; };
    if (until == SteadyTime::max()) {
        progressed_.wait(lock, done);
        return true;
    }
    return progressed_.wait_until(lock, until, done);
}

void OwedFile::note(Change change) {
    {
        const std::scoped_lock lock(mutex_);
        changes_.push_back(std::move(change));
        ++noted_;
    }
    changed_.notify_all();
}

void OwedFile::begins(const std::vector<redis::PurgeItem>& items) {
    note({Change::Kind::replace, records_of(items)});
}

void OwedFile::added(const std::vector<redis::PurgeItem>& items) {
    note({Change::Kind::append, records_of(items)});
}

void OwedFile::emptied() { note({Change::Kind::empty, {}}); }

void OwedFile::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return ending_ || !changes_.empty(); });
        if (changes_.empty()) return;
        const std::vector<Change> changes = std::exchange(changes_, {});
        const std::uint64_t noted = noted_;
        lock.unlock();
        const bool replaces = std::any_of(changes.begin(), changes.end(), [](const Change& change) {
            return change.kind == Change::Kind::replace;
        });
        if (!is_whole_ && !replaces) renew();
        write_all(changes);
        if (file_.has_grown() && !replaces) renew();
        tell_written(noted);
        lock.lock();
    }
}

void OwedFile::tell_written(std::uint64_t position) {
    std::vector<std::function<void()>> done;
    {
        const std::scoped_lock lock(mutex_);
        written_ = position;
        const auto first_done = std::stable_partition(
            waiting_.begin(), waiting_.end(),
            [position](const auto& waiting) { return waiting.first > position; });
        for (auto waiting = first_done; waiting != waiting_.end(); ++waiting)
            done.push_back(std::move(waiting->second));
        waiting_.erase(first_done, waiting_.end());
    }
    progressed_.notify_all();
    for (const auto& then : done) then();
}

// Writes the present content of the journal into a new file.
void OwedFile::renew() {
    redis::PurgeJournal* journal = nullptr;
    {
        const std::scoped_lock lock(mutex_);
        journal = journal_;
        renewing_ = journal != nullptr;
    }
    if (!journal) return;
    journal->observe(this);
    {
        const std::scoped_lock lock(mutex_);
        renewing_ = false;
    }
    progressed_.notify_all();
}

void OwedFile::write_all(const std::vector<Change>& changes) {
    bool syncs = false;
    for (const Change& change : changes) {
        const bool good = write(change);
        if (!good && is_whole_)
            spdlog::error(
                "cannot write {}: {}. Purges owed to Redis would be lost if the process were "
                "killed now",
                file_.path(), std::strerror(errno));
        is_whole_ = good && (is_whole_ || change.kind == Change::Kind::replace);
        syncs |= change.kind != Change::Kind::empty;
    }
    if (syncs) file_.sync();
}

bool OwedFile::write(const Change& change) {
    switch (change.kind) {
        case Change::Kind::replace:
            return file_.replace(change.records);
        case Change::Kind::append:
            return file_.append(change.records);
        case Change::Kind::empty:
            break;
    }
    return file_.empty();
}

}  // namespace larder::server
