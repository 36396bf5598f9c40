#pragma once
#include <atomic>
#include <cstdint>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace larder::store {

/// The purges by patterns given by hand whose entries are not all gone yet. A purge is in force as
/// soon as it stands here, since lookups ask. The sweep removes the entries and then the purge.
/// Safe from every thread.
class ScanPatterns {
public:
    struct Pattern {
        std::string text;
        bool soft = false;
        std::uint64_t position = 0;  ///< of the purge: entries of an earlier sequence are meant
    };
    /// What the purges say of one entry.
    struct Verdict {
        bool purged = false;
        std::uint64_t soft_at = 0;  ///< the position of the last soft purge it falls under; 0: none
    };

    /// False: too many at once. Again the same pattern is one with the later position.
    bool add(std::string_view text, bool soft, std::uint64_t position);

    /// Whether there are any. Nobody asks judge() without.
    [[nodiscard]] bool any() const { return any_.load(std::memory_order_acquire); }
    [[nodiscard]] Verdict judge(std::string_view key, std::uint64_t sequence) const;

    [[nodiscard]] std::vector<Pattern> all() const;
    /// The sweep is done with these; what was added again meanwhile stays.
    void remove(const std::vector<Pattern>& swept);

private:
    static constexpr std::size_t patterns_max = 128;

    std::atomic<bool> any_{false};
    mutable std::shared_mutex mutex_;
    std::vector<Pattern> patterns_;
};

/// What some patterns say of an entry.
ScanPatterns::Verdict judge_by(const std::vector<ScanPatterns::Pattern>& patterns,
                               std::string_view key, std::uint64_t sequence);

}  // namespace larder::store
