#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "redis/journal.hpp"
#include "server/state_writer.hpp"
#include "store/purge_order.hpp"

namespace larder::server {

/// One thing that is to be purged later.
struct PlannedItem {
    redis::PurgeItem item;
    SteadyTime due;
    store::PlannedPurge::Repeats repeats = store::PlannedPurge::Repeats::no;
};

/// The item as a line of the file `planned`: "DUE AHEAD o kh articles:42". DUE is the wall time in
/// milliseconds, AHEAD the milliseconds from now until then, `o` (once) or `r` (also every few
/// seconds until then), and the rest is the purge as redis/purge_text.hpp writes it. Both times are
/// rounded up, so that equal plans of one moment are equal lines. `wall` and `steady` are now.
[[nodiscard]] std::string planned_line(const PlannedItem& planned, WallTime wall,
                                       SteadyTime steady);
/// Nothing: it is no such line. The purge is due no later than AHEAD from now, whatever was done to
/// the wall clock.
[[nodiscard]] std::optional<PlannedItem> parse_planned_line(std::string_view line, WallTime wall,
                                                            SteadyTime steady);

/// The purges that are planned, in the file `planned` of the state directory. A purge stays there
/// until half a minute after it was due. A StateWriter writes the file.
class PlannedFile {
public:
    /// `reach`: RouteTable::reach of the rules in force, by which the purges are named. Any thread.
    explicit PlannedFile(const std::string& folder, std::function<std::string()> reach = {});
    /// As leave().
    ~PlannedFile();
    PlannedFile(const PlannedFile&) = delete;
    PlannedFile& operator=(const PlannedFile&) = delete;

    /// What the last process has planned. A damaged file is renamed to planned.damaged-SECONDS, and
    /// counts as a purge of everything that is due now. Not while the file is written.
    [[nodiscard]] std::vector<store::PlannedPurge> load();

    /// Replaces the file by `planned` and what was noted before, and writes what is noted from now
    /// on.
    void follow(const std::vector<store::PlannedPurge>& planned);
    /// Stops writing, and forgets what was noted. When it returns, all that was noted is in the
    /// file or could not be written, and another process may write it.
    void leave();
    /// The same, where nothing but `planned` is to stay in the file. Whether the next process will
    /// find that, see StateWriter::is_kept.
    [[nodiscard]] bool leave_with(const std::vector<store::PlannedPurge>& planned,
                                  SteadyTime until);
    [[nodiscard]] bool follows() const { return writer_.writes(); }

    /// The rules have changed, and what was noted was noted for the new ones too.
    void follow_rules() { writer_.renew(); }

    /// Notes a purge. Any thread; does not wait.
    void note(const store::PlannedPurge& purge);
    /// Whether something noted may not be in the file yet, so that a kill would lose it. Any
    /// thread.
    [[nodiscard]] bool is_behind() const { return writer_.is_behind(); }
    /// Calls `then` on the file's thread when all that was noted so far would survive a kill of
    /// this process, or could not be written (an error in the log tells); it is on disk soon after.
    void when_written(std::function<void()> then) { writer_.when_written(std::move(then)); }

private:
    void add(const store::PlannedPurge& purge);
    void put(std::string line, SteadyTime until);
    void forget_old(SteadyTime now);
    void forget_all();
    [[nodiscard]] std::string all_records() const;

    mutable std::mutex mutex_;                           // guards all below but the writer
    std::unordered_map<std::string, SteadyTime> lines_;  // what the file should hold, until when
    std::size_t bytes_ = 0;                              // of them
    SteadyTime forget_at_{};
    const std::function<std::string()> reach_;  // before the writer, whose thread calls it
    StateWriter writer_;
};

}  // namespace larder::server
