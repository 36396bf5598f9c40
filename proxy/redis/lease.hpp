#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cache/stored_response.hpp"

namespace larder::redis {

/// Whether Redis answered.
enum class RedisState : std::uint8_t {
    ok,
    down,     ///< known to be away (breaker open, purges pending, not connected): nobody waited
    timeout,  ///< this request waited as long as it may
};

/// The ids that an entry of some name must carry, as a lookup has seen them. Older ids than the
/// present ones make an entry invalid, never valid.
struct KnownIds {
    bool key_absent = false;       ///< nothing of larder's stood under the key
    std::string digest;            ///< of them; empty: one is missing, or stands for a write
                                   ///< under way, and the others are of no use
    std::vector<std::string> ids;  ///< of the rule tags in their order, then of the bare key
    std::uint64_t everything = 0;  ///< the id that all entries carry

    void clear() {
        key_absent = false;
        digest.clear();
        ids.clear();
        everything = 0;
    }
};

/// The right to fill a key, taken before a fetch begins.
struct Lease {
    enum class Lock : std::uint8_t {
        mine,         ///< fetch, then fill or release
        theirs,       ///< another instance fetches: wait_for_other, or fetch without the lock
        uncacheable,  ///< the last answer was not storable: fetch at once, do not wait
        none,         ///< no lock was asked for
    };
    RedisState state = RedisState::ok;
    Lock lock = Lock::none;
    std::string
        guard;  ///< the key's generation at the start: the fill stores only while it still holds
    std::string token;      ///< whose lock it is; where the guard carries it, the guard
    std::string lock_key;   ///< under which the lock stands, and its end is told; empty: none was
                            ///< asked for
    std::string guard_key;  ///< where the guard stands
    std::vector<cache::TagId>
        tags;  ///< the rule tags' ids (and the bare key's, for an extended key)
    std::uint64_t everything =
        0;                    ///< the id that all entries carry; 0: unknown, nothing can be stored
    std::uint64_t clock = 0;  ///< the purge clock for response tags at the start
    std::uint64_t clock_epoch = 0;  ///< which server told it: another one's may be behind
    std::string soft_id;            ///< the key's soft-purge mark at the start
    std::string entry_guard{};      ///< the guard that the entry's hash names: what is added there
                                    ///< must have been filled under it; empty: nothing stands there
    bool made_guard = false;        ///< it has made the guard, and nothing stood under the key
    bool entry_there = false;       ///< the key holds entries: one may have come since the lookup
    std::string foreign_key{};      ///< a key that the entry or its bookkeeping needs, and that
                                    ///< somebody else holds; else empty
    std::string foreign_type{};     ///< what Redis says that it is ("string")
    bool untracked = false;  ///< Redis has not noted that this worker looked at the key: it does
                             ///< not tell of the fill
    bool held = false;  ///< a write to it is under way somewhere (RedisStore::announce): nothing
                        ///< may be stored
    std::uint64_t epoch =
        0;  ///< which server gave it: another one may have forgotten a purge since
    std::uint64_t sequence = 0;  ///< the process's own purge sequence at the start
    std::uint64_t heard_by = 0;  ///< which subscribers have heard of all purges since; 0: none

    /// A fill under it can succeed: else the fetch serves its readers only.
    [[nodiscard]] bool can_store() const {
        return state == RedisState::ok && !guard.empty() && !held && everything != 0 &&
               foreign_key.empty();
    }
};

/// How a fetch ends that gives its lock back.
enum class LeaseEnd : std::uint8_t {
    unstored,     ///< another instance may fetch at once
    uncacheable,  ///< others are told not to wait for this key in the next few seconds
};

/// A lease, and the duty to give its lock back: others would wait for a fetch that is over. Its
/// destructor gives it back as `unstored`. One thread; the lease itself may be shared.
class LeaseHold {
public:
    /// Gives a lock back. It must not throw, and may be called after the store is gone.
    using GiveBack = std::function<void(const Lease&, LeaseEnd)>;

    LeaseHold() = default;
    LeaseHold(std::shared_ptr<const Lease> lease, GiveBack give_back)
        : lease_(std::move(lease)), give_back_(std::move(give_back)) {}
    LeaseHold(LeaseHold&& other) noexcept
        : lease_(std::move(other.lease_)), give_back_(std::exchange(other.give_back_, nullptr)) {}
    /// Gives back what was held before.
    LeaseHold& operator=(LeaseHold&& other) noexcept {
        if (this == &other) return *this;
        give_back(LeaseEnd::unstored);
        lease_ = std::move(other.lease_);
        give_back_ = std::exchange(other.give_back_, nullptr);
        return *this;
    }
    ~LeaseHold() { give_back(LeaseEnd::unstored); }

    /// There is a lock to be given back.
    [[nodiscard]] bool has_lock() const { return give_back_ != nullptr; }
    /// Null: none was taken. Also valid after the end.
    [[nodiscard]] const std::shared_ptr<const Lease>& shared() const { return lease_; }
    /// Where none was taken it is one that nothing can be stored under.
    [[nodiscard]] const Lease& operator*() const {
        static const Lease none;
        return lease_ ? *lease_ : none;
    }
    [[nodiscard]] const Lease* operator->() const { return &**this; }

    /// Ends the duty. Does not wait. A later end does nothing.
    void give_back(LeaseEnd end) {
        const GiveBack give_back = std::exchange(give_back_, nullptr);
        if (give_back) give_back(*lease_, end);
    }
    /// The good end: RedisStore::fill has stored, and ended the lock.
    void filled() { give_back_ = nullptr; }

private:
    std::shared_ptr<const Lease> lease_;
    GiveBack give_back_;  ///< empty: there is nothing to give back
};

}  // namespace larder::redis
