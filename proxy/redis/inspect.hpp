#pragma once
#include <string>
#include <vector>

#include "settings/settings.hpp"

/// `larder check --redis`: what the configured Redis is, and whether larder can do there what it
/// needs to.
namespace larder::redis {

struct Inspection {
    enum class Kind : unsigned char { fact, warning, error };
    struct Line {
        Kind kind = Kind::fact;
        std::string name;  ///< "tracking"
        std::string text;
    };
    std::vector<Line> lines;

    void say(Kind kind, std::string name, std::string text) {
        lines.push_back({kind, std::move(name), std::move(text)});
    }
    [[nodiscard]] bool has_errors() const;
};

/// Asks the server of the URL; of a cluster, each master; behind sentinels, the sentinels and the
/// master that they name. Waits at most a few seconds for each. Writes a few keys of its own
/// (larder:joined:check:...) and deletes them.
[[nodiscard]] Inspection inspect_redis(const settings::Redis& settings);

}  // namespace larder::redis
