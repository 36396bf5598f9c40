#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

/// Whether a master of a cluster still is one. Pure.
///
/// A master that is cut off from the others goes on answering for a while (up to one and a half
/// times cluster-node-timeout), and meanwhile its replica may take its place. So a master is used
/// only while other masters have said of late that they reach it. Redis replaces a master by itself
/// at the earliest 500 ms after a majority of the masters has called it failed. While this one and
/// those that still reach it are half of all masters, the others are no majority.
namespace larder::redis {

/// How long another master's word counts: less than these 500 ms.
inline constexpr Milliseconds word_counts_for{450};

/// How many other masters must reach a master, so that the rest cannot replace it.
[[nodiscard]] constexpr int words_needed(int masters) { return (masters + 1) / 2 - 1; }

/// What one node says of the masters (CLUSTER NODES).
struct NodeWord {
    std::string myself;                ///< its id
    bool is_master = false;            ///< only a master's word counts
    std::vector<std::string> masters;  ///< the ids of the other masters with slots that it reaches
};
/// Nothing where the text makes no sense.
[[nodiscard]] std::optional<NodeWord> read_word(std::string_view nodes);

/// Who has said of whom that it is a master, and when. One thread.
class Confirmations {
public:
    /// The node said so when it was asked at that time.
    void heard(const NodeWord& word, SteadyTime asked_at);
    /// Up to when the master of that id may be used; the past: not now. `masters`: how many there
    /// are.
    [[nodiscard]] SteadyTime until(const std::string& id, int masters) const;

private:
    /// By the master's id, then by the id of the one who says so.
    std::map<std::string, std::map<std::string, SteadyTime>> said_;
};

}  // namespace larder::redis
