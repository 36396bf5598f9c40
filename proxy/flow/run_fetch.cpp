#include "flow/run_fetch.hpp"

#include "base/hash.hpp"
#include "cache/freshness.hpp"
#include "cache/reuse.hpp"
#include "cache/storable.hpp"
#include "cache/stored_head.hpp"
#include "cache/validation.hpp"
#include "cache/vary.hpp"
#include "flow/fetch_lease.hpp"
#include "flow/origin_results.hpp"
#include "flow/request_id.hpp"
#include "flow/response_tags.hpp"
#include "flow/store_fetched.hpp"
#include "net/detached.hpp"

namespace larder::flow {
namespace {

using cache::Detail;
using origin::BodyReader;

constexpr std::uint64_t small_rest_bytes = 1024 * 1024;
constexpr int interim_max = 32;
constexpr Milliseconds look_anyway{5000};  // for room, in case a wake-up failed for lack of memory

net::Task<void> ask_once(FetchTask& task, std::string_view head, origin::ConnectionAge age,
                         origin::Exchange& exchange) {
    const origin::RequestBytes request{head, task.request.head().body};
    co_await origin::send_request(task.services.origin, task.upstream(), request, age, exchange);
    record_failed_connects(task.services, *task.config, exchange);
    origin::HeadReading reading;
    if (task.asks_head()) reading.reply_to = origin::HeadReading::ReplyTo::head;
    reading.views = origin::HeadReading::Views::kept;
    reading.timeout = task.upstream()->settings().response_timeout;
    int interims = 0;
    while (!exchange.failed()) {
        co_await origin::read_response_head(reading, exchange);
        if (exchange.failed() || exchange.head.status >= 200) break;
        if (exchange.head.status == 101 || ++interims > interim_max) {
            exchange.error = origin::OriginError::malformed;
            exchange.why = "101 without a request to upgrade, or too many interim responses";
            break;
        }
        std::string lines;
        append_passed_head(exchange.head, task.plan.route->rule.strip, false,
                           task.config->settings.headers, exchange.received_at, lines);
        task.fetch->add_interim(std::move(lines));
    }
}

net::Task<void> ask_origin(FetchTask& task, origin::Exchange& exchange) {
    RequestHeadOptions options;
    options.request_id = task.request_id;
    options.for_cache = true;
    const http::RequestHead& request = task.request.head();
    const bool by_body = http::may_ask_by_body(request.method);
    options.method = task.asks_head() ? "HEAD" : by_body ? request.method_name : "GET";
    const std::string conditional =
        task.stale && !task.asks_head() ? cache::conditional_fields(*task.stale) : std::string{};
    options.conditional = conditional;
    std::string head;
    const HeadTarget target{*task.upstream(), task.plan.route, task.captures};
    build_origin_head(request, task.sender, options, target, task.config->settings, head);
    exchange.repeatable = exchange.lasts = true;
    co_await ask_once(task, head, origin::ConnectionAge::any, exchange);
    if (may_retry(exchange)) {
        exchange.drop_connection();
        exchange.error = origin::OriginError::none;
        co_await ask_once(task, head, origin::ConnectionAge::fresh, exchange);
    }
}

void give_up(FetchTask& task, origin::Exchange& exchange) {
    if (exchange.connection) record_origin_failure(task.services, *task.config, exchange);
    FailureAnswer answer = failure_answer(exchange);
    task.fetch->fail({answer.status, answer.detail, std::move(answer.message)});
    task.lease.give_back(redis::LeaseEnd::unstored);
}

// Waits until the body may be read on: a body that is not stored is read only as fast as its
// slowest reader. False: no reader wants it any more.
net::Task<bool> may_read_on(FetchTask& task, std::shared_ptr<net::Event> room,
                            const http::ResponseHead& head) {
    while (task.fetch->must_pause()) {
        const bool goes_on = co_await room->wait_until(steady_now() + look_anyway);
        if (!goes_on) co_return false;
    }
    if (task.fetch->readers() > 0 || task.shadow) co_return true;
    if (!task.fetch->storing()) co_return false;
    const std::uint64_t so_far = task.fetch->size();
    const bool small = head.framing == http::Framing::length
                           ? head.content_length - so_far <= small_rest_bytes
                           : so_far <= small_rest_bytes;
    co_return small;
}

// `data`: no reader wants the rest.
net::Task<BodyReader::Status> read_body(FetchTask& task, BodyReader& body,
                                        const http::ResponseHead& head) {
    const auto room = std::make_shared<net::Event>(task.services.executor());
    task.fetch->set_producer_event(room);
    const std::size_t most = object_bytes_max(task);
    while (true) {
        BodyReader::Piece piece;
        const bool buffered = body.next_buffered(piece);
        if (!buffered) {
            const bool wanted = co_await may_read_on(task, room, head);
            if (!wanted) co_return BodyReader::Status::data;
            piece = co_await body.next();
        }
        if (piece.status != BodyReader::Status::data) co_return piece.status;
        if (task.fetch->storing() && task.fetch->size() + piece.data.size() > most)
            task.fetch->stop_storing();
        task.fetch->append(piece.data);
    }
}

net::Task<void> take_response(FetchTask& task, origin::Exchange& exchange) {
    const cache::StoreDecision decision =
        cache::decide_storable(task.request.head(), exchange.head, task.plan.route->rule,
                               task.plan.personal, exchange.requested_at, exchange.received_at);
    store::FetchedHead head = fetched_head(task, exchange, decision);
    const Detail not_stored = head.not_stored;
    task.fetch->begin(std::move(head));
    BodyReader body(exchange.connection->stream, exchange.connection->in, exchange.head.framing,
                    exchange.head.content_length, task.upstream()->settings().idle_timeout,
                    http::ChunkSender::origin);
    const BodyReader::Status end = co_await read_body(task, body, exchange.head);
    if (end == BodyReader::Status::data) {
        task.fetch->cut();
        if (not_stored == Detail::none) {
            task.lease.give_back(redis::LeaseEnd::unstored);
        } else {
            remember_not_stored(task, not_stored, exchange.head.status);
        }
        co_return;
    }
    if (end != BodyReader::Status::end) {
        exchange.error = end == BodyReader::Status::timed_out ? origin::OriginError::timeout
                                                              : origin::OriginError::truncated;
        record_origin_failure(task.services, *task.config, exchange);
        task.fetch->cut();
        task.lease.give_back(redis::LeaseEnd::unstored);
        co_return;
    }
    record_origin_success(task.services, *task.config, exchange);
    std::unique_ptr<cache::Draft> draft;
    if (task.fetch->storing()) draft = draft_response(task, exchange, decision);
    const cache::Stored entry = draft ? finish_draft(task, *draft) : nullptr;
    if (task.shadow) record_shadow(task, exchange.head.status);
    task.fetch->complete(cache::stripped_trailers(body.trailers(), task.plan.route->rule.strip),
                         entry);
    finish_exchange(task.services.origin, exchange, body);
    if (entry) {
        note_finding(task, *entry);
        co_await store_entry(task, std::move(draft), entry);
    } else {
        const Detail reason = not_stored == Detail::none ? Detail::too_large : not_stored;
        remember_not_stored(task, reason, exchange.head.status);
    }
}

void finish_without_body(FetchTask& task, origin::Exchange& exchange) {
    BodyReader nothing(exchange.connection->stream, exchange.connection->in, http::Framing::none, 0,
                       Milliseconds(0), http::ChunkSender::origin);
    BodyReader::Piece piece;
    static_cast<void>(nothing.next_buffered(piece));
    finish_exchange(task.services.origin, exchange, nothing);
}

// An answer that confirms the entry may name other tags than the stored ones. False: too many tags.
bool tags_renewed(const FetchTask& task, const origin::Exchange& exchange, cache::Draft& draft) {
    return renew_response_tags(*task.config, *task.plan.route, task.request.head(), *task.stale,
                               exchange.head, draft);
}

// An answer that contradicts the entry makes it stale (RFC 9111, 4.3.5), which it is already.
net::Task<void> take_head_answer(FetchTask& task, origin::Exchange& exchange) {
    Detail reason = Detail::none;
    std::unique_ptr<cache::Draft> draft = cache::freshen_from_head(
        *task.stale, task.request.head(), exchange.head, task.plan.route->rule, task.plan.personal,
        exchange.requested_at, exchange.received_at, reason);
    record_origin_success(task.services, *task.config, exchange);
    if (exchange.head.status == 200 && draft && tags_renewed(task, exchange, *draft)) {
        finish_without_body(task, exchange);
        cache::build_variant(task.request.head(), draft->vary, task.plan.with_host, draft->variant);
        const cache::Stored entry = finish_draft(task, *draft);
        // This fetch is not on the board, so the next request must find the entry stored.
        co_await store_entry(task, std::move(draft), entry);
        task.fetch->resolve(entry, store::Resolution::updated, not_stored_in_redis(task));
        co_return;
    }
    const cache::StoreDecision decision =
        cache::decide_storable(task.request.head(), exchange.head, task.plan.route->rule,
                               task.plan.personal, exchange.requested_at, exchange.received_at);
    task.fetch->begin(fetched_head(task, exchange, decision));
    task.fetch->complete({}, nullptr);
    finish_without_body(task, exchange);
    task.lease.give_back(redis::LeaseEnd::unstored);
}

// True: the 304 confirmed the stored entry. False: ask again without a condition.
net::Task<bool> take_not_modified(FetchTask& task, origin::Exchange& exchange) {
    Detail reason = Detail::none;
    std::unique_ptr<cache::Draft> draft =
        cache::freshen(*task.stale, task.request.head(), exchange.head, task.plan.route->rule,
                       task.plan.personal, exchange.requested_at, exchange.received_at, reason);
    record_origin_success(task.services, *task.config, exchange);
    const bool may_be_kept = draft && tags_renewed(task, exchange, *draft);
    finish_without_body(task, exchange);
    if (!may_be_kept) {
        task.stale.reset();
        co_return false;
    }
    cache::build_variant(task.request.head(), draft->vary, task.plan.with_host, draft->variant);
    const cache::Stored entry = finish_draft(task, *draft);
    task.fetch->resolve(entry, store::Resolution::revalidated, not_stored_in_redis(task));
    note_finding(task, *entry);
    co_await store_entry(task, std::move(draft), entry);
    co_return true;
}

// Another fetch may have ended between the lookup and the start of this one. True: its entry is the
// answer.
bool found_after_all(FetchTask& task) {
    if (task.shadow) return false;
    const store::MemoryHit hit = task.services.memory.find(
        task.key, task.request.head(), task.plan.with_host, task.plan.route->rules, steady_now());
    if (!hit.entry || !answers_fetch(task, *hit.entry, hit.soft_purged)) return false;
    task.fetch->resolve(hit.entry, store::Resolution::found);
    return true;
}

net::Task<void> fetch_and_store(FetchTask& task) {
    if (found_after_all(task)) co_return;
    if (task.services.redis) {
        const bool go_on = co_await take_lease(task);
        if (!go_on) co_return;
    }
    while (true) {
        origin::Exchange exchange;
        co_await ask_origin(task, exchange);
        if (exchange.failed()) {
            give_up(task, exchange);
            co_return;
        }
        if (exchange.head.status == 304 && task.stale && !task.asks_head()) {
            const bool settled = co_await take_not_modified(task, exchange);
            if (settled) co_return;
            continue;
        }
        if (task.stale && answers_stale_instead(task, exchange.head.status)) {
            task.fetch->fail({exchange.head.status, Detail::origin_error, "the origin failed"});
            task.lease.give_back(redis::LeaseEnd::unstored);
            co_return;
        }
        if (task.asks_head()) {
            co_await take_head_answer(task, exchange);
        } else {
            co_await take_response(task, exchange);
        }
        co_return;
    }
}

// Only the task holds the fetch, its place on the board and its lease, so all three end with this
// coroutine, also after an exception.
net::Task<void> run_fetch(std::unique_ptr<FetchTask> task) { co_await fetch_and_store(*task); }

}  // namespace

FetchTask::FetchTask(Client& client, store::FetchDuty duty_in)
    : services(client.services),
      duty(std::move(duty_in)),
      fetch(duty.fetch()),
      config(client.config),
      request(client.request()),
      plan(client.exchange().plan),
      captures(request.captures_of(client.exchange().match.captures, client.request())),
      key(client.exchange().key),
      key_info(client.exchange().key_info),
      tags(client.exchange().tags),
      sender(sender_of(client)),
      request_id(flow::request_id(client.exchange())),
      prolong_at(services.wheel, &prolong_lease, this) {}

void start_fetch(std::unique_ptr<FetchTask> task) {
    const net::Executor executor = task->services.executor();
    net::start_detached(executor, run_fetch(std::move(task)), "a fetch");
}

void start_fetch_aside(std::unique_ptr<FetchTask> task) {
    const net::Executor executor = task->services.executor();
    net::start_detached_later(executor, run_fetch(std::move(task)), "a refresh");
}

}  // namespace larder::flow
