#include "server/owed_file.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>
#include <stdexcept>

#include "redis/keys.hpp"
#include "redis/purge_text.hpp"

// One line per purge: its checksum, a blank, and the purge as redis/purge_text.hpp writes it. The
// file begins with the header, but is empty when no purge is owed.
namespace larder::server {
namespace {

constexpr std::string_view header = "larder owed 1\n";
constexpr std::size_t checksum_digits = 16;
constexpr std::size_t file_bytes_max =
    64 * 1024 * 1024;  // a larger file is not from larder, whose journal is bounded
constexpr std::size_t renew_after_bytes = 16 * 1024 * 1024;

std::string records_of(const std::vector<redis::PurgeItem>& items) {
    std::string out;
    std::string line;
    for (const redis::PurgeItem& item : items) {
        line.clear();
        redis::append_line(item, line);
        out.append(redis::digest_of(std::string_view(line).substr(0, line.size() - 1)))
            .append(1, ' ')
            .append(line);
    }
    return out;
}

// Nothing: a part of the text is not as it was written.
std::optional<std::vector<redis::PurgeItem>> parse(std::string_view text) {
    std::vector<redis::PurgeItem> items;
    if (text.empty()) return items;
    if (!text.starts_with(header)) return std::nullopt;
    text.remove_prefix(header.size());
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos || end <= checksum_digits || text[checksum_digits] != ' ')
            return std::nullopt;
        const std::string_view line = text.substr(checksum_digits + 1, end - checksum_digits - 1);
        std::optional<redis::PurgeItem> item = redis::parse_line(line);
        if (!item || redis::digest_of(line) != text.substr(0, checksum_digits)) return std::nullopt;
        items.push_back(std::move(*item));
        text.remove_prefix(end + 1);
    }
    return items;
}

// Nothing: the file cannot be read. A missing file counts as empty.
std::optional<std::string> read_file(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return errno == ENOENT ? std::optional(std::string()) : std::nullopt;
    std::string text;
    char block[64 * 1024];
    ssize_t got = 0;
    while (text.size() <= file_bytes_max && (got = ::read(descriptor, block, sizeof block)) > 0)
        text.append(block, static_cast<std::size_t>(got));
    ::close(descriptor);
    if (got < 0 || text.size() > file_bytes_max) return std::nullopt;
    return text;
}

bool write_whole(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

// A rename survives a crash only after its directory was synced.
void sync_folder(const std::string& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
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
    : folder_(folder), path_(folder + "/owed"), thread_([this] { run(); }) {}

OwedFile::~OwedFile() {
    leave();
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::vector<redis::PurgeItem> OwedFile::load() {
    const std::optional<std::string> text = read_file(path_);
    std::optional<std::vector<redis::PurgeItem>> items;
    if (text) items = parse(*text);
    if (items) return std::move(*items);
    const std::string aside = path_ + ".damaged-" + std::to_string(std::time(nullptr));
    const bool moved = ::rename(path_.c_str(), aside.c_str()) == 0;
    spdlog::error(
        "{} is damaged: {}. It listed purges owed to Redis, so everything is purged there", path_,
        moved ? "it was renamed to " + aside
              : std::string("it cannot be renamed: ") + std::strerror(errno));
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
        if (size_ > worth_renewing_ && !replaces) renew();
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
                path_, std::strerror(errno));
        is_whole_ = good && (is_whole_ || change.kind == Change::Kind::replace);
        syncs |= change.kind != Change::Kind::empty;
    }
    if (syncs && descriptor_ >= 0) ::fdatasync(descriptor_);
}

bool OwedFile::write(const Change& change) {
    switch (change.kind) {
        case Change::Kind::replace:
            return replace(change.records);
        case Change::Kind::append:
            return append(change.records);
        case Change::Kind::empty:
            break;
    }
    size_ = 0;
    return descriptor_ < 0 || ::ftruncate(descriptor_, 0) == 0;
}

bool OwedFile::replace(const std::string& records) {
    const std::string beside = path_ + ".new";
    const int descriptor =
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) return false;
    const std::string text = records.empty() ? std::string() : std::string(header) + records;
    const bool good = write_whole(descriptor, text) && ::fdatasync(descriptor) == 0 &&
                      ::rename(beside.c_str(), path_.c_str()) == 0;
    if (!good) {
        const int error = errno;
        ::close(descriptor);
        errno = error;
        return false;
    }
    sync_folder(folder_);
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = descriptor;
    size_ = text.size();
    worth_renewing_ = 2 * size_ + renew_after_bytes;
    return true;
}

bool OwedFile::append(const std::string& records) {
    if (descriptor_ < 0) return false;
    const std::string text = size_ == 0 ? std::string(header) + records : records;
    size_ += text.size();
    return write_whole(descriptor_, text);
}

}  // namespace larder::server
