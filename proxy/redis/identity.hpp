#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace larder::redis {

/// Which Redis server a connection leads to, as INFO tells it. Two connections lead to one server,
/// with one history of its data, where the names are equal.
struct ServerIdentity {
    std::string run_id;          ///< of the process; changes with each start
    std::string replication_id;  ///< of the data's history: changes when a replica is promoted or a
                                 ///< master follows another
    std::uint64_t offset = 0;    ///< how far that history has come
    bool replica = false;

    /// Empty: the server does not tell (the user may not run INFO).
    [[nodiscard]] std::string name() const {
        return run_id.empty() ? std::string() : run_id + ":" + replication_id;
    }
};

/// Adds what the text of INFO says; sections may come one after the other.
void read_info(std::string_view info, ServerIdentity& identity);

/// The value in a line of INFO's text ("role:master"); empty: there is no such line.
[[nodiscard]] std::string_view info_value(std::string_view info, std::string_view name);

}  // namespace larder::redis
