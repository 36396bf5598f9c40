#pragma once
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "observe/labels.hpp"

namespace larder::observe {

/// One purge, as /purges shows it. Values that come from header fields and cookies are masked.
struct PurgeRecord {
    WallTime time{};
    PurgeSource source = PurgeSource::write;
    std::string who;    ///< address of the client; empty: larder itself
    std::string token;  ///< name of the token that was used; empty: none, or one without a name
    std::string route;  ///< `match` of the write's route; empty: none
    std::vector<std::string> keys;
    std::vector<std::string> patterns;
    std::vector<std::string> tags;
    std::vector<std::string> urls;
    std::vector<std::string> hosts;
    std::vector<std::string> prefixes;
    bool everything = false;
    bool soft = false;
    std::chrono::nanoseconds duration{0};
    bool acknowledged = true;  ///< false: still owed to Redis
    bool repeat = false;       ///< the same purge once more, for a write that may have come late
    std::size_t left_out = 0;  ///< names beyond the bounds of a record
};

/// Shortens lists and names, so that a record takes at most some 64 KB.
void bound(PurgeRecord& record);

/// `purge source=write who="10.0.0.7" route="PUT /articles/{id}" keys=["articles:7"] ...`
[[nodiscard]] std::string to_line(const PurgeRecord& record);

/// The last purges, for people. Bounded. Safe from every thread.
class PurgeRecords {
public:
    static constexpr std::size_t kept_max = 1000;

    /// Keeps the record, and writes it to the log as one line.
    void add(PurgeRecord record);
    /// Newest first.
    [[nodiscard]] std::vector<std::shared_ptr<const PurgeRecord>> all() const;

private:
    mutable std::mutex mutex_;
    std::deque<std::shared_ptr<const PurgeRecord>> records_;  // guarded by mutex_; newest first
};

}  // namespace larder::observe
