#pragma once
#include <array>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/fetch.hpp"

namespace larder::store {

/// The fetches under way in this process: of all requests for a cold key, one fetches. Safe from
/// every thread.
class FetchBoard {
public:
    explicit FetchBoard(Generations& generations) : generations_(generations) {}

    struct Place {
        FetchPtr fetch;
        bool leads = false;  ///< the caller made it and has to run it
    };

    /// The fetch of that name, if it began after the last purge of what it fetches; else a new one
    /// that takes its place.
    Place join_or_lead(std::string_view key, std::string_view name, Guards guards);

    /// The one under way, if it may still be joined; else null.
    FetchPtr find(std::string_view name);

    /// The fetch has ended, or began before a purge: no request finds it any more.
    void leave(const FetchPtr& fetch);

    /// No later request may join a fetch whose key matches the pattern. Call it after
    /// Generations::begin_scan. Walks the fetches under way, which the connections bound.
    void close_matching(std::string_view pattern);

private:
    struct NameHash {
        std::size_t operator()(std::string_view text) const;
    };
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string_view, FetchPtr, NameHash> fetches;  // by Fetch::name
    };
    Shard& shard_of(std::string_view name);

    Generations& generations_;
    std::array<Shard, 16> shards_;
};

/// The duty of the leader to run a fetch. The destructor takes the fetch from the board, and fails
/// or cuts it if it has not ended. So the requests that joined never wait for a fetch that nobody
/// runs.
class FetchDuty {
public:
    FetchDuty(FetchBoard& board, FetchPtr fetch) noexcept
        : board_(&board), fetch_(std::move(fetch)) {}
    FetchDuty(FetchDuty&&) noexcept = default;
    FetchDuty& operator=(FetchDuty&&) = delete;
    ~FetchDuty() {
        if (!fetch_) return;
        fetch_->abandon();
        board_->leave(fetch_);
    }

    [[nodiscard]] const FetchPtr& fetch() const { return fetch_; }

private:
    FetchBoard* board_;
    FetchPtr fetch_;
};

}  // namespace larder::store
