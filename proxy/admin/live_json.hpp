#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "observe/key_ranks.hpp"
#include "observe/request_events.hpp"

/// What /events and /top are asked, and what they answer. Pure.
namespace larder::admin {

/// The parts of a query, decoded, in their order. A part that cannot be decoded stays as it is.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> query_pairs(std::string_view query);

/// The filter that the query asks for, or what is wrong with it.
[[nodiscard]] std::variant<observe::EventFilter, std::string> parse_event_query(
    std::string_view query);

/// One server-sent event each (HTML standard, 9.2): `request` with the event, `lost` with how many
/// a slow listener missed.
[[nodiscard]] std::string to_sse(const observe::RequestEvent& event);
[[nodiscard]] std::string to_sse_lost(std::uint64_t events);

struct TopQuestion {
    observe::RankBy by = observe::RankBy::hits;
    std::size_t count = 100;
};
[[nodiscard]] std::variant<TopQuestion, std::string> parse_top_query(std::string_view query);
/// Origin time is in milliseconds.
[[nodiscard]] std::string to_top_json(observe::RankBy by,
                                      const std::vector<observe::RankedKey>& keys);

}  // namespace larder::admin
