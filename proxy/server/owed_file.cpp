#include "server/owed_file.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

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

}  // namespace

int lock_state_directory(const std::string& folder, int inherited) {
    const std::string path = folder + "/lock";
    if (inherited >= 0 && names_file(path, inherited)) return inherited;
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
    : writer_({folder, "owed", header, StateWriter::Tells::when_synced, "Purges owed to Redis",
               [this] { return all_records(); }, nullptr}) {}

OwedFile::~OwedFile() { leave(); }

std::vector<redis::PurgeItem> OwedFile::load() {
    const StateFile& file = writer_.file();
    std::vector<redis::PurgeItem> items;
    const bool good = file.read([&](std::string_view line) {
        std::optional<redis::PurgeItem> item = redis::parse_line(line);
        if (item) items.push_back(std::move(*item));
        return item.has_value();
    });
    if (good) return items;
    const std::string became = file.set_aside();
    spdlog::error(
        "{} is damaged: {}. It listed purges owed to Redis, so everything is purged there",
        file.path(), became);
    return {redis::purge_everything()};
}

void OwedFile::follow(redis::PurgeJournal& journal) {
    journal_ = &journal;
    journal.observe(this);
}

void OwedFile::leave() {
    redis::PurgeJournal* const journal = journal_;
    if (!journal) return;
    journal->observe(nullptr);
    writer_.stop();
    journal_ = nullptr;
}

// The writer asks for what the journal holds.
void OwedFile::begins(const std::vector<redis::PurgeItem>& /*items*/) { writer_.start(); }

void OwedFile::added(const std::vector<redis::PurgeItem>& items) {
    writer_.append(records_of(items));
}

void OwedFile::emptied() { writer_.empty(); }

std::string OwedFile::all_records() const {
    redis::PurgeJournal* const journal = journal_;
    std::vector<redis::PurgeItem> items;
    if (!journal) return {};
    for (redis::PurgeJournal::Entry& entry : journal->pending())
        items.push_back(std::move(entry.item));
    return records_of(items);
}

}  // namespace larder::server
