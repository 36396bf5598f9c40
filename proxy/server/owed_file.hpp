#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "redis/journal.hpp"
#include "server/state_writer.hpp"

namespace larder::server {

/// Locks the state directory for this process. `inherited`: the lock's descriptor if a predecessor
/// left it, else -1. Returns the descriptor that holds the lock; keep it open. Throws
/// std::runtime_error with one readable line if another process has the lock, or the directory
/// cannot be used.
int lock_state_directory(const std::string& folder, int inherited);

/// The purges owed to Redis, in the file `owed` of the state directory: those in the journal, and
/// perhaps some that were delivered meanwhile. A StateWriter writes the file.
class OwedFile final : public redis::PurgeJournal::Observer {
public:
    explicit OwedFile(const std::string& folder);
    /// As leave().
    ~OwedFile() override;
    OwedFile(const OwedFile&) = delete;
    OwedFile& operator=(const OwedFile&) = delete;

    /// The purges that the last process left. A damaged file is renamed to owed.damaged-SECONDS,
    /// and counts as a purge of everything. Not while the file follows a journal.
    [[nodiscard]] std::vector<redis::PurgeItem> load();

    /// Replaces the file by the content of the journal, and follows the journal, which must live
    /// until leave().
    void follow(redis::PurgeJournal& journal);
    /// Stops following the journal. When it returns, all noted purges are on disk or could not be
    /// written, and another process may write the file.
    void leave();
    [[nodiscard]] bool follows() const { return writer_.writes(); }

    /// Calls `then` on the file's thread when all purges noted so far are on disk, or could not be
    /// written (an error in the log tells).
    void when_written(std::function<void()> then) { writer_.when_written(std::move(then)); }
    /// Waits for the same. False: it has not come to that at `until`.
    bool wait_until_written(SteadyTime until) { return writer_.wait_until_written(until); }
    /// Whether the next process will find all purges of the journal in the file, see
    /// StateWriter::is_kept. False where the file follows no journal.
    [[nodiscard]] bool is_kept(SteadyTime until) { return writer_.is_kept(until); }

    void begins(const std::vector<redis::PurgeItem>& items) override;
    void added(const std::vector<redis::PurgeItem>& items) override;
    void emptied() override;

private:
    [[nodiscard]] std::string all_records() const;

    std::atomic<redis::PurgeJournal*> journal_{nullptr};
    StateWriter writer_;
};

}  // namespace larder::server
