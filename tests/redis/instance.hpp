#pragma once
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "http/message.hpp"
#include "redis/shared.hpp"
#include "redis/store.hpp"
#include "store/memory_store.hpp"

namespace larder::redis {

using namespace std::chrono_literals;

/// A request as the parser would hand it over, for one Host and a few fields.
struct TestRequest {
    explicit TestRequest(std::string host_in = "a.example",
                         std::vector<std::pair<std::string, std::string>> fields_in = {});
    std::string host;
    std::vector<std::pair<std::string, std::string>> lines;
    std::vector<http::Field> fields;
    http::RequestHead head;
};

/// What a test wants of one key.
struct Ask {
    std::string key;
    std::vector<std::string> tags = {};
    std::size_t bare_size = std::string::npos;
    std::string sharing = {};
    [[nodiscard]] EntryName name(const TestRequest& request) const {
        return {key, std::min(bare_size, key.size()), tags, &request.head, true, sharing};
    }
};

/// One larder process as Redis sees it: shared state, workers with a thread each, a memory tier.
/// Calls block the test's thread and run on worker 0's, unless they say otherwise.
class Instance {
public:
    explicit Instance(const std::string& url, int workers = 1,
                      std::function<void(settings::Redis&)> adjust = nullptr);
    ~Instance();

    Found find(const Ask& ask, const TestRequest& request = TestRequest(), int worker = 0);
    Lease lease(const Ask& ask, bool want_lock = true, const TestRequest& request = TestRequest(),
                int worker = 0);
    Lease lease_absent(const Ask& ask, const TestRequest& request = TestRequest(), int worker = 0);
    RedisStore::Filled fill(const Ask& ask, const Lease& lease,
                            const std::shared_ptr<cache::Draft>& draft,
                            const TestRequest& request = TestRequest(), int worker = 0,
                            RedisStore::Older older = RedisStore::Older::replaced);
    RedisStore::Waited wait(const Ask& ask, std::chrono::milliseconds time,
                            const TestRequest& request = TestRequest());
    bool still_current(const Ask& ask, const Lease& lease,
                       const TestRequest& request = TestRequest());
    store::PurgeOutcome purge(store::PurgeOrder order, std::string token = {}, int worker = 0);
    std::uint64_t count_present(route::PurgeSet set);
    bool announce(std::vector<PurgeItem> items, std::string token);
    void release(const Lease& lease, LeaseEnd end = LeaseEnd::unstored);
    void prolong(const Lease& lease);

    /// Lease and fill in one; the body tells entries apart.
    FillOutcome put(const Ask& ask, const std::string& body,
                    const TestRequest& request = TestRequest());
    /// The body found, or "" where there is none.
    std::string get(const Ask& ask, const TestRequest& request = TestRequest());

    bool wait_available(std::chrono::milliseconds time = 2000ms);
    bool wait_trusted(std::chrono::milliseconds time = 2000ms);

    store::Generations generations;
    std::unique_ptr<store::MemoryStore> memory;
    std::unique_ptr<RedisShared> shared;

private:
    struct Worker {
        boost::asio::io_context context{1};
        boost::asio::executor_work_guard<Executor> work{context.get_executor()};
        std::atomic<bool> ended{false};
        std::unique_ptr<RedisStore> store;
        std::thread thread;
    };
    std::vector<std::unique_ptr<Worker>> workers_;
};

std::shared_ptr<cache::Draft> response(std::string body, Seconds lifetime = 60s);
store::PurgeOrder purge_key(std::string key);
store::PurgeOrder purge_pattern(std::string pattern);
store::PurgeOrder purge_tag(std::string tag);
bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds time = 2000ms);

}  // namespace larder::redis
