#include "redis/reporter.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>

namespace larder::redis {
namespace {

constexpr std::size_t foreign_keys_told_max = 50;

}  // namespace

std::optional<RedisTrouble> RedisReporter::last_refusal() const {
    const std::lock_guard lock(mutex_);
    return troubles_.last();
}

std::vector<RedisTrouble> RedisReporter::troubles() const {
    const std::lock_guard lock(mutex_);
    return troubles_.present();
}

/// A server may quote what it was sent.
std::string RedisReporter::without_secrets(std::string text) const {
    for (const std::string* secret : {&config_.url.password, &config_.settings.sentinel_password}) {
        if (secret->empty()) continue;
        for (std::size_t at = text.find(*secret); at != text.npos; at = text.find(*secret, at + 3))
            text.replace(at, secret->size(), "***");
    }
    return text;
}

void RedisReporter::failed(RedisWork work, RedisError reason, std::string_view text,
                           std::string_view command) {
    count(reason);
    RedisTrouble trouble;
    trouble.work = work;
    trouble.reason = reason;
    trouble.text = without_secrets(shown_reply(text));
    trouble.command = command;
    trouble.remedy = remedy_for({reason, text, command, config_.url.user, config_.settings.prefix});
    std::optional<RedisTroubles::Line> line;
    {
        const std::lock_guard lock(mutex_);
        line = troubles_.failed(std::move(trouble), steady_now());
        troubled_[static_cast<std::size_t>(work)].store(work != RedisWork::other,
                                                        std::memory_order_relaxed);
    }
    if (line) write_line(*line);
}

void RedisReporter::end_trouble(RedisWork work) {
    std::optional<RedisTroubles::Line> line;
    {
        const std::lock_guard lock(mutex_);
        line = troubles_.works(work, steady_now());
        troubled_[static_cast<std::size_t>(work)].store(false, std::memory_order_relaxed);
    }
    if (line) write_line(*line);
}

void RedisReporter::write_line(const RedisTroubles::Line& line) const {
    const auto level = line.good    ? spdlog::level::info
                       : line.grave ? spdlog::level::err
                                    : spdlog::level::warn;
    spdlog::log(level, "redis {}: {}", config_.server_text, line.text);
}

void RedisReporter::tell_foreign(std::string_view key, std::string_view type,
                                 std::string_view shown) {
    const std::uint64_t hash = std::hash<std::string_view>{}(key);
    std::size_t told = 0;
    {
        const std::lock_guard lock(mutex_);
        if (foreign_told_.size() >= foreign_keys_told_max) return;
        if (std::find(foreign_told_.begin(), foreign_told_.end(), hash) != foreign_told_.end())
            return;
        foreign_told_.push_back(hash);
        told = foreign_told_.size();
    }
    spdlog::warn(
        "redis: the key {} holds a {} that is not larder's: larder leaves it alone, and what "
        "belongs there is not cached "
        "(detail=foreign-key); give larder names of its own with redis.prefix, or change the key "
        "of the route{}",
        shown, type.empty() ? "value" : type,
        told < foreign_keys_told_max
            ? ""
            : "; further keys are only counted (larder_not_stored_total{reason=\"foreign-key\"})");
}

}  // namespace larder::redis
