#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "admin/backend.hpp"
#include "admin/entry_walk.hpp"

namespace larder::admin {

/// `route`, `prefix`, `after` (a cursor) and `limit` (1 to 1000), or a sentence that says what is
/// wrong.
[[nodiscard]] std::variant<EntriesQuestion, std::string> parse_entries_query(
    std::string_view query);

/// Answers with a page. A page may hold fewer keys than the limit, or none, though more follow: a
/// request looks at the cache for a bounded time. On the worker's thread.
[[nodiscard]] net::Task<void> list_entries(flow::Services& services,
                                           std::shared_ptr<const flow::Config> config,
                                           EntriesQuestion question,
                                           std::function<void(JsonAnswer)> done);

}  // namespace larder::admin
