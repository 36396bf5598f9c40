#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/network.hpp"
#include "cache/outcome.hpp"

namespace larder::observe {

/// One answered request, as listeners see it. A query is shown by the names of its parameters.
struct RequestEvent {
    WallTime time{};
    std::string client;
    std::string method;
    std::string target;  ///< see shown_target
    std::string route;   ///< path template; empty: none
    std::string request_id;
    int status = 0;
    cache::XCache x_cache = cache::XCache::bypass;
    cache::Detail detail = cache::Detail::none;
    std::chrono::nanoseconds duration{0};
    std::chrono::nanoseconds origin_time{0};  ///< the part of it that larder waited for the origin
};

/// Which requests a listener wants: those that meet all conditions.
class EventFilter {
public:
    /// Adds a condition: route=/articles/{id}, cache=MISS, status=5xx or status=404, method=GET,
    /// client=10.0.0.0/8, detail=set-cookie, slower=50ms. Nothing where it was understood, else
    /// what is wrong with it.
    [[nodiscard]] std::optional<std::string> add(std::string_view name, std::string_view value);

    [[nodiscard]] bool takes(const RequestEvent& event) const;

private:
    struct Statuses {
        int first = 0;
        int last = 0;
    };
    [[nodiscard]] std::optional<std::string> add_status(std::string_view value);
    [[nodiscard]] std::optional<std::string> add_cache(std::string_view value);

    std::optional<std::string> route_;
    std::optional<cache::XCache> cache_;
    std::optional<Statuses> statuses_;
    std::optional<std::string> method_;
    std::optional<Network> client_;
    std::optional<std::string> detail_;
    std::optional<std::chrono::nanoseconds> slower_;
};

}  // namespace larder::observe
