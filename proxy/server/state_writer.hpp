#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "server/state_file.hpp"

namespace larder::server {

/// Keeps a StateFile up to date, on a thread of its own: one write and one sync serve all that was
/// noted meanwhile. After a failure the next write replaces the whole file. Any thread may call it.
class StateWriter {
public:
    /// When the callers of `when_written` are called.
    enum class Tells : std::uint8_t {
        when_written,  ///< a kill of this process would lose nothing; the sync comes after the call
        when_synced,
    };
    struct Parts {
        std::string folder;
        std::string name;
        std::string_view header;  ///< must live as long as the writer
        Tells tells = Tells::when_synced;
        std::string lost;  ///< what a kill would lose while the file cannot be written; for the log
        /// All records that the file should hold. On the writer's thread.
        std::function<std::string()> records;
        /// Called now and then on the writer's thread; empty: there is nothing to do.
        std::function<void()> tidy;
    };
    explicit StateWriter(Parts parts);
    /// As stop().
    ~StateWriter();
    StateWriter(const StateWriter&) = delete;
    StateWriter& operator=(const StateWriter&) = delete;

    /// The file, for reading it while this object does not write.
    [[nodiscard]] const StateFile& file() const { return file_; }

    /// Writes the file from now on, first of all with all records.
    void start();
    /// Stops writing. When it returns, all that was noted was written, or could not be, and another
    /// process may write the file.
    void stop();
    [[nodiscard]] bool writes() const;

    // Nothing of this waits, and nothing of it happens while this object does not write.
    void append(std::string_view records);
    /// The file should hold no records. Not synced: a crash brings back what was done already.
    void empty();
    /// The file is to be written anew.
    void renew();

    /// Whether something noted is not written yet.
    [[nodiscard]] bool is_behind() const;
    /// Calls `then` on the writer's thread when all that was noted so far was written, or could not
    /// be. At once where there is nothing to write.
    void when_written(std::function<void()> then);
    /// Waits for the same. False: it has not come to that at `until`.
    bool wait_until_written(SteadyTime until);
    /// Whether all that was noted is on disk, in the file that the path names. Makes a last attempt
    /// to write it where it is not. False also if this is not known at `until`.
    [[nodiscard]] bool is_kept(SteadyTime until);

private:
    struct Work {
        std::string records;
        bool empties = false;  ///< before the records are appended
        bool renews = false;
        bool checks = false;  ///< that the file is in place

        [[nodiscard]] bool any() const { return !records.empty() || empties || renews || checks; }
    };

    void run();
    void carry_out(const Work& work, std::uint64_t position);
    [[nodiscard]] bool change(const Work& work);
    void note_result(bool good);
    void tell(std::uint64_t position);

    const Parts parts_;
    StateFile file_;            // on the thread, but for reading while nothing is written
    bool is_whole_ = true;      // only on the thread: the last write did not fail
    mutable std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    std::condition_variable progressed_;
    Work work_;
    std::vector<std::pair<std::uint64_t, std::function<void()>>> waiting_;
    // Positions: each change gets the next one.
    std::uint64_t noted_ = 0;
    std::uint64_t written_ = 0;
    std::uint64_t done_ = 0;  // up to where the thread is ready: sync and calls included
    std::uint64_t kept_ = 0;  // up to where all is on disk
    bool writes_ = false;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace larder::server
