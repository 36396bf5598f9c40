#include "flow/late_write.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <iterator>

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
constexpr std::size_t planned_max = 10'000;
constexpr std::size_t orders_at_once = 500;
constexpr std::size_t body_bytes_max = 64 * 1024;
constexpr int interim_max = 32;
constexpr const char* late_purges = "the purges of writes with an unknown outcome";

void append(std::vector<std::string>& to, std::vector<std::string> from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void drop_doubles(std::vector<std::string>& names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
}

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
};

LateWrites::LateWrites(Services& services) : services_(services), changed_(services.executor()) {}

LateWrites::~LateWrites() = default;

void LateWrites::purge_again(const WritePurge& purged) {
    for (const Milliseconds delay : repeat_after) purge_after(purged, delay);
}

void LateWrites::purge_after(const WritePurge& purged, Milliseconds delay) {
    const bool taken =
        services_.relay != nullptr && services_.relay->take_over(purged.order, delay);
    if (!taken) purge_at(purged.order, steady_now() + delay, purged.record);
}

void LateWrites::purge_at(store::PurgeOrder order, SteadyTime due,
                          std::shared_ptr<const observe::PurgeRecord> record) {
    // Without Redis the purge concerns only the memory of this process, which ends.
    if (stopped_ && !services_.redis) return;
    if (planned_.size() >= planned_max) {
        spdlog::warn(
            "more than {} purges are planned for writes with an unknown outcome: larder purges "
            "everything instead",
            planned_max);
        planned_.clear();
        const store::PurgeOrder all = redis::order_of({redis::purge_everything()});
        for (const Milliseconds delay : repeat_after)
            planned_.emplace(steady_now() + delay,
                             Planned{all, record_of_unknown_write(*services_.config, all)});
    }
    plan(order, due);
    if (!record) record = record_of_unknown_write(*services_.config, order);
    planned_.emplace(due, Planned{std::move(order), std::move(record)});
    changed_.notify();
    if (running_ || stopped_) return;
    running_ = true;
    net::start_detached(services_.executor(), purge_when_due(), late_purges);
}

// What is stored until the purge must not outlive it: this process may die before.
void LateWrites::plan(const store::PurgeOrder& order, SteadyTime due) {
    if (services_.redis) {
        const auto due_in = std::chrono::ceil<Milliseconds>(due - steady_now());
        services_.redis->plan_purge(order, std::max(due_in, Milliseconds(0)));
    } else {
        redis::note_planned(services_.generations, redis::items_of(order), due);
    }
}

store::PurgeOrder LateWrites::take_due(SteadyTime now, Records& records) {
    store::PurgeOrder all;
    for (std::size_t taken = 0;
         taken < orders_at_once && !planned_.empty() && planned_.begin()->first <= now; ++taken) {
        store::PurgeOrder order = std::move(planned_.begin()->second.order);
        records.push_back(std::move(planned_.begin()->second.record));
        planned_.erase(planned_.begin());
        append(all.set.keys, std::move(order.set.keys));
        append(all.set.patterns, std::move(order.set.patterns));
        append(all.scan_patterns, std::move(order.scan_patterns));
        append(all.tags, std::move(order.tags));
        all.everything |= order.everything;
    }
    for (std::vector<std::string>* names :
         {&all.set.keys, &all.set.patterns, &all.scan_patterns, &all.tags})
        drop_doubles(*names);
    return all;
}

net::Task<void> LateWrites::purge_when_due() {
    while (!planned_.empty() && !stopped_) {
        const SteadyTime first = planned_.begin()->first;
        if (first > steady_now()) {
            co_await changed_.wait_until(first);
            continue;
        }
        Records records;
        const SteadyTime began = steady_now();
        const store::PurgeOrder order = take_due(began, records);
        redis::RedisBudget budget;
        const store::PurgeOutcome outcome = co_await purge(services_, order, budget);
        for (const auto& record : records) keep_repeat(services_, *record, began, outcome);
    }
    running_ = false;
}

void LateWrites::listen(const std::shared_ptr<const Config>& config,
                        const http::RequestHead& request, origin::Exchange& exchange,
                        std::string who) {
    if (stopped_ || listening_ >= listening_max || !has_room(*exchange.connection)) return;
    auto answer = std::make_shared<LateAnswer>(config, request);
    answer->exchange.connection = std::move(exchange.connection);
    answer->who = std::move(who);
    answer->exchange.under_way = std::move(exchange.under_way);  // must not outlive the address
    ++listening_;
    net::start_detached(services_.executor(), await_answer(std::move(answer)), late_purges);
}

net::Task<void> LateWrites::await_answer(std::shared_ptr<LateAnswer> answer) {
    struct Counted {
        std::size_t& listening;
        ~Counted() { --listening; }
    } counted{listening_};
    origin::Exchange& exchange = answer->exchange;
    const Config& config = *answer->config;
    const http::RequestHead& request = answer->request.head();
    const Milliseconds idle = exchange.connection->upstream->settings().idle_timeout;
    const Milliseconds patience = std::max<Milliseconds>(idle, listen_at_least);
    exchange.connection->stream.clear_timeout();
    exchange.connection->stream.expire_at(steady_now() + patience);
    const bool came = co_await read_late_head(exchange);
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
    const store::PurgeOrder order =
        order_after_write(config, request, match, &exchange.head, whole);
    if (order.empty()) co_return;
    redis::RedisBudget budget;
    const SteadyTime began = steady_now();
    const store::PurgeOutcome outcome = co_await purge(services_, order, budget);
    observe::PurgeRecord record =
        record_of_write(config, request, match, &exchange.head, whole, order);
    record.who = answer->who;
    keep_repeat(services_, record, began, outcome);
}

void LateWrites::hand_over(PurgeRelay& relay) {
    const SteadyTime now = steady_now();
    std::erase_if(planned_, [&](const auto& planned) {
        const auto left = std::chrono::ceil<Milliseconds>(planned.first - now);
        return relay.take_over(planned.second.order, std::max(left, Milliseconds(0)));
    });
    changed_.notify();
}

void LateWrites::stop() {
    stopped_ = true;
    changed_.notify();
}

std::vector<store::PurgeOrder> LateWrites::planned() const {
    std::vector<store::PurgeOrder> orders;
    for (const auto& [due, planned] : planned_) orders.push_back(planned.order);
    return orders;
}

}  // namespace larder::flow
