#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "redis/journal.hpp"
#include "server/state_file.hpp"

namespace larder::server {

/// Locks the state directory for this process. `inherited`: the lock's descriptor if a predecessor
/// left it, else -1. Returns the descriptor that holds the lock; keep it open. Throws
/// std::runtime_error with one readable line if another process has the lock, or the directory
/// cannot be used.
int lock_state_directory(const std::string& folder, int inherited);

/// The purges owed to Redis, in the file `owed` of the state directory: those in the journal, and
/// perhaps some that were delivered meanwhile. The file has its own thread for writing; one sync
/// serves all waiting callers.
class OwedFile final : public redis::PurgeJournal::Observer {
public:
    explicit OwedFile(const std::string& folder);
    /// Waits until all noted purges are on disk.
    ~OwedFile() override;
    OwedFile(const OwedFile&) = delete;
    OwedFile& operator=(const OwedFile&) = delete;

    /// The purges that the last process left. A damaged file is renamed to owed.damaged-SECONDS,
    /// and counts as a purge of everything. Not while the file follows a journal.
    [[nodiscard]] std::vector<redis::PurgeItem> load();

    /// Replaces the file by the content of the journal, and follows the journal, which must live
    /// until leave().
    void follow(redis::PurgeJournal& journal);
    /// Stops following the journal. When it returns, all noted purges are on disk, and another
    /// process may write the file.
    void leave();
    [[nodiscard]] bool follows() const;

    /// Calls `then` on the file's thread when all purges noted so far are on disk.
    void when_written(std::function<void()> then);
    /// Waits for the same. False: not on disk at `until`.
    bool wait_until_written(SteadyTime until);

    void begins(const std::vector<redis::PurgeItem>& items) override;
    void added(const std::vector<redis::PurgeItem>& items) override;
    void emptied() override;

private:
    struct Change {
        enum class Kind : std::uint8_t { replace, append, empty };
        Kind kind;
        std::string records;
    };

    void run();
    void write_all(const std::vector<Change>& changes);
    bool write(const Change& change);
    void renew();
    void tell_written(std::uint64_t position);
    void note(Change change);

    StateFile file_;        // on the thread, but for load()
    bool is_whole_ = true;  // only on the thread: no write has failed since the last replacement
    mutable std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    std::condition_variable progressed_;
    std::vector<Change> changes_;
    std::vector<std::pair<std::uint64_t, std::function<void()>>> waiting_;
    std::uint64_t noted_ = 0;
    std::uint64_t written_ = 0;
    redis::PurgeJournal* journal_ = nullptr;
    bool renewing_ = false;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace larder::server
