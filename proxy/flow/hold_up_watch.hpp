#pragma once
#include <cstdint>
#include <optional>

#include "flow/client.hpp"
#include "net/deadline.hpp"
#include "store/fetch.hpp"

namespace larder::flow {

/// Watches a client that reads from a fetch. larder reads a body that is not stored only as fast as
/// the slowest reader takes it, so a client that takes nothing would stop all readers of the fetch.
/// When the others have read everything and the client has taken nothing for two seconds, its
/// connection is reset. A slow client that takes something sets the pace for all. Client and reader
/// outlive the watch. One thread.
class HoldUpWatch {
public:
    HoldUpWatch(Client& client, const store::Fetch::Reader& reader);
    HoldUpWatch(const HoldUpWatch&) = delete;
    HoldUpWatch& operator=(const HoldUpWatch&) = delete;

private:
    /// Changes while the client takes something.
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
    std::optional<SteadyTime> still_since_;  ///< nothing: no reader is held up
};

}  // namespace larder::flow
