#pragma once
#include <cstdint>
#include <optional>

#include "flow/client.hpp"
#include "net/deadline.hpp"
#include "store/fetch.hpp"

namespace larder::flow {

/// Watches a client that reads from a fetch. A body that is not stored is read from the origin only
/// as fast as its slowest reader takes it. So one client that takes nothing would stop all who
/// share the fetch: when others have read everything and the client has taken nothing for two
/// seconds, its connection is reset. A slow client that takes something sets the pace for all.
/// Client and reader outlive the watch. One thread.
class HoldUpWatch {
public:
    HoldUpWatch(Client& client, const store::Fetch::Reader& reader);
    HoldUpWatch(const HoldUpWatch&) = delete;
    HoldUpWatch& operator=(const HoldUpWatch&) = delete;

private:
    /// What moves while the client takes something.
    struct Progress {
        std::uint64_t position = 0;        ///< of the reader
        std::uint64_t unacknowledged = 0;  ///< Client::bytes_unacknowledged
        bool operator==(const Progress&) const = default;
    };

    static void look(void* self);
    [[nodiscard]] Progress progress() const;

    Client& client_;
    const store::Fetch::Reader& reader_;
    net::Deadline next_look_;
    Progress last_;
    std::optional<SteadyTime> still_since_;  ///< nothing: nobody is held up
};

}  // namespace larder::flow
