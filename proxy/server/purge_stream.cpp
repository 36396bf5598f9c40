#include "server/purge_stream.hpp"

#include <spdlog/spdlog.h>

#include "admin/purge_order.hpp"
#include "flow/purge.hpp"
#include "flow/purge_record.hpp"
#include "net/detached.hpp"
#include "net/event.hpp"
#include "redis/purge_stream.hpp"
#include "redis/shared.hpp"

namespace larder::server {
namespace {

constexpr Milliseconds look_every{40};
constexpr Milliseconds look_again{200};  // where Redis does not answer

/// What an entry asks for, and how it is shown; nothing where it makes no sense, which is logged.
struct StreamOrder {
    store::PurgeOrder order;
    observe::PurgeRecord record;
};
std::optional<StreamOrder> order_of(const flow::Services& services,
                                    const redis::StreamEntry& entry) {
    std::string fault;
    std::optional<redis::StreamPurge> purge = redis::read_purge(entry, fault);
    if (purge) {
        admin::PurgeOrder asked;
        asked.keys = std::move(purge->keys);
        asked.patterns = std::move(purge->patterns);
        asked.tags = std::move(purge->tags);
        asked.urls = std::move(purge->urls);
        asked.soft = purge->soft;
        const std::vector<std::string> urls = asked.urls;
        auto resolved = admin::resolve_purge(std::move(asked), services.config->routes);
        if (auto* good = std::get_if<admin::ResolvedPurge>(&resolved)) {
            StreamOrder out{std::move(good->order), {}};
            out.record = flow::record_of(observe::PurgeSource::stream, out.order);
            out.record.who = entry.id;
            out.record.patterns = good->asked.patterns;
            out.record.urls = urls;
            return out;
        }
        fault = std::get<std::string>(resolved);
    }
    spdlog::warn("redis.purge_stream: entry {} is no purge, and is passed over: {}", entry.id,
                 fault);
    return std::nullopt;
}

/// Does them, and acknowledges those that Redis has done: the others come again.
net::Task<void> do_entries(flow::Services& services, redis::RedisShared& shared,
                           redis::PurgeStream& stream, std::vector<redis::StreamEntry> entries) {
    std::vector<std::string> done;
    for (redis::StreamEntry& entry : entries) {
        const bool deleted = entry.fields.empty();
        std::optional<StreamOrder> asked;
        if (!deleted) asked = order_of(services, entry);
        if (!asked) {
            if (!deleted) shared.reporter().count_malformed();
            done.push_back(std::move(entry.id));
            continue;
        }
        redis::RedisBudget budget;
        const SteadyTime began = steady_now();
        const store::PurgeOutcome outcome = co_await flow::purge(services, asked->order, budget);
        flow::keep_record(services, std::move(asked->record), began, outcome);
        if (outcome == store::PurgeOutcome::done) done.push_back(std::move(entry.id));
    }
    co_await stream.done(std::move(done));
}

net::Task<void> follow(flow::Services& services, redis::RedisShared& shared) {
    redis::PurgeStream stream(shared);
    net::Event pause(services.executor());
    while (true) {
        services.follow_reload();
        std::vector<redis::StreamEntry> entries;
        const redis::PurgeStream::Read read = co_await stream.read(entries);
        if (read == redis::PurgeStream::Read::entries) {
            co_await do_entries(services, shared, stream, std::move(entries));
            continue;
        }
        if (read == redis::PurgeStream::Read::nothing) co_await stream.settle();
        const Milliseconds time =
            read == redis::PurgeStream::Read::failed ? look_again : look_every;
        const bool goes_on = co_await pause.wait_until(steady_now() + time);
        if (!goes_on) co_return;
    }
}

}  // namespace

void follow_purge_stream(flow::Services& services, redis::RedisShared& redis) {
    if (redis.settings().purge_stream.empty()) return;
    net::start_lasting(
        services.executor(), [&services, &redis] { return follow(services, redis); },
        "following redis.purge_stream");
}

}  // namespace larder::server
