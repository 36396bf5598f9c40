#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "admin/backend.hpp"
#include "flow/services.hpp"

namespace larder::admin {

/// `url` or `key`, `body=1`, `diff=1`, and any number of `header=Name: value`, or a sentence that
/// says what is wrong.
[[nodiscard]] std::variant<EntryQuestion, std::string> parse_entry_query(std::string_view query);

/// Answers with all variants in both tiers; 404 where nothing is stored. A diff is that of the
/// variant the URL's request gets, else of the newest. On the worker's thread.
[[nodiscard]] net::Task<void> show_entry(flow::Services& services,
                                         std::shared_ptr<const flow::Config> config,
                                         EntryQuestion question,
                                         std::function<void(JsonAnswer)> done);

}  // namespace larder::admin
