#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace larder::observe {

/// Gives each label value a small number for good. It only grows, so that counters survive a reload
/// that changes the routes. It is bounded: number 0 is `other`, and every name beyond the limit
/// gets that number. Safe from every thread; meant for start and reload, not for requests.
class NameRegistry {
public:
    using Id = std::uint16_t;
    static constexpr Id other = 0;

    explicit NameRegistry(std::size_t names_max);

    /// The name's number, a new one where the name is new.
    Id intern(std::string_view name);

    /// All names so far, in the order of their numbers.
    [[nodiscard]] std::vector<std::string> names() const;

private:
    const std::size_t names_max_;
    mutable std::mutex mutex_;  // guards what follows
    std::map<std::string, Id, std::less<>> ids_;
    std::vector<std::string> names_;
};

}  // namespace larder::observe
