#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace larder::server {

/// Whether the path names the open file. If not, errno says why.
[[nodiscard]] bool names_file(const std::string& path, int descriptor);

/// A file of the state directory: a header, then one record a line, each with its checksum. One
/// thread at a time.
class StateFile {
public:
    /// `header`: names the kind and version of the file, with its line end; it must live as long as
    /// this object.
    StateFile(std::string folder, const std::string& name, std::string_view header);
    ~StateFile();
    StateFile(const StateFile&) = delete;
    StateFile& operator=(const StateFile&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

    /// `line` has no line end.
    static void append_record(std::string_view line, std::string& records);

    /// Calls `take` with the line of each record. `take` returns whether it can read the line.
    /// False: the file is damaged, or cannot be read. A missing file has no records. A file without
    /// its header is damaged, even an empty one: larder never leaves such a file.
    [[nodiscard]] bool read(const std::function<bool(std::string_view)>& take) const;
    /// Renames the damaged file to NAME.damaged-SECONDS, and returns what became of it, for the
    /// log.
    [[nodiscard]] std::string set_aside() const;

    // False: it failed; errno says why.
    /// Replaces the whole file in one step; the new content is on disk.
    bool replace(const std::string& records);
    /// The records are on disk after the next sync().
    bool append(const std::string& records);
    /// Takes out all records.
    bool empty();
    /// Also false if the path names another file by now, or none.
    [[nodiscard]] bool sync() const;
    /// Whether the path names the file that is appended to: the directory may have been removed,
    /// or replaced.
    [[nodiscard]] bool is_in_place() const;

    /// Whether most of the file may be outdated, so that it should be replaced.
    [[nodiscard]] bool has_grown() const { return size_ > worth_replacing_; }

private:
    const std::string folder_;
    const std::string path_;
    const std::string_view header_;
    int descriptor_ = -1;  // of the file that is appended to
    std::size_t size_ = 0;
    std::size_t worth_replacing_ = 0;
};

}  // namespace larder::server
