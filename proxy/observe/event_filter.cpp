#include "observe/event_filter.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace larder::observe {
namespace {

constexpr std::string_view conditions =
    "route=/articles/{id}, cache=MISS, status=5xx, method=GET, client=10.0.0.0/8, "
    "detail=set-cookie or slower=50ms";

std::string not_understood(std::string_view name, std::string_view value,
                           std::string_view expected) {
    return std::string(name) + '=' + std::string(value) + " is not understood: expected " +
           std::string(expected);
}

/// "50ms", "2s", "1m"; a bare number is seconds.
std::optional<std::chrono::nanoseconds> parse_time(std::string_view text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = parse_decimal(text.substr(0, digits));
    const std::string_view unit = text.substr(digits);
    constexpr std::uint64_t number_max = 1'000'000'000;
    if (!number || *number > number_max) return std::nullopt;
    const auto count = static_cast<std::int64_t>(*number);
    if (unit == "ms") return std::chrono::milliseconds(count);
    if (unit == "s" || unit.empty()) return std::chrono::seconds(count);
    if (unit == "m") return std::chrono::minutes(count);
    return std::nullopt;
}

bool is_in(const Network& network, std::string_view client) {
    const auto address = parse_ip(client, network.address.version);
    return address && Network{*address, network.prefix}.canonical() == network;
}

}  // namespace

std::optional<std::string> EventFilter::add_status(std::string_view value) {
    const bool by_class =
        value.size() == 3 && value[0] >= '1' && value[0] <= '9' && iequals(value.substr(1), "xx");
    if (by_class) {
        const int first = (value[0] - '0') * 100;
        statuses_ = Statuses{first, first + 99};
        return std::nullopt;
    }
    const auto status = value.size() == 3 ? parse_decimal(value) : std::nullopt;
    if (!status) return not_understood("status", value, "a status such as 404, or a class: 5xx");
    statuses_ = Statuses{static_cast<int>(*status), static_cast<int>(*status)};
    return std::nullopt;
}

std::optional<std::string> EventFilter::add_cache(std::string_view value) {
    for (int i = 0; i < static_cast<int>(cache::XCache::count_); ++i) {
        if (!iequals(to_word(static_cast<cache::XCache>(i)), value)) continue;
        cache_ = static_cast<cache::XCache>(i);
        return std::nullopt;
    }
    return not_understood("cache", value,
                          "HIT, MISS, EXPIRED, REVALIDATED, UPDATING, STALE or BYPASS");
}

std::optional<std::string> EventFilter::add(std::string_view name, std::string_view value) {
    if (name == "cache") return add_cache(value);
    if (name == "status") return add_status(value);
    if (name == "route") {
        route_ = value;
    } else if (name == "method") {
        method_ = value;
    } else if (name == "detail") {
        detail_ = value;
    } else if (name == "client") {
        const auto network = parse_network(value);
        if (!network) return not_understood(name, value, "a network such as 10.0.0.0/8");
        client_ = network->canonical();
    } else if (name == "slower") {
        slower_ = parse_time(value);
        if (!slower_) return not_understood(name, value, "a time such as 50ms or 2s");
    } else {
        return "unknown filter " + std::string(name) + ": expected " + std::string(conditions);
    }
    return std::nullopt;
}

bool EventFilter::takes(const RequestEvent& event) const {
    if (cache_ && event.x_cache != *cache_) return false;
    if (statuses_ && (event.status < statuses_->first || event.status > statuses_->last))
        return false;
    if (slower_ && event.duration <= *slower_) return false;
    if (method_ && !iequals(event.method, *method_)) return false;
    if (route_ && event.route != *route_) return false;
    if (detail_ && to_token(event.detail) != *detail_) return false;
    return !client_ || is_in(*client_, event.client);
}

}  // namespace larder::observe
