#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "admin/backend.hpp"
#include "flow/services.hpp"

namespace larder::admin {

/// What GET /entry asks for: one key, by name or by a URL that a GET would store under it.
struct EntryQuestion {
    std::string key;
    std::string url;  ///< empty: `key` is given
    bool with_body = false;
    bool with_diff = false;
    std::vector<std::pair<std::string, std::string>> headers;  ///< of the request, with `url`
    std::string host;  ///< the Host of the request that asks; empty: none

    /// Bodies are the API's data, and a diff costs the origin a request.
    [[nodiscard]] bool needs_purge_right() const { return with_body || with_diff; }
};

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
