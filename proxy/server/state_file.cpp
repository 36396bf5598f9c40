#include "server/state_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>
#include <utility>

#include "redis/keys.hpp"

namespace larder::server {
namespace {

constexpr std::size_t checksum_digits = 16;
constexpr std::size_t file_bytes_max =
    64 * 1024 * 1024;  // a larger file is not from larder, whose lists are bounded
constexpr std::size_t replace_after_bytes = 16 * 1024 * 1024;

// Nothing: the file cannot be read. `missing`: the text of a file that does not exist.
std::optional<std::string> read_file(const std::string& path, std::string_view missing) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return errno == ENOENT ? std::optional(std::string(missing)) : std::nullopt;
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
bool sync_folder(const std::string& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return false;
    const bool good = ::fsync(descriptor) == 0;
    const int error = errno;
    ::close(descriptor);
    errno = error;
    return good;
}

}  // namespace

bool names_file(const std::string& path, int descriptor) {
    struct stat open {};
    struct stat named {};
    if (::fstat(descriptor, &open) != 0 || ::stat(path.c_str(), &named) != 0) return false;
    if (open.st_dev == named.st_dev && open.st_ino == named.st_ino) return true;
    errno = ESTALE;
    return false;
}

StateFile::StateFile(std::string folder, const std::string& name, std::string_view header)
    : folder_(std::move(folder)), path_(folder_ + "/" + name), header_(header) {}

StateFile::~StateFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void StateFile::append_record(std::string_view line, std::string& records) {
    records.append(redis::digest_of(line)).append(1, ' ').append(line).append(1, '\n');
}

bool StateFile::read(const std::function<bool(std::string_view)>& take) const {
    const std::optional<std::string> whole = read_file(path_, header_);
    if (!whole) return false;
    std::string_view text = *whole;
    if (!text.starts_with(header_)) return false;
    text.remove_prefix(header_.size());
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos || end <= checksum_digits || text[checksum_digits] != ' ')
            return false;
        const std::string_view line = text.substr(checksum_digits + 1, end - checksum_digits - 1);
        if (redis::digest_of(line) != text.substr(0, checksum_digits) || !take(line)) return false;
        text.remove_prefix(end + 1);
    }
    return true;
}

std::string StateFile::set_aside() const {
    const std::string aside = path_ + ".damaged-" + std::to_string(std::time(nullptr));
    const bool moved = ::rename(path_.c_str(), aside.c_str()) == 0;
    return moved ? "it was renamed to " + aside
                 : std::string("it cannot be renamed: ") + std::strerror(errno);
}

bool StateFile::replace(const std::string& records) {
    const std::string beside = path_ + ".new";
    const int descriptor =
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) return false;
    const std::string text = std::string(header_) + records;
    const bool good = write_whole(descriptor, text) && ::fdatasync(descriptor) == 0 &&
                      ::rename(beside.c_str(), path_.c_str()) == 0;
    if (!good) {
        const int error = errno;
        ::close(descriptor);
        ::unlink(beside.c_str());  // a full disk may need the room
        errno = error;
        return false;
    }
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = descriptor;
    size_ = text.size();
    worth_replacing_ = 2 * size_ + replace_after_bytes;
    return sync_folder(folder_) && is_in_place();
}

bool StateFile::append(const std::string& records) {
    if (descriptor_ < 0) return false;
    size_ += records.size();
    return write_whole(descriptor_, records);
}

bool StateFile::empty() {
    if (descriptor_ < 0) return true;
    size_ = header_.size();
    return ::ftruncate(descriptor_, static_cast<off_t>(size_)) == 0;
}

bool StateFile::sync() const {
    return descriptor_ >= 0 && ::fdatasync(descriptor_) == 0 && is_in_place();
}

bool StateFile::is_in_place() const { return descriptor_ >= 0 && names_file(path_, descriptor_); }

}  // namespace larder::server
