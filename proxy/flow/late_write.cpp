#include "flow/late_write.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "cache/invalidation.hpp"
#include "flow/forward_heads.hpp"
#include "flow/origin_results.hpp"
#include "flow/purge.hpp"
#include "flow/purge_record.hpp"
#include "net/detached.hpp"
#include "redis/purge.hpp"
#include "redis/purge_text.hpp"

namespace larder::flow {
using namespace std::chrono_literals;
namespace {

constexpr std::array<Milliseconds, 2> repeat_after{2s, 10s};
constexpr Milliseconds listen_at_least = 10s;
constexpr std::size_t listening_max = 64;
constexpr Milliseconds log_every = 60s;
constexpr std::size_t body_bytes_max = 64 * 1024;
constexpr int interim_max = 32;
constexpr const char* late_purges = "the purges of writes with an unknown outcome";

/// Whether the origin has enough connections to wait for one more late answer. Late answers must
/// not make other requests wait for a connection.
bool has_room(const origin::OriginConnection& connection) {
    const int most = connection.upstream->settings().max_connections;
    return most == 0 || connection.address->connections.load(std::memory_order_relaxed) * 2 <= most;
}

// Reads the whole body, for a rule that takes values from it. False: it is too long, or was cut
// off.
net::Task<bool> read_small_body(origin::BodyReader& body, std::string& text) {
    while (text.size() <= body_bytes_max) {
        const origin::BodyReader::Piece piece = co_await body.next();
        if (piece.status == origin::BodyReader::Status::end) co_return true;
        if (piece.status != origin::BodyReader::Status::data) co_return false;
        text.append(piece.data);
    }
    co_return false;
}

// Reads heads until the final one. False: no final head came.
net::Task<bool> read_late_head(origin::Exchange& exchange) {
    origin::HeadReading reading;
    reading.views = origin::HeadReading::Views::kept;
    for (int heads = 0; heads <= interim_max; ++heads) {
        co_await origin::read_response_head(reading, exchange);
        if (exchange.failed() || exchange.head.status == 101) co_return false;
        if (exchange.head.status >= 200) co_return true;
    }
    co_return false;
}

}  // namespace

/// Owns everything needed after the client is gone.
struct LateWrites::LateAnswer {
    LateAnswer(std::shared_ptr<const Config> config_in, const http::RequestHead& request_in)
        : config(std::move(config_in)), request(request_in) {}

