#include <spdlog/spdlog.h>

#include "redis/shared.hpp"

// What the process says of Redis: in the log on a change, in /stats and in the metrics.
namespace larder::redis {

std::optional<RedisTrouble> RedisShared::last_refusal() const {
    const std::lock_guard lock(mutex_);
    return troubles_.last();
}

std::vector<RedisTrouble> RedisShared::troubles() const {
    const std::lock_guard lock(mutex_);
    return troubles_.present();
}

/// A server may quote what it was sent.
std::string RedisShared::without_secrets(std::string text) const {
    for (const std::string* secret : {&url_.password, &settings_.sentinel_password}) {
        if (secret->empty()) continue;
        for (std::size_t at = text.find(*secret); at != text.npos; at = text.find(*secret, at + 3))
            text.replace(at, secret->size(), "***");
    }
    return text;
}

void RedisShared::failed(RedisWork work, RedisError reason, std::string_view text,
                         std::string_view command) {
    count(reason);
    RedisTrouble trouble;
    trouble.work = work;
    trouble.reason = reason;
    trouble.text = without_secrets(shown_reply(text));
    trouble.command = command;
    trouble.remedy = remedy_for({reason, text, command, url_.user, settings_.prefix});
    std::optional<RedisTroubles::Line> line;
    {
        const std::lock_guard lock(mutex_);
        line = troubles_.failed(std::move(trouble), steady_now());
        troubled_[static_cast<std::size_t>(work)].store(work != RedisWork::other,
                                                        std::memory_order_relaxed);
    }
    if (line) write_line(*line);
}

void RedisShared::end_trouble(RedisWork work) {
    std::optional<RedisTroubles::Line> line;
    {
        const std::lock_guard lock(mutex_);
        line = troubles_.works(work, steady_now());
        troubled_[static_cast<std::size_t>(work)].store(false, std::memory_order_relaxed);
    }
    if (line) write_line(*line);
}

void RedisShared::write_line(const RedisTroubles::Line& line) const {
    const auto level = line.good    ? spdlog::level::info
                       : line.grave ? spdlog::level::err
                                    : spdlog::level::warn;
    spdlog::log(level, "redis {}: {}", server_text_, line.text);
}

void RedisShared::not_the_master(RedisAddress address) {
    const std::lock_guard lock(mutex_);
    not_master_ = std::move(address);
}

RedisAddress RedisShared::not_the_master() const {
    const std::lock_guard lock(mutex_);
    return not_master_;
}

}  // namespace larder::redis
