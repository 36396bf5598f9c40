#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// What fetches show about the configuration, for `larder advise`.
namespace larder::observe {

/// Whether a query parameter that the key does not name makes a difference.
struct ParameterFinding {
    std::uint64_t same = 0;       ///< another value, the same body
    std::uint64_t different = 0;  ///< another value, another body
};

struct RouteFinding {
    std::uint64_t stored = 0;
    std::uint64_t refetched_same = 0;     ///< expired, and the body was still the same
    std::uint64_t refetched_changed = 0;  ///< expired, and the body had changed
    std::uint64_t with_tags = 0;          ///< stored with tags that the response names
    std::map<std::string, ParameterFinding, std::less<>> parameters{};
};

/// One response that is stored.
struct FetchFinding {
    std::string_view route;       ///< path template
    std::string_view bare_key{};  ///< without the appended query
    std::string_view appended{};  ///< "a=1&b=2": the parameters that the key does not name
    std::uint64_t body_hash = 0;
    bool replaces = false;   ///< an expired entry was there
    bool same_body = false;  ///< as in that entry
    bool has_tags = false;
};

/// Collects findings in bounded memory. Safe from every thread; only fetches call it.
class FetchFindings {
public:
    void note(const FetchFinding& finding);
    [[nodiscard]] std::map<std::string, RouteFinding> by_route() const;

private:
    static constexpr std::size_t routes_max = 1024;
    static constexpr std::size_t parameters_max = 32;  ///< of one route
    static constexpr std::size_t bodies_max = 4096;

    void note_parameters(const FetchFinding& finding, RouteFinding& route);

    /// The last body under a key, and the one parameter that it was fetched with.
    struct LastBody {
        std::uint64_t hash = 0;
        std::string appended;
    };
    mutable std::mutex mutex_;
    std::map<std::string, RouteFinding, std::less<>> routes_;
    std::unordered_map<std::string, LastBody> bodies_;
};

}  // namespace larder::observe
