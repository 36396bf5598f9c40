#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "redis/slots.hpp"

namespace larder::redis {

/// One thing to purge from Redis.
struct PurgeItem {
    enum class Kind : char {
        key = 'k',      ///< an exact key, and the keys that extend it
        pattern = 'p',  ///< a known tag
        response_tag = 'r',
        scan = 's',        ///< a pattern whose keys must be looked for
        everything = 'e',  ///< all that is stored; the name is empty
    };
    Kind kind = Kind::key;
    bool soft = false;
    std::string name;

    friend bool operator==(const PurgeItem&, const PurgeItem&) = default;
};

/// The purge that covers every entry: what a list too long to keep turns into.
PurgeItem purge_everything();

/// The purges that Redis has not acknowledged. What they touch may not be read from Redis until
/// they are done. Any thread.
class PurgeJournal {
public:
    struct Entry {
        PurgeItem item;
        std::uint64_t version = 0;
        SlotGroups touched = 0;  ///< what may not be read until it is done
    };

    /// Follows what the journal holds, for example to keep it on disk. Called under the journal's
    /// lock, in order: it must neither wait nor call the journal.
    class Observer {
    public:
        virtual ~Observer() = default;
        /// Where it begins to follow: what the journal holds now.
        virtual void begins(const std::vector<PurgeItem>& items) = 0;
        virtual void added(const std::vector<PurgeItem>& items) = 0;
        virtual void emptied() = 0;
    };

    /// Which slots of a cluster a purge touches.
    using Touches = std::function<SlotGroups(const PurgeItem&)>;
    /// Without `touches` each purge concerns everything.
    explicit PurgeJournal(std::size_t entries_max = 10'000, Touches touches = nullptr)
        : touches_(std::move(touches)), entries_max_(entries_max) {}

    /// From now on. Null: nobody follows. The observer must stay until then.
    void observe(Observer* observer);

    void add(const std::vector<PurgeItem>& items);
    [[nodiscard]] bool empty() const { return size_.load(std::memory_order_acquire) == 0; }
    [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_acquire); }
    /// The slots that may not be read.
    [[nodiscard]] SlotGroups owed() const { return owed_.load(std::memory_order_acquire); }
    [[nodiscard]] std::vector<Entry> pending() const;
    /// Takes out what was acknowledged. An item that was added again since `pending` stays: the
    /// acknowledged purge may have been done before the later one was asked for.
    void acknowledged(const std::vector<Entry>& entries);

private:
    void count();

    const Touches touches_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Entry> entries_;
    std::atomic<std::size_t> size_{0};
    std::atomic<SlotGroups> owed_{0};
    std::size_t entries_max_;
    std::uint64_t version_ = 0;
    Observer* observer_ = nullptr;
};

/// The purges of the last while, for a Redis that comes back having forgotten them. Any thread.
class PurgeHistory {
public:
    explicit PurgeHistory(std::size_t entries_max = 100'000) : entries_max_(entries_max) {}

    /// Called before a purge is sent, so that a server that takes it and is replaced by one that
    /// never heard of it gets it again. Kept for `keeps_for`.
    void remember(const std::vector<PurgeItem>& items, SteadyTime now) {
        add(items, now, keeps_for());
    }
    /// As `remember`, for another time.
    void add(const std::vector<PurgeItem>& items, SteadyTime now, Milliseconds keep);
    /// How long purges are remembered: as long as an entry that was filled before them can live. At
    /// least a day, since other instances may fill longer-lived entries than this one has seen.
    [[nodiscard]] Milliseconds keeps_for() const {
        return Milliseconds(longest_lifetime_ms_.load(std::memory_order_relaxed));
    }
    /// An entry was filled that lives this long: purges are remembered at least as long.
    void note_lifetime(Milliseconds lifetime);
    /// What to do again; after an overflow, everything.
    [[nodiscard]] std::vector<PurgeItem> recent(SteadyTime now) const;

    /// A purge and its position: the later it was remembered (again), the higher.
    struct Placed {
        PurgeItem item;
        std::uint64_t position = 0;
    };
    /// What was remembered behind that position, in its order. So a server that has done all up to
    /// a position needs only what this gives.
    [[nodiscard]] std::vector<Placed> after(std::uint64_t position, SteadyTime now) const;

    /// A purge and how long it is still to be remembered.
    struct Remembered {
        PurgeItem item;
        Milliseconds left{0};
    };
    /// All of it, for another process.
    [[nodiscard]] std::vector<Remembered> snapshot(SteadyTime now) const;
    /// Takes over what another process remembered. Nothing is forgotten earlier for it.
    void restore(const std::vector<Remembered>& remembered, SteadyTime now);

private:
    struct Entry {
        PurgeItem item;
        SteadyTime until;
        std::uint64_t position = 0;
    };
    void put(const PurgeItem& item, SteadyTime now, SteadyTime until);

    std::atomic<std::int64_t> longest_lifetime_ms_{Milliseconds(std::chrono::hours(24)).count()};
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Entry> entries_;
    SteadyTime everything_until_{};
    std::uint64_t everything_position_ = 0;  ///< of the last overflow
    std::uint64_t position_ = 0;             ///< the last one given
    std::size_t entries_max_;
};

}  // namespace larder::redis
