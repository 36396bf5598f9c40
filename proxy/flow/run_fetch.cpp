#include "flow/run_fetch.hpp"

#include "base/hash.hpp"
#include "flow/origin_exchange.hpp"
#include "flow/response_tags.hpp"
#include "flow/store_fetched.hpp"
#include "net/detached.hpp"

namespace larder::flow {
namespace {

using cache::Detail;
using origin::BodyReader;

constexpr std::uint64_t small_rest_bytes = 1024 * 1024;
constexpr int interim_max = 32;
constexpr Milliseconds prolong_every{1500};
constexpr Milliseconds look_anyway{
    5000};  // whether there is room: a wake-up takes memory, which may be short

// Keeps the lease alive while the origin takes its time.
void prolong_lease(void* owner) {
    FetchJob& job = *static_cast<FetchJob*>(owner);
    if (job.use.wheel.stopped()) return;
    job.prolong_at.set(steady_now() + prolong_every);
    job.use.redis->prolong(job.key, job.lease);
}

// Whether what is there after all makes the fetch needless: where there was something stale, it
// must have been renewed since.
bool settles(const FetchJob& job, const cache::StoredResponse& entry, bool soft_purged) {
    if (soft_purged || !cache::accepts_coding(job.request.head(), entry)) return false;
    if (!job.stale) return usable_by_waiters(job, entry);
    // After a clock was set back, what is newer may bear the earlier time.
    const bool clock_set_back = cache::is_from_the_future(job.stale->freshness, wall_now());
    if (!clock_set_back && entry.freshness.received_at <= job.stale->freshness.received_at)
        return false;
    return cache::decide_reuse(entry, job.plan.directives, job.plan.personal, false, wall_now()) ==
           cache::Verdict::serve;
}

// What is there once the lease is taken.
enum class UnderLease : std::uint8_t {
    nothing,  // the origin has to be asked
    entry,    // it makes the fetch needless
    variant,  // which variant is fetched is known now: its lock is another one
};

// What is stale is asked for conditionally only if it is still there: it may have been purged while
// this fetch waited, and the origin's 304 must not bring it back.
net::Task<UnderLease> look_under_lease(FetchJob& job) {
    if (job.shadow || (!job.lease.entry_there && !job.stale)) co_return UnderLease::nothing;
    const bool asked_conditionally = job.stale != nullptr;
    redis::Found found;
    if (job.lease.entry_there) found = co_await job.use.redis->find(job.name(), job.budget);
    job.lease.too_slow = found.too_slow;
    if (found.entry && settles(job, *found.entry, found.soft_purged)) {
        release_lease(job, false);
        job.fetch->resolve(found.entry, store::Resolution::found);
        co_return UnderLease::entry;
    }
    if (asked_conditionally) {
        job.stale = found.entry;
        job.soft_purged = found.soft_purged;
    }
    if (!job.shared || !job.variant.empty() || found.variant.empty()) co_return UnderLease::nothing;
    // Another instance's fetch brought another variant meanwhile, and with it what the response
    // varies on.
    job.variant = found.variant;
    job.digest = found.digest;
    co_return UnderLease::variant;
}

// Takes the right to fetch, or waits for the instance that has it. False: another's fetch brought
// the answer.
net::Task<bool> take_lease(FetchJob& job) {
    const SteadyTime give_up = steady_now() + job.plan.route->rule.wait;
    while (true) {
        redis::RedisStore::LeaseWish wish;
        wish.lock = job.shared;
        wish.digest = std::exchange(job.digest, {});
        job.lease = co_await job.use.redis->lease(job.name(), wish, job.budget);
        if (job.lease.state != redis::RedisState::ok) {
            job.stale.reset();
            co_return true;
        }
        // What is found from here on may be older than a purge: those who come later must be able
        // to tell.
        job.fetch->set_lease(std::make_shared<const redis::Lease>(job.lease));
        const UnderLease there = co_await look_under_lease(job);
        if (there == UnderLease::entry) co_return false;
        if (there == UnderLease::variant) {
            job.use.redis->release(job.lease, false);
            continue;
        }
        if (job.lease.lock == redis::Lease::Lock::uncacheable) job.fetch->disperse();
        if (job.lease.lock != redis::Lease::Lock::theirs || steady_now() >= give_up) co_return true;
        const redis::RedisStore::Waited waited =
            co_await job.use.redis->wait_for_other(job.name(), give_up);
        if (waited.entry && usable_by_waiters(job, *waited.entry)) {
            job.fetch->resolve(waited.entry, store::Resolution::joined);
            co_return false;
        }
        if (waited.uncacheable) job.fetch->disperse();
        if (waited.state != redis::RedisState::ok || waited.timed_out || waited.uncacheable ||
            waited.entry)
            co_return true;
    }
}

net::Task<void> ask_once(FetchJob& job, std::string_view head, bool fresh,
                         OriginExchange& exchange) {
    co_await send_request(job.use, job.config, head, std::string_view(), fresh, exchange);
    int interims = 0;
    while (!exchange.failed()) {
        co_await read_response_head(job.config->settings, job.asks_head(), false, true, exchange);
        if (exchange.failed() || exchange.head.status >= 200) break;
        if (exchange.head.status == 101 || ++interims > interim_max) {
            exchange.error = origin::OriginError::malformed;
            exchange.why = "an interim response nobody asked for";
            break;
        }
        std::string lines;
        append_passed_head(exchange.head, {}, false, job.config->settings.headers,
                           exchange.received_at, lines);
        job.fetch->add_interim(std::move(lines));
    }
}

net::Task<void> ask_origin(FetchJob& job, OriginExchange& exchange) {
    RequestHeadOptions options;
    options.for_cache = true;
    options.method = job.asks_head() ? "HEAD" : "GET";
    const std::string conditional =
        job.stale && !job.asks_head() ? cache::conditional_fields(*job.stale) : std::string{};
    options.conditional = conditional;
    std::string head;
    const std::string_view authority = job.config->upstream->servers().front()->authority;
    build_origin_head(job.request.head(), job.sender, options, job.config->settings, authority,
                      head);
    exchange.repeatable = true;
    co_await ask_once(job, head, false, exchange);
    if (may_retry(exchange)) {
        exchange.drop_connection();
        exchange.error = origin::OriginError::none;
        co_await ask_once(job, head, true, exchange);
    }
}

void give_up(FetchJob& job, OriginExchange& exchange) {
    if (exchange.connection) record_origin_failure(job.use, *job.config, exchange);
    FailureAnswer answer = failure_answer(exchange);
    job.fetch->fail({answer.status, answer.detail, std::move(answer.message)});
    release_lease(job, false);
}

// Reads on only as fast as the slowest reader of what is not stored. False: nobody wants it any
// more.
net::Task<bool> may_read_on(FetchJob& job, std::shared_ptr<net::Event> room,
                            const http::ResponseHead& head) {
    while (job.fetch->must_pause()) {
        const bool goes_on = co_await room->wait_until(steady_now() + look_anyway);
        if (!goes_on) co_return false;
    }
    if (job.fetch->readers() > 0 || job.shadow) co_return true;
    if (!job.fetch->storing()) co_return false;
    const std::uint64_t so_far = job.fetch->size();
    const bool small = head.framing == http::Framing::length
                           ? head.content_length - so_far <= small_rest_bytes
                           : so_far <= small_rest_bytes;
    co_return small;
}

// `data`: nobody wants the rest.
net::Task<BodyReader::Status> read_body(FetchJob& job, BodyReader& body,
                                        const http::ResponseHead& head) {
    const auto room = std::make_shared<net::Event>(job.use.executor());
    job.fetch->set_producer_event(room);
    const std::size_t most = object_bytes_max(job);
    while (true) {
        BodyReader::Piece piece;
        const bool buffered = body.next_buffered(piece);
        if (!buffered) {
            const bool wanted = co_await may_read_on(job, room, head);
            if (!wanted) co_return BodyReader::Status::data;
            piece = co_await body.next();
        }
        if (piece.status != BodyReader::Status::data) co_return piece.status;
        if (job.fetch->storing() && job.fetch->size() + piece.data.size() > most)
            job.fetch->stop_storing();
        job.fetch->append(piece.data);
    }
}

net::Task<void> take_response(FetchJob& job, OriginExchange& exchange) {
    const cache::StoreDecision decision =
        cache::decide_storable(job.request.head(), exchange.head, job.plan.route->rule,
                               job.plan.personal, exchange.requested_at, exchange.received_at);
    store::FetchedHead head = fetched_head(job, exchange, decision);
    const Detail not_stored = head.not_stored;
    job.fetch->begin(std::move(head));
    BodyReader body(exchange.connection->stream, exchange.connection->in, exchange.head.framing,
                    exchange.head.content_length, job.config->settings.origin.idle_timeout,
                    http::ChunkSender::origin);
    const BodyReader::Status end = co_await read_body(job, body, exchange.head);
    if (end == BodyReader::Status::data) {
        job.fetch->cut();
        if (not_stored == Detail::none) {
            release_lease(job, false);
        } else {
            remember_not_stored(job, not_stored, exchange.head.status);
        }
        co_return;
    }
    if (end != BodyReader::Status::end) {
        exchange.error = end == BodyReader::Status::timed_out ? origin::OriginError::timeout
                                                              : origin::OriginError::truncated;
        record_origin_failure(job.use, *job.config, exchange);
        job.fetch->cut();
        release_lease(job, false);
        co_return;
    }
    record_origin_success(job.use, *job.config, exchange);
    boost::intrusive_ptr<cache::StoredResponse> entry;
    if (job.fetch->storing()) entry = stored_response(job, exchange, decision);
    if (job.shadow) record_shadow(job, exchange.head.status);
    job.fetch->complete(body.trailers(), entry);
    finish_exchange(job.use, exchange, body);
    if (entry) {
        co_await store_entry(job, entry);
    } else {
        const Detail reason = not_stored == Detail::none ? Detail::too_large : not_stored;
        remember_not_stored(job, reason, exchange.head.status);
    }
}

void finish_without_body(FetchJob& job, OriginExchange& exchange) {
    BodyReader nothing(exchange.connection->stream, exchange.connection->in, http::Framing::none, 0,
                       Milliseconds(0), http::ChunkSender::origin);
    BodyReader::Piece piece;
    static_cast<void>(nothing.next_buffered(piece));
    finish_exchange(job.use, exchange, nothing);
}

// An answer that confirms the entry may name other tags than those it was stored under. False: more
// than can be kept.
bool tags_renewed(const FetchJob& job, const OriginExchange& exchange,
                  cache::StoredResponse& entry) {
    return renew_response_tags(*job.config, *job.plan.route, job.request.head(), *job.stale,
                               exchange.head, entry);
}

// An answer that contradicts the entry makes it stale (RFC 9111, 4.3.5), which it is already.
net::Task<void> take_head_answer(FetchJob& job, OriginExchange& exchange) {
    Detail reason = Detail::none;
    boost::intrusive_ptr<cache::StoredResponse> entry = cache::freshen_from_head(
        *job.stale, job.request.head(), exchange.head, job.plan.route->rule, job.plan.personal,
        exchange.requested_at, exchange.received_at, reason);
    record_origin_success(job.use, *job.config, exchange);
    if (exchange.head.status == 200 && entry && tags_renewed(job, exchange, *entry)) {
        finish_without_body(job, exchange);
        cache::build_variant(job.request.head(), entry->vary, job.plan.with_host, entry->variant);
        // Not on the board: who asks next must find it stored.
        co_await store_entry(job, entry);
        job.fetch->resolve(entry, store::Resolution::updated, not_stored_in_redis(job));
        co_return;
    }
    const cache::StoreDecision decision =
        cache::decide_storable(job.request.head(), exchange.head, job.plan.route->rule,
                               job.plan.personal, exchange.requested_at, exchange.received_at);
    job.fetch->begin(fetched_head(job, exchange, decision));
    job.fetch->complete({}, nullptr);
    finish_without_body(job, exchange);
    release_lease(job, false);
}

// True: the 304 confirmed the stored entry (or what became of it is told); false: ask again,
// unconditionally.
net::Task<bool> take_not_modified(FetchJob& job, OriginExchange& exchange) {
    Detail reason = Detail::none;
    boost::intrusive_ptr<cache::StoredResponse> entry =
        cache::freshen(*job.stale, job.request.head(), exchange.head, job.plan.route->rule,
                       job.plan.personal, exchange.requested_at, exchange.received_at, reason);
    record_origin_success(job.use, *job.config, exchange);
    const bool may_be_kept = entry && tags_renewed(job, exchange, *entry);
    finish_without_body(job, exchange);
    if (!may_be_kept) {
        job.stale.reset();
        co_return false;
    }
    cache::build_variant(job.request.head(), entry->vary, job.plan.with_host, entry->variant);
    job.fetch->resolve(entry, store::Resolution::revalidated, not_stored_in_redis(job));
    co_await store_entry(job, entry);
    co_return true;
}

// Between the lookup and the lead of the fetch another's fetch may have ended: then there is
// nothing to do.
bool found_after_all(FetchJob& job) {
    if (job.shadow) return false;
    const store::MemoryHit hit = job.use.memory.find(
        job.key, job.request.head(), job.plan.with_host, job.plan.route->rules, steady_now());
    if (!hit.entry || !settles(job, *hit.entry, hit.soft_purged)) return false;
    job.fetch->resolve(hit.entry, store::Resolution::found);
    return true;
}

net::Task<void> fetch_and_store(FetchJob& job) {
    if (found_after_all(job)) co_return;
    if (job.use.redis) {
        const bool go_on = co_await take_lease(job);
        if (!go_on) co_return;
        job.fetch->set_lease(std::make_shared<const redis::Lease>(job.lease));
    }
    while (true) {
        OriginExchange exchange;
        co_await ask_origin(job, exchange);
        if (exchange.failed()) {
            give_up(job, exchange);
            co_return;
        }
        if (exchange.head.status == 304 && job.stale && !job.asks_head()) {
            const bool settled = co_await take_not_modified(job, exchange);
            if (settled) co_return;
            continue;
        }
        if (job.stale && answers_stale_instead(job, exchange.head.status)) {
            job.fetch->fail({exchange.head.status, Detail::origin_error, "the origin failed"});
            release_lease(job, false);
            co_return;
        }
        if (job.asks_head()) {
            co_await take_head_answer(job, exchange);
        } else {
            co_await take_response(job, exchange);
        }
        co_return;
    }
}

// The job is all that holds the fetch, its place on the board and its lease: they end with it, by
// whatever way.
net::Task<void> run_fetch(std::unique_ptr<FetchJob> job) {
    if (job->use.redis && job->shared) job->prolong_at.set(steady_now() + prolong_every);
    co_await fetch_and_store(*job);
}

}  // namespace

FetchJob::FetchJob(Client& client, const ReadPlan& plan_in, store::FetchDuty duty_in)
    : use(client.use),
      duty(std::move(duty_in)),
      fetch(duty.fetch()),
      config(client.config),
      request(client.request()),
      plan(plan_in),
      key(client.x().key),
      facts(client.x().facts),
      tags(client.x().tags),
      sender(sender_of(client)),
      prolong_at(use.wheel, &prolong_lease, this) {}

FetchJob::~FetchJob() {
    net::run_guarded(use.context, "giving a lease back", [this] { release_lease(*this, false); });
}

void start_fetch(std::unique_ptr<FetchJob> job) {
    const net::Executor executor = job->use.executor();
    net::start_detached(executor, run_fetch(std::move(job)), "a fetch");
}

}  // namespace larder::flow
