#include "instance.hpp"

#include <algorithm>
#include <future>

#include "http/target_uri.hpp"
#include "net/detached.hpp"

namespace larder::redis {
namespace asio = boost::asio;
namespace {

template <class T>
Task<void> run_and_tell(Task<T> task, std::shared_ptr<std::promise<T>> told) {
    try {
        T result = co_await std::move(task);
        told->set_value(std::move(result));
    } catch (...) {
        told->set_exception(std::current_exception());
    }
}

template <class T>
T run_on(asio::io_context& context, Task<T> task) {
    const auto told = std::make_shared<std::promise<T>>();
    std::future<T> result = told->get_future();
    net::start_detached(context.get_executor(), run_and_tell(std::move(task), told), "a call");
    if (result.wait_for(20s) != std::future_status::ready)
        throw std::runtime_error("a call never ended");
    return result.get();
}

Task<Found> find_with_budget(RedisStore& store, EntryName name) {
    RedisBudget budget;
    Found found = co_await store.find(name, budget);
    co_return found;
}

// As a request does it: after a lookup, whose findings the lease uses.
Task<Lease> lease_with_budget(RedisStore& store, EntryName name, bool want_lock) {
    RedisBudget budget;
    RedisStore::LeaseWish wish;
    wish.lock = want_lock;
    Found found = co_await store.find(name, budget);
    if (found.ids) wish.ids = *std::move(found.ids);
    Lease lease = co_await store.lease(name, wish, budget);
    co_return lease;
}

Task<Lease> lease_absent_with_budget(RedisStore& store, EntryName name) {
    RedisBudget budget;
    Lease lease = co_await store.lease_absent(name, budget);
    co_return lease;
}

Task<store::PurgeOutcome> purge_with_budget(RedisStore& store, store::PurgeOrder order,
                                            std::string token) {
    RedisBudget budget;
    const store::PurgeOutcome outcome =
        co_await store.purge(std::move(order), budget, std::move(token));
    co_return outcome;
}

Task<bool> announce_with_budget(RedisStore& store, std::vector<PurgeItem> items,
                                std::string token) {
    RedisBudget budget;
    const bool done = co_await store.announce(std::move(items), std::move(token), budget);
    co_return done;
}

Task<std::uint64_t> count_with_budget(RedisStore& store, route::PurgeSet set) {
    RedisBudget budget;
    const std::uint64_t count = co_await store.count_present(std::move(set), budget);
    co_return count;
}

Task<int> release_on(RedisStore& store, Lease lease, LeaseEnd end) {
    store.hold(std::make_shared<const Lease>(std::move(lease))).give_back(end);
    co_return 0;
}

Task<int> prolong_on(RedisStore& store, Lease lease) {
    store.prolong(lease);
    co_return 0;
}

}  // namespace

TestRequest::TestRequest(std::string host_in,
                         std::vector<std::pair<std::string, std::string>> fields_in)
    : host(std::move(host_in)), lines(std::move(fields_in)) {
    for (const auto& [name, value] : lines) fields.push_back({name, value, http::field_id(name)});
    head.method = http::Method::get;
    head.host = host;
    head.fields = http::Fields(fields);
    http::set_target_uri(head);
}

Instance::Instance(const std::string& url, int workers,
                   std::function<void(settings::Redis&)> adjust) {
    settings::Redis settings;
    std::string fault;
    settings.url = settings::parse_redis_url(url, fault).value();
    if (adjust) adjust(settings);
    memory = std::make_unique<store::MemoryStore>(1 << 20, generations);
    shared = std::make_unique<RedisShared>(settings, workers, generations, memory.get());
    for (int i = 0; i < workers; ++i) {
        auto& worker = workers_.emplace_back(std::make_unique<Worker>());
        worker->store = std::make_unique<RedisStore>(worker->context, *shared, i);
    }
    for (auto& worker : workers_) {
        worker->thread = std::thread([&on = *worker] {
            on.context.run();
            on.ended = true;
        });
    }
}

// The contexts are not stopped: each must run out of work by itself once the stores are.
Instance::~Instance() {
    for (auto& worker : workers_) worker->store->stop();
    for (auto& worker : workers_) worker->work.reset();
    const bool ended = eventually(
        [this] {
            return std::all_of(workers_.begin(), workers_.end(),
                               [](auto& w) { return w->ended.load(); });
        },
        5s);
    if (!ended) std::terminate();  // something does not stop
    for (auto& worker : workers_) worker->thread.join();
    for (auto& worker : workers_) worker->store.reset();
}

Found Instance::find(const Ask& ask, const TestRequest& request, int worker) {
    Worker& on = *workers_[static_cast<std::size_t>(worker)];
    return run_on(on.context, find_with_budget(*on.store, ask.name(request)));
}

Lease Instance::lease(const Ask& ask, bool want_lock, const TestRequest& request, int worker) {
    Worker& on = *workers_[static_cast<std::size_t>(worker)];
    return run_on(on.context, lease_with_budget(*on.store, ask.name(request), want_lock));
}

Lease Instance::lease_absent(const Ask& ask, const TestRequest& request, int worker) {
    Worker& on = *workers_[static_cast<std::size_t>(worker)];
    return run_on(on.context, lease_absent_with_budget(*on.store, ask.name(request)));
}

RedisStore::Filled Instance::fill(const Ask& ask, const Lease& lease,
                                  const std::shared_ptr<cache::Draft>& draft,
                                  const TestRequest& request, int worker, RedisStore::Older older) {
    Worker& on = *workers_[static_cast<std::size_t>(worker)];
    return run_on(on.context, on.store->fill(ask.name(request),
                                             std::make_shared<const Lease>(lease), *draft, older));
}

bool Instance::still_current(const Ask& ask, const Lease& lease, const TestRequest& request) {
    RedisBudget budget;
    return run_on(workers_[0]->context,
                  workers_[0]->store->still_current(ask.name(request), lease, budget));
}

RedisStore::Waited Instance::wait(const Ask& ask, std::chrono::milliseconds time,
                                  const TestRequest& request) {
    return run_on(workers_[0]->context,
                  workers_[0]->store->wait_for_other(ask.name(request), steady_now() + time));
}

store::PurgeOutcome Instance::purge(store::PurgeOrder order, std::string token, int worker) {
    Worker& on = *workers_[static_cast<std::size_t>(worker)];
    return run_on(on.context, purge_with_budget(*on.store, std::move(order), std::move(token)));
}

std::uint64_t Instance::count_present(route::PurgeSet set) {
    return run_on(workers_[0]->context, count_with_budget(*workers_[0]->store, std::move(set)));
}

bool Instance::announce(std::vector<PurgeItem> items, std::string token) {
    return run_on(workers_[0]->context,
                  announce_with_budget(*workers_[0]->store, std::move(items), std::move(token)));
}

void Instance::release(const Lease& lease, LeaseEnd end) {
    run_on(workers_[0]->context, release_on(*workers_[0]->store, lease, end));
}

void Instance::prolong(const Lease& lease) {
    run_on(workers_[0]->context, prolong_on(*workers_[0]->store, lease));
}

FillOutcome Instance::put(const Ask& ask, const std::string& body, const TestRequest& request) {
    const Lease got = lease(ask, false, request);
    return fill(ask, got, response(body), request).outcome;
}

std::string Instance::get(const Ask& ask, const TestRequest& request) {
    const Found found = find(ask, request);
    return found.entry ? std::string(found.entry->body()) : std::string();
}

bool Instance::wait_available(std::chrono::milliseconds time) {
    return eventually(
        [this] {
            return shared->node().links().of_worker(0) &&
                   shared->node().may_read(*shared->node().links().of_worker(0));
        },
        time);
}

bool Instance::wait_trusted(std::chrono::milliseconds time) {
    return eventually([this] { return shared->node().memory_trusted_until() > steady_now(); },
                      time);
}

std::shared_ptr<cache::Draft> response(std::string body, Seconds lifetime) {
    auto entry = std::make_shared<cache::Draft>();
    entry->head = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    entry->body = std::move(body);
    entry->target = "/test";
    entry->freshness.requested_at = wall_now();
    entry->freshness.received_at = wall_now();
    entry->freshness.lifetime = lifetime;
    return entry;
}

store::PurgeOrder purge_key(std::string key) {
    store::PurgeOrder order;
    order.set.keys.push_back(std::move(key));
    return order;
}

store::PurgeOrder purge_pattern(std::string pattern) {
    store::PurgeOrder order;
    order.set.patterns.push_back(std::move(pattern));
    return order;
}

store::PurgeOrder purge_tag(std::string tag) {
    store::PurgeOrder order;
    order.tags.push_back(std::move(tag));
    return order;
}

bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds time) {
    const SteadyTime until = steady_now() + time;
    while (!holds()) {
        if (steady_now() > until) return false;
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

}  // namespace larder::redis
