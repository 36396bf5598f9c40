#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "redis/journal.hpp"
#include "redis/purge.hpp"
#include "redis/task.hpp"
#include "redis/way.hpp"

/// Purges that wait for Redis go there in portions. What a portion has brought stays done, so that
/// a failure costs one portion, and a slow Redis gets all of them in the end.
namespace larder::redis {

/// How many purges make a portion. A portion has as long as any step: what stands behind it on the
/// connection, such as a request's purge, has to be answered within redis.timeout too. So a
/// portion that takes too long is followed by a smaller one, not by more patience. One thread.
class PurgePace {
public:
    static constexpr std::size_t portion_max = 256;

    [[nodiscard]] std::size_t portion() const { return portion_; }
    /// A portion was acknowledged. Twice as many must still fit well.
    void acknowledged(SteadyClock::duration took, Milliseconds allowed) {
        if (took * 3 <= allowed) portion_ = std::min(portion_ * 2, portion_max);
    }
    void failed() { portion_ = std::max<std::size_t>(portion_ / 2, 1); }

private:
    std::size_t portion_ = 32;
};

/// Where the portion ends that begins at `at`. A scan makes a portion of its own: it may take long,
/// and what stands beside it would be done again where it fails. An entry has an `item`.
template <class Entry>
[[nodiscard]] std::size_t portion_end(const std::vector<Entry>& entries, std::size_t at,
                                      const PurgePace& pace) {
    const auto is_scan = [](const Entry& entry) {
        return entry.item.kind == PurgeItem::Kind::scan;
    };
    if (is_scan(entries[at])) return at + 1;
    const auto first = entries.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = std::min(pace.portion(), entries.size() - at);
    const auto end = std::find_if(first, first + static_cast<std::ptrdiff_t>(count), is_scan);
    return static_cast<std::size_t>(end - entries.begin());
}

/// The items of the entries in between.
template <class Entry>
[[nodiscard]] std::vector<PurgeItem> items_of(const std::vector<Entry>& entries, std::size_t begin,
                                              std::size_t end) {
    std::vector<PurgeItem> items;
    items.reserve(end - begin);
    for (std::size_t at = begin; at < end; ++at) items.push_back(entries[at].item);
    return items;
}

/// run_purges for one portion; the pace learns how it went. `how.step` must be given.
[[nodiscard]] Task<bool> run_portion(RedisWay way, std::vector<PurgeItem> items, PurgeRun how,
                                     PurgePace& pace);

/// A server that was met, while it is not cleared yet: when that was, and how far it has got the
/// purge history. One thread.
class ServerMeeting {
public:
    /// Another epoch is another server, or other data: what the last one has acknowledged is
    /// forgotten.
    void meet(std::uint64_t epoch, SteadyTime now) {
        if (epoch == epoch_) return;
        *this = ServerMeeting();
        epoch_ = epoch;
        at_ = now;
    }
    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
    [[nodiscard]] SteadyTime at() const { return at_; }

    /// The position in PurgeHistory up to which the server has acknowledged all; 0: it begins anew.
    /// Under another map of its cluster (RedisFleet::version) it begins anew too: the server may
    /// have got slots, and was not sent what touches them.
    [[nodiscard]] std::uint64_t replayed(std::uint64_t map) {
        if (map != map_) position_ = 0;
        map_ = map;
        return position_;
    }
    void acknowledged(std::uint64_t position) { position_ = position; }

private:
    std::uint64_t epoch_ = 0;
    SteadyTime at_{};
    std::uint64_t map_ = 0;
    std::uint64_t position_ = 0;
};

}  // namespace larder::redis