    std::shared_ptr<const Config> config;
    OwnedRequest request;
    origin::Exchange exchange;
    std::string who;
    store::PurgeOrder purged;  ///< at once, when the write was given up
    SteadyTime until;          ///< how long the answer is awaited
};

LateWrites::LateWrites(Services& services) : services_(services), changed_(services.executor()) {}

LateWrites::~LateWrites() = default;

void LateWrites::purge_again(const WritePurge& purged) {
    for (const Milliseconds delay : repeat_after) purge_after(purged, delay);
}

void LateWrites::purge_after(const WritePurge& purged, Milliseconds delay) {
    arrange({order_now(services_, purged), steady_now() + delay}, purged.record);
}

void LateWrites::arrange(store::PlannedPurge purge, PurgeSchedule::Record record) {
    const bool taken = services_.relay != nullptr && services_.relay->take_over(purge);
    if (!taken) plan(purge, std::move(record));
}

void LateWrites::plan(const store::PlannedPurge& purge, PurgeSchedule::Record record) {
    if (services_.relay != nullptr) services_.relay->keep(purge);
    tell(purge);
    const auto kept = schedule_.add(purge, steady_now(), std::move(record));
    if (kept == PurgeSchedule::Kept::as_everything && steady_now() >= log_again_at_) {
        log_again_at_ = steady_now() + log_every;
        spdlog::warn(
            "too many purges are planned for writes with an unknown outcome: larder purges "
            "everything instead");
    }
    changed_.notify();
    if (running_ || stopped_) return;
    running_ = true;
    net::start_detached(services_.executor(), purge_when_due(), late_purges);
}

// What is stored until the purge must not outlive it: this process may die before.
void LateWrites::tell(const store::PlannedPurge& purge) {
    if (services_.redis) {
        const auto due_in = std::chrono::ceil<Milliseconds>(purge.due - steady_now());
        services_.redis->plan_purge(purge.order, std::max(due_in, Milliseconds(0)));
    } else {
        redis::note_planned(services_.generations, redis::items_of(purge.order), purge.due);
    }
}

void LateWrites::repeat_until(const store::PurgeOrder& order, SteadyTime until) {
    arrange({order, std::max(until, steady_now()), store::PlannedPurge::Repeats::yes}, nullptr);
}

net::Task<void> LateWrites::purge_when_due() {
    while (!schedule_.empty() && !stopped_) {
        const SteadyTime first = schedule_.next_due();
        if (first > steady_now()) {
            co_await changed_.wait_until(first);
            continue;
        }
        const SteadyTime began = steady_now();
        const PurgeSchedule::Due due = schedule_.take_due(began);
        redis::RedisBudget budget;
        const store::PurgeOutcome outcome = co_await purge(services_, due.order, budget);
        for (const auto& record : due.records) keep_repeat(services_, *record, began, outcome);
        if (due.not_recorded.empty()) continue;
        const auto record = record_of_unknown_write(*services_.config, due.not_recorded);
        keep_repeat(services_, *record, began, outcome);
    }
    running_ = false;
}

void LateWrites::log_not_listening(bool too_many) {
    if (steady_now() < log_again_at_) return;
    log_again_at_ = steady_now() + log_every;
    spdlog::warn(
        "larder does not wait for the late answer of a write that timed out, since {}: it purges "
        "every {} s until origin.idle_timeout instead",
        too_many ? "it waits for " + std::to_string(listening_max) + " already"
                 : std::string("origin.max_connections leaves no connection for it"),
        std::chrono::duration_cast<Seconds>(PurgeSchedule::repeat_interval).count());
}

void LateWrites::listen(const std::shared_ptr<const Config>& config,
                        const http::RequestHead& request, origin::Exchange& exchange,
                        std::string who, const WritePurge& purged) {
    const Milliseconds idle = exchange.connection->upstream->settings().idle_timeout;
    const SteadyTime until = steady_now() + std::max(idle, listen_at_least);
    const bool too_many = listening_.size() >= listening_max;
    if (stopped_ || too_many || !has_room(*exchange.connection)) {
        if (!stopped_) log_not_listening(too_many);
        return repeat_until(order_now(services_, purged), until);
    }
    auto answer = std::make_shared<LateAnswer>(config, request);
    answer->exchange.connection = std::move(exchange.connection);
    answer->who = std::move(who);
    answer->purged = order_now(services_, purged);
    answer->until = until;
    answer->exchange.under_way = std::move(exchange.under_way);  // must not outlive the address
    listening_.insert(answer.get());
    // If this process does not live until the answer comes, the next one cannot listen for it.
    if (services_.relay != nullptr)
        services_.relay->keep({answer->purged, until, store::PlannedPurge::Repeats::yes});
    net::start_detached(services_.executor(), await_answer(std::move(answer)), late_purges);
}

net::Task<void> LateWrites::await_answer(std::shared_ptr<LateAnswer> answer) {
    struct Counted {
        LateWrites& writes;
        const LateAnswer* answer;
        ~Counted() { writes.listening_.erase(answer); }
    } counted{*this, answer.get()};
    origin::Exchange& exchange = answer->exchange;
    const Config& config = *answer->config;
    const http::RequestHead& request = answer->request.head();
    const Milliseconds idle = exchange.connection->upstream->settings().idle_timeout;
    exchange.connection->stream.clear_timeout();
    exchange.connection->stream.expire_at(answer->until);
    const bool came = co_await read_late_head(exchange);
    // A gateway may answer in place of the origin, which still works on the write.
    if (!came || exchange.head.status >= 500) repeat_until(answer->purged, answer->until);
    if (!came || !cache::invalidates(request, exchange.head.status)) co_return;
    const route::Match match =
        config.routes.match(request.method, request.method_name, request.host, request.path);
    std::string text;
    bool usable = false;
    if (needs_response_body(match)) {
        origin::BodyReader body(exchange.connection->stream, exchange.connection->in,
                                exchange.head.framing, exchange.head.content_length, idle,
                                http::ChunkSender::origin);
        usable = co_await read_small_body(body, text);
    }
    const std::string* whole = usable ? &text : nullptr;
    store::PurgeOrder order = order_after_write(config, request, match, &exchange.head, whole);
    add_newest_rules(services_, config, request, &exchange.head, whole, route::Secrets::shown,
                     order);
    if (order.empty()) co_return;
    redis::RedisBudget budget;
    const SteadyTime began = steady_now();
    const store::PurgeOutcome outcome = co_await purge(services_, order, budget);
    observe::PurgeRecord record =
        record_of_write(config, request, match, &exchange.head, whole, order);
    record.who = answer->who;
    keep_repeat(services_, record, began, outcome);
}

void LateWrites::follow_rules(const Config& before, const Config& now) {
    if (pending() == 0) return;
    const store::PurgeOrder renamed = renamed_since(before, now);
    if (renamed.empty()) return;
    for (const store::PlannedPurge& planned : schedule_.all())
        plan({renamed, planned.due, planned.repeats});
    // Answers that are awaited purge by the rules in force. One that does not come is purged by
    // what was known before.
    for (const LateAnswer* answer : listening_)
        plan({renamed, answer->until, store::PlannedPurge::Repeats::yes});
}

net::Task<void> LateWrites::until_kept() {
    if (services_.relay == nullptr) co_return;
    co_await services_.relay->until_kept(services_.executor());
}

void LateWrites::hand_over(PurgeRelay& relay) {
    const std::vector<store::PlannedPurge> planned = schedule_.all();
    schedule_.clear();
    for (const store::PlannedPurge& purge : planned)
        if (!relay.take_over(purge)) schedule_.add(purge, steady_now());
    changed_.notify();
}

void LateWrites::stop() {
    using Repeats = store::PlannedPurge::Repeats;
    stopped_ = true;
    for (const LateAnswer* answer : listening_)
        schedule_.add({answer->purged, answer->until, Repeats::yes}, steady_now());
    changed_.notify();
}

}  // namespace larder::flow
