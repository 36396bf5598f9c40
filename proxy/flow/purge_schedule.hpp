#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "redis/journal.hpp"
#include "store/purge_order.hpp"

namespace larder::observe {
struct PurgeRecord;
}

namespace larder::flow {

/// The purges that a worker has planned: what they name, and when. No I/O and no clock. Belongs to
/// one thread.
///
/// Bounded: a few MB. Equal orders that are due within 100 ms are one, and so is a name that is
/// purged repeatedly for several writes. Beyond the bound, purges of everything replace the names.
class PurgeSchedule {
public:
    using Record = std::shared_ptr<const observe::PurgeRecord>;

    /// The pause between two purges of a name that is purged repeatedly.
    static constexpr Milliseconds repeat_interval{5000};

    enum class Kept : std::uint8_t {
        by_name,
        as_everything,  ///< there were too many: everything is purged in place of all names
    };
    /// `record`: of the first purge; null: it is not known. Used for a purge that is made once.
    Kept add(const store::PlannedPurge& purge, SteadyTime now, Record record = nullptr);

    [[nodiscard]] bool empty() const { return once_.empty() && until_.empty(); }
    /// How many orders and repeated names are planned.
    [[nodiscard]] std::size_t size() const { return once_.size() + until_.size(); }
    /// SteadyTime::max(): nothing is planned.
    [[nodiscard]] SteadyTime next_due() const;

    struct Due {
        store::PurgeOrder order;         ///< all that is due
        std::vector<Record> records;     ///< of its parts, as far as they are known
        store::PurgeOrder not_recorded;  ///< the rest
    };
    /// What is due at `now`, or a part of it if it is long.
    [[nodiscard]] Due take_due(SteadyTime now);

    /// All that is planned.
    [[nodiscard]] std::vector<store::PlannedPurge> all() const;
    void clear();

private:
    using OnceKey = std::pair<SteadyTime, std::string>;  // the order as lines of redis/purge_text

    Kept add_once(const store::PlannedPurge& purge, SteadyTime now, Record record);
    Kept add_repeated(const store::PlannedPurge& purge, SteadyTime now);
    void repeat(const std::string& line, SteadyTime until, SteadyTime now);
    void replace_once(SteadyTime now);
    void replace_repeated(SteadyTime now);

    std::map<OnceKey, Record> once_;
    std::size_t once_bytes_ = 0;
    // The repeated names, each as a line of redis/purge_text, and when the last purge of each is
    // due. `ticks_` points to these names.
    std::unordered_map<std::string, SteadyTime> until_;
    std::multimap<SteadyTime, const std::string*> ticks_;
    std::size_t repeated_bytes_ = 0;
};

}  // namespace larder::flow
